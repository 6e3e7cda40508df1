#pragma once
/* api/pilot_figures.h -- the figures of the pilot program, gathered from where each is known: the
 * numbers that are ready (store/analytics.h), the catalog, what was measured of requests.
 * Threads: the call's; blocks.   Memory: the arena's. */
#include "api/app.h"
#include "model/organization.h"
#include "store/analytics.h"
#include "store/catalog_program.h"

enum { PILOT_FIGURES_DAYS = 30, PILOT_FIGURES_ORGS = 1000 };

struct pilot_organization {
    struct organization o;
    struct analytics_program program;  /* as of the last refresh */
    struct program_activity activity;  /* since the time asked for */
    int64_t used[LIMITS], max[LIMITS]; /* now; max 0: no limit */
    struct analytics_day *days;        /* since the time asked for */
    size_t day_count;
    int64_t by_hour[24]; /* readings by hour of the UTC day */
    int64_t points;      /* readings since the time asked for */
};
struct pilot_figures {
    struct pilot_organization *orgs; /* in order of id, at most PILOT_FIGURES_ORGS */
    size_t n;
    int64_t refreshed_ns; /* of the numbers; 0: none yet */
};
/* org 0: all. ERR_NOTFOUND: there is no such organisation. */
enum err pilot_figures_read(struct app *app, int64_t org, int64_t since_ns, struct arena *arena,
                            struct pilot_figures *ret) MUST_CHECK;
/* What a request took on average, and the share of requests that failed by our fault, since the
 * start. NAN: nothing was asked yet. */
struct pilot_measured {
    double api_ms, telemetry_ms, error_percent, uptime_hours;
};
struct pilot_measured pilot_figures_measure(struct app *app);
