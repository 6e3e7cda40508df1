#pragma once
/* service/rule_service.h -- rules on variables: made, found, changed, deleted.
 *
 *   change ──> catalog transaction, with its event ── commit ──> changed() (the rule engine)
 *
 * K1  nothing fires on history: a rule that is made, enabled, moved to another variable or given
 *     another condition begins behind the newest reading that there is.
 * K2  a rule that is disabled, moved, deleted, or whose device is deleted, leaves no open alert:
 *     it is resolved in the same transaction, by whoever did it.
 * Threads: any; every call blocks on the catalog.   Memory: copied into the arena. */
#include "base/arena.h"
#include "model/actor.h"
#include "rules/alerts.h"
#include "service/device_service.h"
#include "service/refusal.h"
#include "store/catalog_rules.h"
#include "store/registry.h"
#include "store/telemetry.h"

enum { RULES_PER_ORG = 10000, RULE_VARIABLE_MAX = REGISTRY_NAME_MAX };
#define RULE_FOR_MAX_NS      (7 * NS_PER_DAY)
#define RULE_COOLDOWN_NS     (5 * NS_PER_MINUTE) /* unless said otherwise */
#define RULE_COOLDOWN_MAX_NS (7 * NS_PER_DAY)

struct rule_service {
    struct sql_db *db; /* borrowed, as the rest */
    struct registry *registry;
    struct telemetry *telemetry; /* the newest reading, for K1; NULL: there is none */
    struct alerts *alerts;
    const struct clock *clock;
    struct rnd *rnd;
    const struct limits *limits; /* NULL: none but RULES_PER_ORG */
    /* After the commit: what stands under this id is another now; 0: any may be. Never blocks. May
     * be NULL. */
    void (*changed)(void *ctx, int64_t org, int64_t rule);
    void *changed_ctx;
};

/* What to change, or to make; a member that is not `set` stays, or is what a new rule has unless
 * it says otherwise. */
struct rule_text {
    bool set;
    struct bytes value; /* p == NULL clears */
};
struct rule_number {
    bool set;
    double value; /* NAN clears */
};
struct rule_change {
    struct rule_text name, description, device, variable, op;
    struct rule_number threshold, clear_threshold, for_s, cooldown_minutes;
    bool enabled_set, enabled;
};

/* ERR_NOTFOUND: no such device. ERR_LIMIT, ERR_INVALID. */
enum err rule_service_create(struct rule_service *s, const struct actor *actor,
                             const struct rule_change *given, struct arena *arena, struct rule *ret,
                             struct refusal *refusal) MUST_CHECK;
enum err rule_service_find(struct rule_service *s, int64_t org, struct bytes uuid,
                           struct arena *arena, struct rule *ret) MUST_CHECK;
enum err rule_service_list(struct rule_service *s, int64_t org, const struct rule_filter *filter,
                           const struct catalog_page *page, struct arena *arena, struct rule **ret,
                           struct catalog_listing *ret_listing, struct why *why) MUST_CHECK;
/* *ret_device: it was the device that was not found. */
enum err rule_service_update(struct rule_service *s, const struct actor *actor, struct bytes uuid,
                             const struct rule_change *change, struct arena *arena,
                             struct rule *ret, bool *ret_device,
                             struct refusal *refusal) MUST_CHECK;
/* For device_service.watcher: with a device its rules end (K2) and come back. */
struct device_watcher rule_devices_watcher(struct rule_service *s);
enum err rule_service_delete(struct rule_service *s, const struct actor *actor, struct bytes uuid,
                             struct arena *arena) MUST_CHECK;
