/* Keys of the pilot mode and of rate limits (see conf_tables.h). */
#include "app/conf_tables_pilot.h"

#include "app/settings.h"

#include <stddef.h>

#define AT(member) offsetof(struct settings, member)
#define MAX(what)  (AT(limit_max) + (what) * sizeof(int64_t))

enum { LIVE = CONF_LIVE, RESTART = 0 };

static const struct conf_entry pilot_table[] = {
    {"pilot.mode", AT(pilot_mode), CONF_BOOL, "true", 0, 0, LIVE,
     "Counts, daily limits and feature flags apply; false lifts the limits and switches every "
     "feature on. Retention and rate limits stay.",
     NULL},
    {"pilot.max-organizations", MAX(LIMIT_ORGANIZATIONS), CONF_COUNT, "10", 1, 1e6, LIVE,
     "Organisations in the whole installation.", NULL},
    {"pilot.max-users-per-org", MAX(LIMIT_USERS), CONF_COUNT, "50", 1, 1e6, LIVE,
     "Users of an organisation that has no limit of its own, as the next rows.", NULL},
    {"pilot.max-devices-per-org", MAX(LIMIT_DEVICES), CONF_COUNT, "100", 1, 1e7, LIVE,
     "Devices of an organisation, also those that are created by their first message.", NULL},
    {"pilot.max-dashboards-per-org", MAX(LIMIT_DASHBOARDS), CONF_COUNT, "20", 1, 1e6, LIVE,
     "Dashboards of an organisation.", NULL},
    {"pilot.max-rules-per-org", MAX(LIMIT_RULES), CONF_COUNT, "50", 1, 1e6, LIVE,
     "Rules of an organisation, those of the fleet counted in.", NULL},
    {"pilot.max-api-calls-per-day", MAX(LIMIT_API_CALLS), CONF_COUNT, "100000", 1, 1e15, LIVE,
     "API calls of an organisation from 00:00 UTC on; telemetry is not counted.", NULL},
    {"pilot.max-telemetry-points-per-day", MAX(LIMIT_POINTS), CONF_COUNT, "1000000", 1, 1e15, LIVE,
     "Points of an organisation from 00:00 UTC on.", NULL},
    {"pilot.features-enabled", AT(features_enabled), CONF_LIST, "", 0, 100, LIVE,
     "Features that are on for an organisation that has no choice of its own; none: all that are "
     "built.",
     NULL},
    {"pilot.features-disabled", AT(features_disabled), CONF_LIST, "", 0, 100, LIVE,
     "Features that are off, whatever the row above says.", NULL},
    {"pilot.support.email", AT(support_email), CONF_TEXT, "", 0, 254, CONF_LIVE,
     "Named in refusals by these limits.", NULL},
    {"rate-limiting.enabled", AT(rate_limiting), CONF_BOOL, "true", 0, 0, LIVE,
     "The limits of the next rows apply; failed logins have one of their own.", NULL},
    {"rate-limiting.requests-per-minute", AT(requests_per_minute), CONF_COUNT, "1000", 1, 1e9, LIVE,
     "Requests of a user; several nodes share it.", NULL},
    {"rate-limiting.burst", AT(request_burst), CONF_COUNT, "100", 0, 1e9, LIVE,
     "So many more at once: the bucket holds both.", NULL},
    {"rate-limiting.reads-per-minute", AT(reads_per_minute), CONF_COUNT, "6000", 1, 1e9, LIVE,
     "GET of /analytics, /data and /devices of a user: a bucket of its own.", NULL},
    {"rate-limiting.telemetry-per-minute", AT(telemetry_per_minute), CONF_COUNT, "1000", 1, 1e9,
     LIVE, "Requests and MQTT messages of a device's token; a bulk is one.", NULL},
    {"rate-limiting.redis-timeout", AT(rate_redis_timeout_ns), CONF_MS, "20", 1, 2000, RESTART,
     "Redis is asked by several nodes for a place in the minute; when an answer takes longer than "
     "this it is not asked for a while, and each node gives its part.",
     NULL},
};

const struct conf_section conf_tables_pilot = {
    .title = "The pilot: limits and features",
    .text = "What an organisation may have and use.",
    CONF_SECTION_ROWS(pilot_table),
};
