/* The figures of the pilot program (see pilot_figures.h). */
#include "api/pilot_figures.h"

#include "api/routes.h"
#include "pilot/quota.h"
#include "store/catalog_organizations.h"

#include <math.h>

/* --- one organisation --------------------------------------------------------------------------*/

static enum err read_volume(struct app *app, struct pilot_organization *p, int64_t since_ns,
                            struct arena *arena)
{
    struct analytics_hour *hours = NULL;
    size_t n = 0;
    enum err e = analytics_volume(app->numbers, p->o.id, since_ns, INT64_MAX, arena, &hours, &n);
    if (!e)
        e = analytics_days(app->numbers, p->o.id, since_ns - since_ns % NS_PER_DAY, INT64_MAX,
                           arena, &p->days, &p->day_count);
    for (size_t i = 0; i < n && !e; i++) {
        p->points += hours[i].points;
        p->by_hour[hours[i].hour_ns / NS_PER_HOUR % 24] += hours[i].points;
    }
    return e;
}

static void take_program(struct pilot_organization *p, const struct analytics_program *list,
                         size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].org == p->o.id) p->program = list[i];
}

/* --- all of them -------------------------------------------------------------------------------*/

static enum err read_organizations(struct sql_tx *tx, int64_t org, struct arena *arena,
                                   struct organization **ret, size_t *ret_n)
{
    const struct catalog_page page = {.size = PILOT_FIGURES_ORGS, .no_total = true};
    struct catalog_listing listing;
    if (!org) {
        enum err e = catalog_organizations_list(tx, &page, arena, ret, &listing);
        *ret_n = e ? 0 : listing.count;
        return e;
    }
    *ret = arena_zalloc(arena, sizeof **ret);
    *ret_n = 1;
    return *ret ? catalog_organizations_find(tx, org, arena, *ret) : ERR_NOMEM;
}

static enum err read_catalog(struct app *app, struct sql_tx *tx, int64_t org, int64_t since_ns,
                             struct arena *arena, struct pilot_figures *ret)
{
    struct organization *list = NULL;
    enum err e = read_organizations(tx, org, arena, &list, &ret->n);
    if (e) return e;
    ret->orgs = arena_zalloc(arena, (ret->n ? ret->n : 1) * sizeof *ret->orgs);
    if (!ret->orgs) return ERR_NOMEM;
    for (size_t i = 0; i < ret->n && !e; i++) {
        struct pilot_organization *p = &ret->orgs[i];
        p->o = list[i];
        e = quota_usage(app->quota, tx, p->o.id, p->used, p->max);
        if (!e)
            e = catalog_program_activity(tx, p->o.id, clock_wall_ns(app->clock), since_ns,
                                         &p->activity);
    }
    return e;
}

enum err pilot_figures_read(struct app *app, int64_t org, int64_t since_ns, struct arena *arena,
                            struct pilot_figures *ret)
{
    struct sql_tx *tx;
    struct analytics_program *programs = NULL;
    size_t n = 0;
    *ret = (struct pilot_figures){.n = 0};
    enum err e = sql_begin(app->db, SQL_READ, &tx);
    if (!e) e = sql_end(tx, read_catalog(app, tx, org, since_ns, arena, ret));
    if (!e) e = analytics_refreshed(app->numbers, &ret->refreshed_ns);
    if (!e) e = analytics_programs(app->numbers, org, arena, &programs, &n);
    for (size_t i = 0; i < ret->n && !e; i++) {
        take_program(&ret->orgs[i], programs, n);
        e = read_volume(app, &ret->orgs[i], since_ns, arena);
    }
    return e;
}

/* --- what was measured -------------------------------------------------------------------------*/

static double mean_ms(const struct histogram *h)
{
    uint64_t n = histogram_count(h);
    return n ? (double)atomic_load(&h->sum_ns) / (double)n / 1e6 : (double)NAN;
}

struct pilot_measured pilot_figures_measure(struct app *app)
{
    struct histogram all = {.sum_ns = 0};
    uint64_t errors = 0;
    for (size_t i = 0; i < routes_count(app->routes); i++) {
        struct route_figures *f = routes_figures(app->routes, routes_at(app->routes, i));
        histogram_add(&all, &f->probe.took);
        for (int s = 0; s < ROUTE_STATUSES; s++)
            if (route_statuses[s] >= 500) errors += atomic_load(&f->by_status[s]);
    }
    uint64_t requests = histogram_count(&all);
    return (struct pilot_measured){
        .api_ms = mean_ms(&all),
        .telemetry_ms = mean_ms(&batch_read_timings(app->batch)->written),
        .error_percent = requests ? 100.0 * (double)errors / (double)requests : (double)NAN,
        .uptime_hours =
            (double)(clock_mono_ns(app->clock) - app->started_mono_ns) / (double)NS_PER_HOUR,
    };
}
