/* The turns of the watch (see watch.h). */
#include "pilot/watch.h"

#include "base/mem.h"
#include "pilot/watch_counts.h"
#include "store/registry.h"

#include <math.h>

enum err watch_new(struct watch **ret, const struct watch_parts *parts)
{
    struct watch *w = mem_zalloc(sizeof *w);
    if (!w) return ERR_NOMEM;
    w->parts = *parts;
    lock_init(&w->lock, LOCK_RANK_TRENDS);
    for (int i = 0; i < THRESHOLD_IDS; i++) w->figures.thresholds[i] = NAN;
    for (int i = 0; i < TREND_FIGURES; i++) w->figures.trends[i] = NAN;
    *ret = w;
    return ERR_OK;
}

void watch_free(struct watch *w)
{
    if (!w) return;
    lock_done(&w->lock);
    mem_free(w);
}

void watch_configure(struct watch *w, const struct watch_settings *s)
{
    lock_take(&w->lock);
    w->settings = *s;
    lock_release(&w->lock);
}

/* The newest statement may be slow without being among the slowest of the day: then only that it
 * was longer than the threshold is known. */
static double slow_query_ms(const struct watch_counts *minute, double minute_s, double limit_ms)
{
    int64_t since_ns = minute->mono_ns - (int64_t)(minute_s * 1e9);
    double ms = (double)watch_counts_slowest(since_ns) / 1e6;
    if (minute->slow_queries && ms < limit_ms) ms = limit_ms * 1.01;
    return minute->queries ? ms : NAN;
}

static struct watch_figures figures_of(const struct watch *w, const struct watch_counts *step,
                                       double step_s, const struct watch_counts *minute,
                                       double minute_s)
{
    struct watch_figures f;
    struct threshold_view views[THRESHOLD_IDS];
    thresholds_read(w->parts.thresholds, views);
    f.thresholds[THRESHOLD_SLOW_QUERY] =
        slow_query_ms(minute, minute_s, views[THRESHOLD_SLOW_QUERY].limits.limit);
    f.thresholds[THRESHOLD_CACHE_HITS] = watch_counts_hit_ratio(minute);
    f.thresholds[THRESHOLD_MEMORY] = w->parts.memory_ratio();
    f.thresholds[THRESHOLD_RESPONSE] = watch_counts_p95_ms(minute);
    f.trends[TREND_DATABASE_MS] =
        step->queries ? (double)step->query_ns / 1e6 / (double)step->queries : NAN;
    f.trends[TREND_RESPONSE_MS] = watch_counts_p95_ms(step);
    f.trends[TREND_CACHE_HIT_RATIO] = watch_counts_hit_ratio(step);
    f.trends[TREND_MEMORY_RATIO] = f.thresholds[THRESHOLD_MEMORY];
    f.trends[TREND_POINTS_PER_S] = (double)step->points / step_s;
    f.trends[TREND_DISK_BYTES] = step->disk_bytes;
    return f;
}

/* Once in a window: what organisations and devices had when it began. */
static void turn_window(struct watch *w, int64_t now_ns, int64_t step_ns)
{
    if (w->organizations_ns && now_ns - w->organizations_ns < WATCH_STEPS * step_ns) return;
    for (struct reg_device *d = registry_walk(w->parts.registry, NULL); d;
         d = registry_walk(w->parts.registry, d)) {
        uint32_t refused = atomic_exchange(&d->times_refused, 0);
        atomic_store(&d->times_refused_before, refused);
        atomic_store(&d->variables_before, atomic_load(&d->variable_count));
    }
    lock_take(&w->lock);
    org_figures_read(now_ns, w->organizations, &w->organization_count);
    w->organizations_ns = now_ns;
    lock_release(&w->lock);
}

enum err watch_tick(struct watch *w, bool leads)
{
    struct watch_counts counts, step, minute;
    double step_s, minute_s;
    int64_t now_ns = clock_mono_ns(w->parts.clock);
    size_t last = (w->taken + WATCH_STEPS - 1) % WATCH_STEPS;
    lock_take(&w->lock);
    const int64_t step_ns = w->settings.step_ns;
    lock_release(&w->lock);
    if (w->taken && now_ns - w->ring[last].mono_ns < step_ns) return ERR_OK;
    watch_counts_take(&w->parts, &counts);
    turn_window(w, now_ns, step_ns);
    lock_take(&w->lock);
    w->ring[w->taken++ % WATCH_STEPS] = counts;
    bool known = watch_counts_window(w, 1, &step, &step_s) &&
                 watch_counts_window(w, WATCH_MINUTE_STEPS, &minute, &minute_s);
    lock_release(&w->lock);
    if (!known) return ERR_OK;
    const struct watch_figures f = figures_of(w, &step, step_s, &minute, minute_s);
    lock_take(&w->lock);
    w->figures = f;
    lock_release(&w->lock);
    if (leads && !w->led) {
        /* who takes over has to know what the one before has raised */
        enum err e = thresholds_load(w->parts.thresholds);
        if (e) return e;
    }
    w->led = leads;
    enum err judged = thresholds_judge(w->parts.thresholds, f.thresholds, leads);
    if (!leads) return judged;
    enum err kept = trends_add(w->parts.trends, f.trends, clock_wall_ns(w->parts.clock));
    return judged ? judged : kept;
}

void watch_read(struct watch *w, struct watch_figures *ret)
{
    lock_take(&w->lock);
    *ret = w->figures;
    lock_release(&w->lock);
}
