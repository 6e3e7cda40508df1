#pragma once
/* service/alert_service.h -- alerts for people: list, acknowledge, resolve.
 * Acknowledging says that somebody has seen it and changes nothing else; a resolved alert may be
 * followed by another one of the same rule once its cooldown has ended. Both are idempotent: the
 * first one counts.
 * Threads: any; every call blocks on the catalog.   Memory: copied into the arena. */
#include "base/arena.h"
#include "model/actor.h"
#include "rules/alerts.h"
#include "store/catalog_alerts.h"

#define ALERT_KEPT_NS (365 * NS_PER_DAY) /* resolved ones, after they were raised */

struct alert_service {
    struct sql_db *db; /* borrowed, as the rest */
    struct alerts *alerts;
    const struct clock *clock;
};

enum err alert_service_find(struct alert_service *s, int64_t org, struct bytes uuid,
                            struct arena *arena, struct alert *ret) MUST_CHECK;
enum err alert_service_list(struct alert_service *s, int64_t org, const struct alert_filter *filter,
                            const struct catalog_page *page, struct arena *arena,
                            struct alert **ret, struct catalog_listing *ret_listing,
                            struct why *why) MUST_CHECK;
enum err alert_service_acknowledge(struct alert_service *s, const struct actor *actor,
                                   struct bytes uuid, struct arena *arena,
                                   struct alert *ret) MUST_CHECK;
enum err alert_service_resolve(struct alert_service *s, const struct actor *actor,
                               struct bytes uuid, struct arena *arena,
                               struct alert *ret) MUST_CHECK;
