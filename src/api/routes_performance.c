/* What operators see of the running server: this part of the surface on one screen. */
#include "api/handlers_performance.h"

#define PERFORMANCE "/api/v1/pilot/performance"

const struct route routes_performance[] = {
    /* method, path, who, where, body max, handler, id, what it does */
    {HTTP1_GET, PERFORMANCE "/metrics", WHO_PILOT_ADMIN, ON_ASYNC, 0, performance_api_metrics,
     "performanceMetrics",
     "Database, Redis, process, pilot, batches, executors, organisations and system, measured now; "
     "what carries collectedAt may be 120 s old."},
    {HTTP1_GET, PERFORMANCE "/health", WHO_PILOT_ADMIN, ON_ASYNC, 0, performance_api_health,
     "performanceHealth", "Four checks, each with a sentence; 503 when something is wrong."},
    {HTTP1_GET, PERFORMANCE "/cache/stats", WHO_PILOT_ADMIN, ON_ASYNC, 0, performance_api_caches,
     "performanceCaches", "Hits, misses, size and lifetime of each cache."},
    {HTTP1_DELETE, PERFORMANCE "/cache/{name}", WHO_PILOT_ADMIN, ON_ASYNC, 0, performance_api_clear,
     "performanceCacheClear", "Forget what one cache holds."},
    {HTTP1_DELETE, PERFORMANCE "/cache", WHO_PILOT_ADMIN, ON_ASYNC, 0, performance_api_clear_all,
     "performanceCachesClear", "Forget what all caches hold."},
    {HTTP1_POST, PERFORMANCE "/telemetry/flush", WHO_PILOT_ADMIN, ON_ASYNC, (size_t)16 << 10,
     performance_api_flush, "performanceFlush",
     "Answers when every record that was pending is durable."},
    {HTTP1_GET, PERFORMANCE "/slow-queries", WHO_PILOT_ADMIN, ON_ASYNC, 0,
     performance_api_slow_queries, "performanceSlowQueries",
     "Statements and store calls over the threshold in the last hours (1 to 24 are kept), with the "
     "plan of their last slow run."},
};
const size_t routes_performance_count = sizeof routes_performance / sizeof *routes_performance;
