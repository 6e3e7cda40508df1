/* Warming (see cache_warmer.h). */
#include "app/cache_warmer.h"

#include "api/app.h"
#include "api/cached_devices.h"
#include "base/mem.h"
#include "cache/cache.h"
#include "store/catalog_widgets.h"

#include <stdlib.h>

enum { WIDGETS_BYTES = 1 << 20, WARMED = 1 << CACHE_DEVICES | 1 << CACHE_ANALYTICS };
#define ALIVE_NS NS_PER_DAY /* an organisation is when one of its devices spoke within */

struct org {
    int64_t id, seen_ns;
};

struct cache_warmer {
    struct app *app;
    unsigned todo; /* caches, as bits */
    struct org orgs[CACHE_WARMER_ORGS];
    size_t orgs_n, org_at;
    struct arena arena;
    struct widget *widgets; /* of the organisation at org_at; NULL: it has not begun */
    size_t widgets_n, widget_at;
};

/* --- whom to warm ----------------------------------------------------------------------------- */

static void note_org(struct cache_warmer *w, int64_t id, int64_t seen_ns)
{
    size_t i = 0;
    while (i < w->orgs_n && w->orgs[i].id != id) i++;
    if (i == CACHE_WARMER_ORGS) return;
    if (i == w->orgs_n) w->orgs[w->orgs_n++] = (struct org){id, seen_ns};
    if (seen_ns > w->orgs[i].seen_ns) w->orgs[i].seen_ns = seen_ns;
}

static int compare_seen(const void *a, const void *b)
{
    const struct org *l = a, *r = b;
    return (l->seen_ns < r->seen_ns) - (l->seen_ns > r->seen_ns);
}

static void begin_pass(struct cache_warmer *w)
{
    int64_t since = clock_wall_ns(w->app->clock) - ALIVE_NS;
    w->orgs_n = w->org_at = 0;
    w->widgets = NULL;
    for (struct reg_device *d = NULL; (d = registry_walk(w->app->registry, d));) {
        int64_t seen = atomic_load_explicit(&d->last_seen_ns, memory_order_relaxed);
        if (seen > since && !atomic_load_explicit(&d->deleted_ns, memory_order_relaxed))
            note_org(w, d->org, seen);
    }
    qsort(w->orgs, w->orgs_n, sizeof *w->orgs, compare_seen);
}

/* --- one piece -------------------------------------------------------------------------------- */

static enum err begin_org(struct cache_warmer *w)
{
    int64_t org = w->orgs[w->org_at].id;
    struct sql_tx *tx;
    arena_reset(&w->arena);
    w->widgets_n = w->widget_at = 0;
    enum err e = ERR_OK;
    if (w->todo & 1u << CACHE_DEVICES) e = cached_devices_warm(w->app, org);
    if (e || !(w->todo & 1u << CACHE_ANALYTICS)) return e;
    e = sql_begin(w->app->db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, catalog_widgets_shown(tx, org, CACHE_WARMER_WIDGETS, &w->arena, &w->widgets,
                                             &w->widgets_n));
}

/* The hours of one widget, at least of a day, through the cache as a dashboard reads them. */
static enum err warm_widget(struct cache_warmer *w, const struct widget *shown)
{
    struct app *app = w->app;
    struct reg_device *d =
        registry_find_device(app->registry, w->orgs[w->org_at].id, shown->device);
    struct reg_variable *v = d ? registry_find_variable(app->registry, d, shown->variable) : NULL;
    if (!v) return ERR_OK;
    int64_t now = clock_wall_ns(app->clock), span = NS_PER_DAY;
    if (shown->minutes > span / NS_PER_MINUTE) span = shown->minutes * NS_PER_MINUTE;
    if (span > CACHE_WARMER_DAYS * NS_PER_DAY) span = CACHE_WARMER_DAYS * NS_PER_DAY;
    const struct scan_range range = {d->org, d->id, v->id, now - span, now, false};
    size_t cap = (CACHE_WARMER_DAYS + 2) * 24, n;
    struct rollup *rows = mem_array(cap, sizeof *rows);
    if (!rows) return ERR_NOMEM;
    enum err e = telemetry_rollups(app->telemetry, &range, rows, cap, &n);
    mem_free(rows);
    return e;
}

static enum err step(struct cache_warmer *w)
{
    if (w->widgets && w->widget_at < w->widgets_n)
        return warm_widget(w, &w->widgets[w->widget_at++]);
    if (w->widgets) w->org_at++;
    w->widgets = NULL;
    if (w->org_at == w->orgs_n) return ERR_END;
    enum err e = begin_org(w);
    if (!w->widgets) w->org_at++; /* nothing of it is shown */
    return e;
}

/* --- a slice ---------------------------------------------------------------------------------- */

enum err cache_warmer_run(struct cache_warmer *w, int64_t budget_ns)
{
    unsigned cleared = cache_take_cleared(w->app->cache) & WARMED;
    int64_t end = clock_mono_ns(w->app->clock) + budget_ns;
    enum err e = ERR_OK;
    if (cleared) {
        w->todo |= cleared;
        begin_pass(w);
    }
    while (w->todo && !e && clock_mono_ns(w->app->clock) < end)
        e = cache_is_half_full(w->app->cache) ? ERR_END : step(w);
    if (e) w->todo = 0; /* done; or the store has other worries */
    return e == ERR_END ? ERR_OK : e;
}

enum err cache_warmer_new(struct cache_warmer **ret, struct app *app)
{
    struct cache_warmer *w = mem_zalloc(sizeof *w);
    if (!w) return ERR_NOMEM;
    w->app = app;
    arena_init(&w->arena, WIDGETS_BYTES);
    *ret = w;
    return ERR_OK;
}

void cache_warmer_free(struct cache_warmer *w)
{
    if (!w) return;
    arena_done(&w->arena);
    mem_free(w);
}
