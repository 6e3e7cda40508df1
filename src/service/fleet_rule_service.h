#pragma once
/* service/fleet_rule_service.h -- rules over many devices, and the alerts they raised. Every
 * look-up starts with the organisation: a foreign rule is ERR_NOTFOUND like a missing one, and a
 * foreign tag or group is no tag or group.
 * Threads: any; every call blocks on the catalog.   Memory: copied into the arena. */
#include "model/actor.h"
#include "model/fleet_rule.h"
#include "rules/fleet_engine.h"
#include "service/refusal.h"
#include "store/catalog_alerts.h"
#include "store/catalog_fleet_rules.h"

enum { FLEET_RULES_PER_ORG_MAX = 1000 };
#define FLEET_INTERVAL_MIN_NS (10 * NS_PER_S)
#define FLEET_INTERVAL_MAX_NS NS_PER_DAY
#define FLEET_WINDOW_MAX_NS   (30 * NS_PER_DAY)
#define FLEET_COOLDOWN_MAX_NS (7 * NS_PER_DAY)

struct fleet_rule_service {
    struct fleet_engine *engine; /* borrowed; its catalog, clock and alerts are used */
    const struct limits *limits; /* NULL: none but FLEET_RULES_PER_ORG_MAX */
};

/* Takes everything of `given` but ids, times and what evaluation keeps. ERR_INVALID, ERR_LIMIT;
 * ERR_NOTFOUND: there is no such tag or group. */
enum err fleet_rule_service_create(struct fleet_rule_service *s, const struct actor *actor,
                                   const struct fleet_rule *given, struct arena *arena,
                                   struct fleet_rule *ret, struct refusal *refusal) MUST_CHECK;
enum err fleet_rule_service_find(struct fleet_rule_service *s, int64_t org, struct bytes id,
                                 struct arena *arena, struct fleet_rule *ret) MUST_CHECK;
enum err fleet_rule_service_list(struct fleet_rule_service *s, int64_t org,
                                 const struct catalog_page *page, struct arena *arena,
                                 struct fleet_rule **ret, struct catalog_listing *ret_listing,
                                 struct why *why) MUST_CHECK;
/* rule: as found, with what is to change changed. A rule that is switched off ends its alert. */
enum err fleet_rule_service_update(struct fleet_rule_service *s, const struct actor *actor,
                                   struct fleet_rule *rule, struct arena *arena,
                                   struct refusal *refusal) MUST_CHECK;
/* Its open alert ends with it; what it raised stays readable. */
enum err fleet_rule_service_delete(struct fleet_rule_service *s, const struct actor *actor,
                                   struct bytes id, struct arena *arena) MUST_CHECK;

/* An alert of a fleet rule with its details. */
struct fleet_alert_view {
    struct alert alert;
    struct fleet_alert details;
};
enum err fleet_rule_service_alert(struct fleet_rule_service *s, int64_t org, struct bytes id,
                                  struct arena *arena, struct fleet_alert_view *ret) MUST_CHECK;
enum err fleet_rule_service_alerts(struct fleet_rule_service *s, int64_t org,
                                   const struct alert_filter *filter,
                                   const struct catalog_page *page, struct arena *arena,
                                   struct fleet_alert_view **ret,
                                   struct catalog_listing *ret_listing, struct why *why) MUST_CHECK;
enum err fleet_rule_service_count_alerts(struct fleet_rule_service *s, int64_t org,
                                         const struct alert_filter *filter,
                                         int64_t *ret) MUST_CHECK;
/* change: ALERT_ACKNOWLEDGED or ALERT_RESOLVED (then with a note, or an empty one). Doing it again
 * changes nothing. */
enum err fleet_rule_service_change_alert(struct fleet_rule_service *s, const struct actor *actor,
                                         struct bytes id, enum alert_change change,
                                         struct bytes note, struct arena *arena,
                                         struct fleet_alert_view *ret) MUST_CHECK;
