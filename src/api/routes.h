#pragma once
/* api/routes.h -- every route there is, found by method and path in one walk over its segments.
 * A literal segment wins over a parameter, a trailing slash is tolerated, HEAD is a GET.
 * Threads: immutable after routes_new(); the figures are atomics.   Memory: owned by the table; the
 * figures are static. */
#include "api/api.h"
#include "perf/probe.h"

enum { ROUTE_STATUSES = 27, ROUTES_MAX = 512 };
extern const int route_statuses[ROUTE_STATUSES]; /* the last stands for every other one */

struct route_figures {
    struct probe probe; /* "GET /api/v1/devices" */
    _Atomic uint64_t by_status[ROUTE_STATUSES];
};

struct route_list {
    const struct route *routes;
    const size_t *count;
};
extern const struct route_list route_lists[]; /* every table there is, ends with {NULL} */

struct route_table;
enum err routes_new(struct route_table **ret) MUST_CHECK;
void routes_free(struct route_table *t);

enum route_match { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };
/* segments: decoded into `a`. params: API_PARAMS_MAX of them. *ret_allow (ROUTE_NO_METHOD): the
 * value of the Allow header, in `a`. */
enum route_match routes_find(const struct route_table *t, enum http1_method method,
                             struct bytes path, struct arena *a, const struct route **ret,
                             struct bytes *params, struct bytes *ret_allow);

/* All routes in the order of the tables. */
size_t routes_count(const struct route_table *t);
const struct route *routes_at(const struct route_table *t, size_t i);
struct route_figures *routes_figures(struct route_table *t, const struct route *r);
/* An answered request; parts: of its handler. */
void routes_note(struct route_table *t, const struct route *r, int status,
                 const struct probe_span *parts, int64_t took_ns);
