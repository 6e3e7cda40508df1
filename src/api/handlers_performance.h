#pragma once
/* api/handlers_performance.h -- the handlers behind /api/v1/pilot/performance
 * (routes_performance.c).
 * Threads: see struct route.   Memory: the call's. */
#include "api/api.h"

void performance_api_metrics(struct api_call *c);
void performance_api_health(struct api_call *c);
void performance_api_caches(struct api_call *c);
void performance_api_clear(struct api_call *c);
void performance_api_clear_all(struct api_call *c);
void performance_api_flush(struct api_call *c);
void performance_api_slow_queries(struct api_call *c);
void thresholds_api_get(struct api_call *c);
void thresholds_api_put(struct api_call *c);
void thresholds_api_trends(struct api_call *c);
void advice_api_list(struct api_call *c);
void advice_api_apply(struct api_call *c);
void advice_api_undo(struct api_call *c);

extern const struct route routes_performance[];
extern const size_t routes_performance_count;
