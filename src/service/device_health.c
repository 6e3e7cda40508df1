/* The health of every device, a slice at a time (see device_health.h). */
#include "service/device_health.h"

#include "base/map.h"
#include "base/mem.h"
#include "query/aggregate.h"
#include "store/catalog_alerts.h"

#include <math.h>

enum {
    RECORDS_FULL = 288, /* one every 5 minutes */
    OPEN_ALERTS_BYTES_MAX = 64 << 20,
    LOOK_AT_CLOCK = 16 /* devices between two looks at the clock */
};
#define UPTIME_FULL_NS (5 * NS_PER_MINUTE)
#define UPTIME_NONE_NS (30 * NS_PER_MINUTE)

struct device_health {
    struct sql_db *db; /* borrowed, as the next three */
    struct registry *registry;
    struct telemetry *telemetry;
    const struct clock *clock;
    int64_t due_ns; /* monotonic: when the next pass begins */
    bool under_way;
    struct reg_device *at;  /* the last device of this pass */
    struct arena arena;     /* of this pass: open alerts */
    struct map open_alerts; /* device -> struct alert_count */
};

static double uptime_part(int64_t silent_ns)
{
    if (silent_ns <= UPTIME_FULL_NS) return 100;
    if (silent_ns >= UPTIME_NONE_NS) return 0;
    return 100.0 * (double)(UPTIME_NONE_NS - silent_ns) / (double)(UPTIME_NONE_NS - UPTIME_FULL_NS);
}

static double alerts_part(int64_t open)
{
    if (open <= 0) return 100;
    if (open <= 2) return 80;
    if (open <= 5) return 40;
    return open >= 13 ? 0 : 40 - 5 * (double)(open - 5);
}

int device_health_score(const struct device_vitals *v)
{
    static const double of_status[] = {
        [DEVICE_UNKNOWN] = 50, [DEVICE_ONLINE] = 100, [DEVICE_OFFLINE] = 0};
    double data = fmin(100, (double)v->records_24h * 100 / RECORDS_FULL);
    return (int)lround(0.40 * uptime_part(v->silent_ns) + 0.30 * alerts_part(v->open_alerts) +
                       0.20 * data + 0.10 * of_status[v->status]);
}

const char *device_health_name(int score)
{
    if (score >= 80) return "EXCELLENT";
    if (score >= 60) return "GOOD";
    if (score >= 40) return "FAIR";
    return score >= 20 ? "POOR" : "CRITICAL";
}

/* --- one device ------------------------------------------------------------------------------- */

static enum err count_readings(struct device_health *h, const struct reg_device *d,
                               const struct reg_variable *v, int64_t now_ns, int64_t *ret)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const struct aggregate_series series = {d->id, v->id};
    const struct aggregate_spec spec = {
        .org = d->org,
        .series = &series,
        .series_count = 1,
        .aggregation = AGGREGATION_COUNT,
        .from_ns = now_ns - NS_PER_DAY,
        .to_ns = now_ns,
        .max_buckets = 1,
    };
    struct aggregate_bucket *bucket = NULL;
    size_t n = 0;
    struct why why = {""};
    enum err e = aggregate_run(h->telemetry, &spec, &arena, &bucket, &n, &why);
    *ret = !e && n ? (int64_t)bucket->count : 0;
    arena_done(&arena);
    return e;
}

/* Enough is enough: the count stops at the first variable that gives the full score. */
static enum err count_records(struct device_health *h, struct reg_device *d, int64_t now_ns,
                              int64_t *ret)
{
    int64_t most = 0, n = 0;
    enum err e = ERR_OK;
    bool quiet = now_ns - atomic_load(&d->last_seen_ns) > NS_PER_DAY;
    struct reg_variable *v = atomic_load_explicit(&d->variables, memory_order_acquire);
    for (; v && !quiet && most < RECORDS_FULL && !e;
         v = atomic_load_explicit(&v->next, memory_order_acquire)) {
        e = count_readings(h, d, v, now_ns, &n);
        if (n > most) most = n;
    }
    *ret = most;
    return e;
}

static enum err look_at(struct device_health *h, struct reg_device *d)
{
    int64_t now_ns = clock_wall_ns(h->clock), seen_ns = atomic_load(&d->last_seen_ns);
    uint64_t key = (uint64_t)d->id;
    const struct alert_count *alerts = map_get(&h->open_alerts, map_u64(&key));
    struct device_vitals v = {
        .silent_ns = seen_ns ? now_ns - seen_ns : INT64_MAX,
        .open_alerts = alerts ? alerts->count : 0,
        .status = device_status_at(seen_ns, now_ns),
    };
    enum err e = count_records(h, d, now_ns, &v.records_24h);
    if (e) return e;
    atomic_store(&d->health, device_health_score(&v));
    atomic_store(&d->health_checked_ns, now_ns);
    return ERR_OK;
}

/* --- a pass ----------------------------------------------------------------------------------- */

static enum err read_open_alerts(struct device_health *h)
{
    struct sql_tx *tx;
    struct alert_count *counts = NULL;
    size_t n = 0;
    enum err e = sql_begin(h->db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_alerts_count_open(tx, &h->arena, &counts, &n);
    e = sql_end(tx, e);
    for (size_t i = 0; i < n && !e; i++)
        e = map_put(&h->open_alerts, map_u64(&counts[i].device), &counts[i]);
    return e;
}

static void end_pass(struct device_health *h)
{
    map_done(&h->open_alerts);
    arena_done(&h->arena);
    h->under_way = false;
    h->at = NULL;
}

static enum err begin_pass(struct device_health *h)
{
    h->due_ns = clock_mono_ns(h->clock) + DEVICE_HEALTH_PERIOD_NS;
    h->under_way = true;
    arena_init(&h->arena, OPEN_ALERTS_BYTES_MAX);
    map_init(&h->open_alerts, 0);
    enum err e = read_open_alerts(h);
    if (e) end_pass(h);
    return e;
}

enum err device_health_run(struct device_health *h, int64_t budget_ns, bool *ret_done)
{
    int64_t until_ns = clock_mono_ns(h->clock) + budget_ns;
    *ret_done = false;
    if (!h->under_way && clock_mono_ns(h->clock) < h->due_ns) return ERR_OK;
    enum err e = h->under_way ? ERR_OK : begin_pass(h);
    for (int i = 1; !e && (h->at = registry_walk(h->registry, h->at)); i++) {
        if (!atomic_load_explicit(&h->at->deleted_ns, memory_order_relaxed)) e = look_at(h, h->at);
        if (i % LOOK_AT_CLOCK == 0 && clock_mono_ns(h->clock) >= until_ns) return e;
    }
    *ret_done = !e;
    if (h->under_way) end_pass(h);
    return e;
}

enum err device_health_new(struct device_health **ret, struct sql_db *db, struct registry *registry,
                           struct telemetry *telemetry, const struct clock *clock)
{
    struct device_health *h = mem_zalloc(sizeof *h);
    if (!h) return ERR_NOMEM;
    h->db = db;
    h->registry = registry;
    h->telemetry = telemetry;
    h->clock = clock;
    h->due_ns = clock_mono_ns(clock);
    *ret = h;
    return ERR_OK;
}

void device_health_free(struct device_health *h)
{
    if (!h) return;
    if (h->under_way) end_pass(h);
    mem_free(h);
}
