/* The limits by their names (see limit.h). */
#include "model/limit.h"

static const struct {
    const char *key, *member, *noun;
} limits[] = {
    [LIMIT_ORGANIZATIONS] = {"pilot.max-organizations", "maxOrganizations", "organisations"},
    [LIMIT_USERS] = {"pilot.max-users-per-org", "maxUsers", "users"},
    [LIMIT_DEVICES] = {"pilot.max-devices-per-org", "maxDevices", "devices"},
    [LIMIT_DASHBOARDS] = {"pilot.max-dashboards-per-org", "maxDashboards", "dashboards"},
    [LIMIT_RULES] = {"pilot.max-rules-per-org", "maxRules", "rules"},
    [LIMIT_API_CALLS] = {"pilot.max-api-calls-per-day", "maxApiCallsPerDay", "API calls a day"},
    [LIMIT_POINTS] = {"pilot.max-telemetry-points-per-day", "maxTelemetryPointsPerDay",
                      "points a day"},
};

const char *limit_key(enum limit what)
{
    return limits[what].key;
}

const char *limit_member(enum limit what)
{
    return limits[what].member;
}

const char *limit_noun(enum limit what)
{
    return limits[what].noun;
}

enum limit limit_find_key(struct bytes key)
{
    enum limit what = 0;
    while (what < LIMITS && !bytes_is(key, limits[what].key)) what++;
    return what;
}
