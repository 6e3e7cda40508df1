#pragma once
/* service/dashboard_service.h -- the dashboards of an organisation. Every look-up starts with the
 * organisation: a foreign dashboard is ERR_NOTFOUND like a missing one, and so is a device of
 * another organisation that a dashboard or widget would name (refusal.missing says which it was).
 *
 * B1  a change under If-Match happens only over the version that was read (if_match.h).
 * B2  an organisation has one default dashboard at most; asked for, it has one.
 * B3  a dashboard's version rises with each of its widgets' changes: its ETag covers the whole.
 * Threads: any; every call blocks on the catalog.   Memory: copied into the arena.
 * More of the family: dashboard_widgets.h, dashboard_shares.h. */
#include "base/arena.h"
#include "base/rnd.h"
#include "model/actor.h"
#include "model/dashboard.h"
#include "service/if_match.h"
#include "service/refusal.h"
#include "store/catalog_page.h"
#include "store/registry.h"

struct auth_service;

struct dashboard_service {
    struct sql_db *db; /* borrowed, as the rest */
    struct registry *registry;
    struct auth_service *auth; /* passwords of shares */
    const struct clock *clock;
    struct rnd *rnd;
    const struct limits *limits; /* NULL: none but DASHBOARDS_PER_ORG */
};

/* What to change; a member that is not set stays. */
struct dashboard_text {
    bool set;
    struct bytes value; /* empty clears */
};
struct dashboard_number {
    bool set;
    int64_t value;
};
struct dashboard_change {
    struct dashboard_text name, description, default_device;
    bool default_set, is_default;
    struct bytes layout; /* a checked JSON object; p == NULL: stays */
};

/* ERR_LIMIT at the limit of the pilot, at DASHBOARDS_PER_ORG. *ret borrows from `given`. All that
 * give a dashboard give it with its widgets. */
enum err dashboard_service_create(struct dashboard_service *s, const struct actor *actor,
                                  const struct dashboard_change *given, struct dashboard *ret,
                                  struct refusal *refusal) MUST_CHECK;
enum err dashboard_service_find(struct dashboard_service *s, int64_t org, int64_t id,
                                struct arena *arena, struct dashboard *ret) MUST_CHECK;
/* Makes one when there is none; two callers at once get the same one (keeps B2). */
enum err dashboard_service_find_default(struct dashboard_service *s, const struct actor *actor,
                                        struct arena *arena, struct dashboard *ret,
                                        struct refusal *refusal) MUST_CHECK;
/* Inside a transaction of the caller, for an organisation that has none. */
enum err dashboard_service_insert_default(struct dashboard_service *s, struct sql_tx *tx,
                                          const struct actor *actor, struct dashboard *ret,
                                          struct refusal *refusal) MUST_CHECK;
/* Without widgets. */
enum err dashboard_service_list(struct dashboard_service *s, int64_t org,
                                const struct catalog_page *page, struct arena *arena,
                                struct dashboard **ret, struct catalog_listing *ret_listing,
                                struct why *why) MUST_CHECK;
enum err dashboard_service_update(struct dashboard_service *s, const struct actor *actor,
                                  int64_t id, const struct if_match *match,
                                  const struct dashboard_change *change, struct arena *arena,
                                  struct dashboard *ret, struct refusal *refusal) MUST_CHECK;
/* For good, with its widgets and shares. */
enum err dashboard_service_delete(struct dashboard_service *s, const struct actor *actor,
                                  int64_t id, const struct if_match *match,
                                  struct arena *arena) MUST_CHECK;
