/* Rules on variables and alerts: this part of the surface on one screen. */
#include "api/handlers_rules.h"

#define V1     "/api/v1"
#define KIB(n) ((size_t)(n) << 10)

const struct route routes_rules[] = {
    /* method, path, who, where, body max, handler, id, what it does */
    {HTTP1_GET, V1 "/rules", WHO_READER, ON_ASYNC, 0, rules_api_list, "rules",
     "The organisation's rules, as an array or in pages; by deviceId, enabled, q."},
    {HTTP1_POST, V1 "/rules", WHO_WRITER, ON_ASYNC, KIB(64), rules_api_create, "ruleCreate",
     "Make a rule {name,description,deviceId,variable,operator,threshold,enabled,forSeconds,"
     "clearThreshold,cooldownMinutes}; it judges what arrives from now on. 10,000 an "
     "organisation."},
    {HTTP1_GET, V1 "/rules/{id}", WHO_READER, ON_ASYNC, 0, rules_api_get, "rule", "One rule."},
    {HTTP1_PUT, V1 "/rules/{id}", WHO_WRITER, ON_ASYNC, KIB(64), rules_api_update, "ruleUpdate",
     "Change a rule; what is absent stays, null clears. Disabled, it resolves its open alert; with "
     "another condition it judges what arrives from now on."},
    {HTTP1_PATCH, V1 "/rules/{id}", WHO_WRITER, ON_ASYNC, KIB(64), rules_api_update, "rulePatch",
     "The same as PUT."},
    {HTTP1_DELETE, V1 "/rules/{id}", WHO_WRITER, ON_ASYNC, KIB(16), rules_api_delete, "ruleDelete",
     "Delete a rule and resolve its open alert; its alerts stay."},

    {HTTP1_GET, V1 "/alerts", WHO_READER, ON_ASYNC, 0, alerts_api_list, "alerts",
     "Alerts, newest first, as an array or in pages; by unacknowledgedOnly, openOnly, deviceId, "
     "ruleId, severity, startTime, endTime. Resolved ones are kept for 365 days."},
    {HTTP1_GET, V1 "/alerts/{id}", WHO_READER, ON_ASYNC, 0, alerts_api_get, "alert", "One alert."},
    {HTTP1_POST, V1 "/alerts/{id}/acknowledge", WHO_WRITER, ON_ASYNC, KIB(16),
     alerts_api_acknowledge, "alertAcknowledge",
     "Say that somebody has seen it; it stays open. Again is fine: the first one counts."},
    {HTTP1_POST, V1 "/alerts/{id}/resolve", WHO_WRITER, ON_ASYNC, KIB(16), alerts_api_resolve,
     "alertResolve",
     "End an alert; its rule may raise another one once its cooldown has ended. Again is fine."},
};
const size_t routes_rules_count = sizeof routes_rules / sizeof *routes_rules;
