/* Rules over many devices and their alerts: this part of the surface on one screen. */
#include "api/handlers_fleet.h"

#define V1     "/api/v1"
#define RULE   V1 "/global-rules/{id}"
#define ALERT  V1 "/global-alerts/{id}"
#define KIB(n) ((size_t)(n) << 10)

const struct route routes_fleet[] = {
    /* method, path, who, where, body max, handler, id, what it does */
    {HTTP1_GET, V1 "/global-rules", WHO_READER, ON_ASYNC, 0, fleet_rules_api_list, "fleetRules",
     "The organisation's fleet rules, as an array or in pages."},
    {HTTP1_POST, V1 "/global-rules", WHO_WRITER, ON_ASYNC, KIB(64), fleet_rules_api_create,
     "fleetRuleCreate",
     "Make a rule over the organisation, a tag or a group: selectorType, aggregationFunction, "
     "operator, threshold."},
    {HTTP1_GET, RULE, WHO_READER, ON_ASYNC, 0, fleet_rules_api_get, "fleetRule", "One fleet rule."},
    {HTTP1_PUT, RULE, WHO_WRITER, ON_ASYNC, KIB(64), fleet_rules_api_update, "fleetRuleUpdate",
     "Change a fleet rule; what is absent stays."},
    {HTTP1_DELETE, RULE, WHO_WRITER, ON_ASYNC, KIB(16), fleet_rules_api_delete, "fleetRuleDelete",
     "Delete a fleet rule; its open alert is resolved, its alerts stay readable."},
    {HTTP1_POST, RULE "/toggle", WHO_WRITER, ON_ASYNC, KIB(16), fleet_rules_api_toggle,
     "fleetRuleToggle", "Switch a fleet rule on or off."},
    {HTTP1_POST, RULE "/evaluate", WHO_WRITER, ON_ANALYTICS, KIB(16), fleet_rules_api_evaluate,
     "fleetRuleEvaluate", "Evaluate a fleet rule now; answers the number it saw."},

    {HTTP1_GET, V1 "/global-alerts", WHO_READER, ON_ASYNC, 0, fleet_alerts_api_list, "fleetAlerts",
     "Alerts of fleet rules, newest first, in pages; unacknowledgedOnly."},
    {HTTP1_GET, V1 "/global-alerts/stats", WHO_READER, ON_ASYNC, 0, fleet_alerts_api_stats,
     "fleetAlertStats", "How many are unacknowledged, how many unresolved."},
    {HTTP1_GET, ALERT, WHO_READER, ON_ASYNC, 0, fleet_alerts_api_get, "fleetAlert",
     "One alert of a fleet rule."},
    {HTTP1_POST, ALERT "/acknowledge", WHO_WRITER, ON_ASYNC, KIB(16), fleet_alerts_api_acknowledge,
     "fleetAlertAcknowledge", "Say that somebody has seen it."},
    {HTTP1_POST, ALERT "/resolve", WHO_WRITER, ON_ASYNC, KIB(16), fleet_alerts_api_resolve,
     "fleetAlertResolve", "End an alert, with a resolutionNote."},
};
const size_t routes_fleet_count = sizeof routes_fleet / sizeof *routes_fleet;
