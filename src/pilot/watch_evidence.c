/* The window as evidence (see evidence.h): what was counted, what the disk and the database say. */
#include "cache/cache.h"
#include "ingest/retention.h"
#include "pilot/watch_counts.h"
#include "store/analytics.h"
#include "store/catalog_organizations.h"
#include "store/postgres/postgres_indexes.h"
#include "store/postgres/postgres_pool.h"
#include "store/registry.h"

#include <math.h>
#include <sys/statvfs.h>

enum { GROWTH_HOURS = 7 * 24, GROWTH_HOURS_LEAST = 24, CLOCK_LEAST = 10, NEW_LEAST = 100 };

static double ratio(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

static void gather_ingest(const struct watch *w, const struct watch_counts *c, struct evidence *e)
{
    e->batches = (double)c->batches;
    e->records = (double)c->records;
    e->full_batches = (double)c->full_batches;
    e->queue_refused = (double)c->refused_full;
    e->queue_ms = ratio((double)c->queued_ns / 1e6, (double)c->queued);
    e->batch_write_ms = ratio((double)c->written_ns / 1e6, (double)c->written);
    e->batch_size = (double)w->settings.batch_records;
    e->queue_capacity = (double)w->settings.queue_records;
    e->queue_peak = 0;
    for (size_t i = 0; i < WATCH_STEPS && i < w->taken; i++)
        e->queue_peak = fmax(e->queue_peak, (double)w->ring[i].pending);
    e->single_aggregates = (double)c->route_count[WATCH_SINGLE_AGGREGATE];
    e->batched_aggregates =
        (double)c->route_count[WATCH_BATCHED_AGGREGATE] + (double)c->route_count[WATCH_DASHBOARD];
    e->single_aggregate_ms =
        ratio((double)c->route_ns[WATCH_SINGLE_AGGREGATE] / 1e6, e->single_aggregates);
}

static enum err gather_caches(const struct watch *w, const struct watch_counts *c, struct arena *a,
                              struct evidence *e)
{
    struct evidence_cache *caches = arena_zalloc(a, CACHE_IDS * sizeof *caches);
    if (!caches) return ERR_NOMEM;
    e->cache_bytes = 0;
    e->cache_max_bytes = (double)w->settings.cache_max_bytes;
    for (int i = 0; i < CACHE_IDS; i++) {
        const struct cache_stats *s = &c->caches[i];
        struct cache_figures f;
        cache_read_figures(w->parts.cache, (enum cache_id)i, &f);
        caches[i] = (struct evidence_cache){
            .name = cache_name((enum cache_id)i),
            .ttl_key = arena_printf(a, "cache.ttl.%s", cache_name((enum cache_id)i)),
            .hits = (double)s->hits,
            .misses = (double)s->misses,
            .evictions = (double)s->evictions,
            .expired = (double)s->expired,
            .entries = (double)s->entries,
            .bytes = (double)s->bytes,
            .life_s = (double)f.life_ns / 1e9,
            .source_ms = NAN,
        };
        if (!caches[i].ttl_key) return ERR_NOMEM;
        e->cache_bytes += caches[i].bytes;
    }
    e->caches = caches;
    e->cache_count = CACHE_IDS;
    return ERR_OK;
}

/* --- devices and organisations ---------------------------------------------------------------- */

static struct bytes organization_name(const struct evidence *e, int64_t org)
{
    for (size_t i = 0; i < e->organization_count; i++)
        if (e->organizations[i].id == org) return e->organizations[i].name;
    return BYTES("?");
}

static enum err gather_devices(struct watch *w, struct arena *a, struct evidence *e)
{
    struct evidence_device *devices = arena_zalloc(a, WATCH_DEVICES_MAX * sizeof *devices);
    if (!devices) return ERR_NOMEM;
    e->devices = devices;
    e->variables_per_device_max = REGISTRY_VARIABLES_PER_DEVICE;
    for (struct reg_device *d = registry_walk(w->parts.registry, NULL);
         d && e->device_count < WATCH_DEVICES_MAX; d = registry_walk(w->parts.registry, d)) {
        uint32_t refused = atomic_load(&d->times_refused) + atomic_load(&d->times_refused_before);
        uint32_t variables = atomic_load(&d->variable_count);
        uint32_t before = atomic_load(&d->variables_before);
        uint32_t fresh = variables > before ? variables - before : 0;
        if (atomic_load(&d->deleted_ns)) continue;
        if (refused < CLOCK_LEAST && fresh < NEW_LEAST &&
            variables < REGISTRY_VARIABLES_PER_DEVICE / 2)
            continue;
        devices[e->device_count++] = (struct evidence_device){
            .external_id = d->external_id,
            .organization = organization_name(e, d->org),
            .refused = refused,
            .variables = variables,
            .new_variables = fresh,
        };
    }
    return ERR_OK;
}

static const struct org_figures_line *find_line(const struct org_figures_line *lines, size_t n,
                                                int64_t org)
{
    for (size_t i = 0; i < n; i++)
        if (lines[i].org == org) return &lines[i];
    return NULL;
}

/* Of the store, by its share of the points of the last 30 days. */
static enum err share_disk(struct watch *w, struct arena *a, struct evidence *e,
                           struct evidence_organization *list)
{
    struct analytics_program *programs = NULL;
    size_t n = 0;
    double all = 0;
    if (!w->parts.analytics) return ERR_OK;
    enum err err = analytics_programs(w->parts.analytics, 0, a, &programs, &n);
    if (err) return err;
    for (size_t i = 0; i < n; i++) all += (double)programs[i].points[ANALYTICS_30D];
    for (size_t i = 0; i < n && all > 0; i++)
        for (size_t k = 0; k < e->organization_count; k++)
            if (list[k].id == programs[i].org)
                list[k].bytes = e->store_bytes * (double)programs[i].points[ANALYTICS_30D] / all;
    return ERR_OK;
}

static enum err list_organizations(struct watch *w, struct arena *a, struct organization **ret,
                                   size_t *ret_n)
{
    struct sql_tx *tx;
    const struct catalog_page page = {.size = CATALOG_PAGE_MAX, .no_total = true};
    struct catalog_listing listing = {0};
    enum err err = sql_begin(w->parts.db, SQL_READ, &tx);
    if (err) return err;
    err = sql_end(tx, catalog_organizations_list(tx, &page, a, ret, &listing));
    *ret_n = listing.count;
    return err;
}

static enum err gather_organizations(struct watch *w, struct arena *a, struct evidence *e)
{
    struct organization *rows = NULL;
    size_t n = 0, line_count = 0;
    enum err err = list_organizations(w, a, &rows, &n);
    struct org_figures_line *now = arena_alloc(a, (ORG_FIGURES_MAX + 1) * sizeof *now);
    struct evidence_organization *list = arena_zalloc(a, (n + 1) * sizeof *list);
    if (err) return err;
    if (!now || !list) return ERR_NOMEM;
    org_figures_read(clock_mono_ns(w->parts.clock), now, &line_count);
    lock_take(&w->lock);
    for (size_t i = 0; i < n; i++) {
        const struct org_figures_line *line = find_line(now, line_count, rows[i].id);
        const struct org_figures_line *old =
            find_line(w->organizations, w->organization_count, rows[i].id);
        list[i] = (struct evidence_organization){
            .id = rows[i].id,
            .name = rows[i].name,
            .requests = line ? (double)(line->requests - (old ? old->requests : 0)) : 0,
            .points = line ? (double)(line->points - (old ? old->points : 0)) : 0,
            .p95_ms = line ? line->p95_ms : 0,
            .bytes = NAN,
        };
    }
    lock_release(&w->lock);
    for (size_t i = 0; i < n; i++) {
        bool own;
        list[i].retention_days = (double)retention_days(w->parts.retention, list[i].id, &own);
    }
    e->organizations = list;
    e->organization_count = n;
    return share_disk(w, a, e, list);
}

/* --- disk and database ------------------------------------------------------------------------ */

/* By the hours of the last week, where there are a day of them. */
static enum err gather_growth(struct watch *w, struct arena *a, struct evidence *e)
{
    struct trend_curve c;
    enum err err = trends_read(w->parts.trends, GROWTH_HOURS, clock_wall_ns(w->parts.clock), a, &c);
    if (err) return err;
    const struct trend_result *r = &c.results[TREND_DISK_BYTES];
    if (r->n >= GROWTH_HOURS_LEAST && r->z >= MANN_KENDALL_Z)
        e->store_growth_per_day = r->slope * (double)(24 * 3600) / (double)c.step_s;
    return ERR_OK;
}

bool watch_read_disk(const struct watch *w, double *ret_free, double *ret_total)
{
    struct statvfs fs;
    if (!w->parts.dir || statvfs(w->parts.dir, &fs)) return false;
    *ret_free = (double)fs.f_bavail * (double)fs.f_frsize;
    *ret_total = (double)fs.f_blocks * (double)fs.f_frsize;
    return true;
}

static enum err gather_database(const struct watch *w, const struct watch_counts *c,
                                struct arena *a, struct evidence *e)
{
    struct postgres_index *rows = NULL;
    struct sql_tx *tx;
    size_t n = 0;
    if (!w->parts.pool) return ERR_OK;
    e->postgres = true;
    e->pool_waits = (double)c->pool_waits;
    e->pool_wait_ms = ratio((double)c->pool_waited_ns / 1e6, (double)c->pool_waits);
    e->pool_max = (double)w->settings.pool_max;
    e->pool_peak = postgres_pool_read_stats(w->parts.pool).peak;
    enum err err = sql_begin(w->parts.db, SQL_READ, &tx);
    if (err) return err;
    err = sql_end(tx, postgres_indexes_read(tx, a, &rows, &n, &e->statistics_days));
    struct evidence_index *list = arena_alloc(a, (n + 1) * sizeof *list);
    if (err) return err;
    if (!list) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        list[i] = (struct evidence_index){
            .table = rows[i].table,
            .name = rows[i].name,
            .scans = (double)rows[i].scans,
            .rows_read = (double)rows[i].rows_read,
            .bytes = (double)rows[i].bytes,
        };
    e->indexes = list;
    e->index_count = n;
    return ERR_OK;
}

enum err watch_gather(struct watch *w, struct arena *a, struct evidence *ret)
{
    struct watch_counts c;
    evidence_init(ret);
    ret->at_ns = clock_wall_ns(w->parts.clock);
    lock_take(&w->lock);
    bool known = watch_counts_window(w, WATCH_STEPS, &c, &ret->window_s);
    if (known) gather_ingest(w, &c, ret);
    ret->retention_cost_bytes = (double)w->settings.retention_cost_bytes;
    lock_release(&w->lock);
    if (!known) return ERR_OK; /* it has just started: nothing was measured yet */
    ret->store_bytes = c.disk_bytes;
    (void)watch_read_disk(w, &ret->disk_free_bytes, &ret->disk_total_bytes);
    enum err err = gather_caches(w, &c, a, ret);
    if (!err) err = gather_growth(w, a, ret);
    if (!err) err = gather_organizations(w, a, ret);
    if (!err) err = gather_devices(w, a, ret);
    if (!err) err = gather_database(w, &c, a, ret);
    return err;
}
