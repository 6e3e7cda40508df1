/* Keys of the performance layer (see conf_tables.h). */
#include "app/conf_tables_performance.h"

#include "app/settings.h"

#include <stddef.h>

#define AT(member) offsetof(struct settings, member)

enum { LIVE = CONF_LIVE };

/* Of the threshold of the same name. */
#define HOLD(key, member)                                                                          \
    {                                                                                              \
        "pilot.performance." key, AT(member), CONF_S, "60", 0, 86400, LIVE,                        \
            "Beyond its threshold for so long raises an alert, back for so long ends it.", NULL    \
    }

static const struct conf_entry performance_table[] = {
    {"pilot.performance.enabled", AT(performance_enabled), CONF_BOOL, "true", 0, 0, LIVE,
     "The routes of /api/v1/pilot/performance; false answers 404. Counting goes on.", NULL},
    {"pilot.performance.metrics-enabled", AT(performance_metrics), CONF_BOOL, "true", 0, 0, LIVE,
     "Their metrics document.", NULL},
    {"pilot.performance.slow-query-threshold", AT(slow_query_ns), CONF_MS, "1000", 1, 3600000, LIVE,
     "A statement or a call of the store that takes longer is slow: listed, and explained.", NULL},
    {"pilot.performance.response-time-threshold", AT(response_time_ns), CONF_MS, "500", 1, 3600000,
     LIVE, "An answer that takes longer is slow; when one in twenty is, the health is DEGRADED.",
     NULL},
    {"pilot.performance.cache-hit-ratio-threshold", AT(cache_hit_ratio), CONF_RATIO, "0.8", 0, 1,
     LIVE, "A lower hit ratio of the caches is reported.", NULL},
    {"pilot.performance.memory-usage-threshold", AT(memory_usage_ratio), CONF_RATIO, "0.85", 0, 1,
     LIVE, "More of the memory that the process may have, for its hold time, is unhealthy.", NULL},
    {"pilot.performance.watch-interval", AT(watch_step_ns), CONF_S, "5", 1, 60, LIVE,
     "Between two looks at all counters. Thresholds judge the last 12 looks, recommendations the "
     "last 180.",
     NULL},
    {"pilot.performance.retention-cost-size", AT(retention_cost_bytes), CONF_BYTES, "1000000000", 1,
     1099511627776, LIVE,
     "What an organisation keeps for ever is worth a recommendation from this size on.", NULL},
    HOLD("slow-query-hold", slow_query_hold_ns),
    HOLD("cache-hit-ratio-hold", cache_hit_hold_ns),
    HOLD("memory-usage-hold", memory_hold_ns),
    HOLD("response-time-hold", response_hold_ns),
};

const struct conf_section conf_tables_performance = {
    .title = "The performance layer",
    .text = "What is slow, too much, or too little.",
    CONF_SECTION_ROWS(performance_table),
};
