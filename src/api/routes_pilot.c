/* The pilot layer: this part of the surface on one screen. */
#include "api/handlers_pilot.h"

#define PILOT  "/api/v1/pilot"
#define KIB(n) ((size_t)(n) << 10)

const struct route routes_pilot[] = {
    /* method, path, who, where, body max, handler, id, what it does */
    {HTTP1_GET, PILOT "/status", WHO_USER, ON_ASYNC, 0, pilot_api_status, "pilotStatus",
     "How the program is set up, and which features one's organisation has."},
    {HTTP1_GET, PILOT "/usage", WHO_USER, ON_ASYNC, 0, pilot_usage_api_get, "pilotUsage",
     "What one's organisation has and uses today, against what it may (null: no limit)."},
    {HTTP1_GET, PILOT "/features/{feature}", WHO_USER, ON_ASYNC, 0, pilot_api_feature,
     "pilotFeature", "Whether one's organisation has this feature."},
    {HTTP1_GET, PILOT "/info", WHO_ANYONE, ON_LOOP, 0, pilot_api_info, "pilotInfo",
     "What the program is, and whom to ask."},
    {HTTP1_GET, PILOT "/health", WHO_ANYONE, ON_LOOP, 0, pilot_api_health, "pilotHealth",
     "Whether limits are kept and can be written down."},

    {HTTP1_POST, PILOT "/feedback", WHO_USER, ON_ASYNC, KIB(32), pilot_feedback_api_give,
     "pilotFeedback", "Say what you think {category,rating 1-10,title,message,email,metadata}."},
    {HTTP1_GET, PILOT "/feedback/summary", WHO_PILOT_ADMIN, ON_ASYNC, 0, pilot_feedback_api_summary,
     "pilotFeedbackSummary", "What people said in the last days (30): ratings, categories, NPS."},
    {HTTP1_GET, PILOT "/refusals", WHO_ORG_ADMIN, ON_ASYNC, 0, pilot_refusals_api_list,
     "pilotRefusals",
     "The ledger of one's organisation: what was refused, whose, when, by which limit; "
     "format=csv."},
    {HTTP1_POST, PILOT "/limits/dry-run", WHO_ORG_ADMIN, ON_ASYNC, KIB(16),
     pilot_refusals_api_dry_run, "pilotDryRun",
     "What a plan {days,maxTelemetryPointsPerDay,…} would have refused over the last days."},
    {HTTP1_GET, PILOT "/analytics", WHO_PILOT_ADMIN, ON_ANALYTICS, 0, pilot_analytics_api_program,
     "pilotAnalytics", "How the program goes: people, devices, features, trends of 30 days."},
    {HTTP1_GET, PILOT "/analytics/organizations", WHO_PILOT_ADMIN, ON_ANALYTICS, 0,
     pilot_analytics_api_organizations, "pilotAnalyticsOrganizations",
     "The same by organisation, over the last days (7, 30 at most)."},

    {HTTP1_POST, PILOT "/organizations", WHO_PILOT_ADMIN, ON_ASYNC, KIB(16),
     pilot_onboarding_api_run, "pilotOnboard",
     "Make an organisation {name,adminEmail,deviceId,limits{}} with its first administrator by "
     "invitation, a default dashboard and an example device; says what to do next."},
    {HTTP1_GET, PILOT "/organizations/{id}/limits", WHO_PILOT_ADMIN, ON_ASYNC, 0,
     pilot_plans_api_limits, "pilotLimits",
     "What an organisation may have and use: effective, and its own (null: as configured)."},
    {HTTP1_PUT, PILOT "/organizations/{id}/limits", WHO_PILOT_ADMIN, ON_ASYNC, KIB(16),
     pilot_plans_api_set_limits, "pilotSetLimits",
     "Change its own limits: a number, or null to follow the configuration; what is absent stays."},
    {HTTP1_GET, PILOT "/organizations/{id}/retention", WHO_PILOT_ADMIN, ON_ASYNC, 0,
     pilot_plans_api_retention, "pilotRetention", "How long an organisation keeps its points."},
    {HTTP1_PUT, PILOT "/organizations/{id}/retention", WHO_PILOT_ADMIN, ON_ASYNC, KIB(16),
     pilot_plans_api_set_retention, "pilotSetRetention",
     "Choose {retentionDays}: a number, 0 for ever, null as the installation."},
    {HTTP1_GET, PILOT "/organizations/{id}/features", WHO_PILOT_ADMIN, ON_ASYNC, 0,
     pilot_plans_api_features, "pilotFeatures", "Which features an organisation has."},
    {HTTP1_PUT, PILOT "/organizations/{id}/features", WHO_PILOT_ADMIN, ON_ASYNC, KIB(16),
     pilot_plans_api_set_features, "pilotSetFeatures",
     "Change its features {name: true, false or null (as configured)}; what is absent stays."},
};
const size_t routes_pilot_count = sizeof routes_pilot / sizeof *routes_pilot;
