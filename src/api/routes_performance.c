/* What operators see of the running server: this part of the surface on one screen. */
#include "api/handlers_performance.h"

#define PERFORMANCE "/api/v1/pilot/performance"

const struct route routes_performance[] = {
    /* method, path, who, where, body max, handler, id, what it does */
    {HTTP1_GET, PERFORMANCE "/metrics", WHO_PILOT_ADMIN, ON_LOOP, 0, performance_api_metrics,
     "performanceMetrics",
     "Database, Redis, process, pilot, batches, executors, organisations and system, measured now; "
     "what carries collectedAt may be 120 s old, heap and threads a second."},
    {HTTP1_GET, PERFORMANCE "/health", WHO_PILOT_ADMIN, ON_LOOP, 0, performance_api_health,
     "performanceHealth", "Four checks, each with a sentence; 503 when something is wrong."},
    {HTTP1_GET, PERFORMANCE "/cache/stats", WHO_PILOT_ADMIN, ON_LOOP, 0, performance_api_caches,
     "performanceCaches", "Hits, misses, size and lifetime of each cache."},
    {HTTP1_DELETE, PERFORMANCE "/cache/{name}", WHO_PILOT_ADMIN, ON_ASYNC, 0, performance_api_clear,
     "performanceCacheClear", "Forget what one cache holds."},
    {HTTP1_DELETE, PERFORMANCE "/cache", WHO_PILOT_ADMIN, ON_ASYNC, 0, performance_api_clear_all,
     "performanceCachesClear", "Forget what all caches hold."},
    {HTTP1_POST, PERFORMANCE "/telemetry/flush", WHO_PILOT_ADMIN, ON_ASYNC, (size_t)16 << 10,
     performance_api_flush, "performanceFlush",
     "Answers when every record that was pending is durable."},
    {HTTP1_GET, PERFORMANCE "/slow-queries", WHO_PILOT_ADMIN, ON_LOOP, 0,
     performance_api_slow_queries, "performanceSlowQueries",
     "Statements and store calls over the threshold in the last hours (1 to 24 are kept), with the "
     "plan of their last slow run."},
    {HTTP1_GET, PERFORMANCE "/thresholds", WHO_PILOT_ADMIN, ON_LOOP, 0, thresholds_api_get,
     "performanceThresholds", "The four figures somebody is told about: limits, values, states."},
    {HTTP1_PUT, PERFORMANCE "/thresholds", WHO_PILOT_ADMIN, ON_ASYNC, (size_t)16 << 10,
     thresholds_api_put, "performanceSetThresholds",
     "Change {name: {threshold, holdSeconds}}; what is absent stays. Ratios are percent."},
    {HTTP1_GET, PERFORMANCE "/trends", WHO_PILOT_ADMIN, ON_ASYNC, 0, thresholds_api_trends,
     "performanceTrends",
     "How the server did in the last hours (1 to 2160), and in which direction it moves."},
    {HTTP1_GET, PERFORMANCE "/recommendations", WHO_PILOT_ADMIN, ON_ASYNC, 0, advice_api_list,
     "performanceRecommendations",
     "What should be done, computed from the last 15 minutes, each with its figures."},
    {HTTP1_POST, PERFORMANCE "/recommendations/{id}/apply", WHO_PILOT_ADMIN, ON_ASYNC,
     (size_t)16 << 10, advice_api_apply, "performanceApply",
     "Set the key of a recommendation that takes effect at once."},
    {HTTP1_POST, PERFORMANCE "/recommendations/{id}/undo", WHO_PILOT_ADMIN, ON_ASYNC,
     (size_t)16 << 10, advice_api_undo, "performanceUndo",
     "Set back what applying it changed, unless it was set again since."},
};
const size_t routes_performance_count = sizeof routes_performance / sizeof *routes_performance;
