/* The thread of synthetic variables: records, gaps, requests (see synthetics.h). */
#include "rules/synthetics.h"

#include "base/mem.h"
#include "rules/synthetics_state.h"

#define LATE_DELAY_NS   (200 * NS_PER_MS)
#define FAILED_DELAY_NS (2 * NS_PER_S)
#define BUSY_SWEEP_NS   (2 * NS_PER_MS)
#define IDLE_SWEEP_NS   (20 * NS_PER_MS)
#define BUSY_LOOK_NS    (10 * NS_PER_MS) /* so that sweeps take a fifth of a busy thread */
#define FINISH_NS       (10 * NS_PER_S)
#define JUMP_NS         NS_PER_HOUR

/* --- results ---------------------------------------------------------------------------------- */

static enum err add_result(void *ctx, struct synthetic_group *g, int64_t ts_ns, int64_t series,
                           double value)
{
    struct synthetics *s = ctx;
    const struct reg_device *d = g->device;
    atomic_fetch_add_explicit(&s->stat_results, 1, memory_order_relaxed);
    return synthetic_output_add(s->output, d->org, d->id, ts_ns, (struct point){series, value});
}

static void on_failed(void *ctx, const struct record *r)
{
    struct synthetics *s = ctx;
    struct synthetic_group *g = synthetics_find(s, r->device);
    s->failed++;
    atomic_fetch_add_explicit(&s->stat_failed, 1, memory_order_relaxed);
    if (g) synthetics_mark(s, g, r->ts_ns, FAILED_DELAY_NS);
}

/* --- one record ------------------------------------------------------------------------------- */

static bool jumps_ahead(const struct synthetic_group *g, int64_t ts_ns, int64_t now_ns)
{
    int64_t newest_ns = g->seen_ns > g->position_ns ? g->seen_ns : g->position_ns;
    return newest_ns != INT64_MIN && ts_ns > clock_add(now_ns, SYNTHETICS_AHEAD_NS) &&
           ts_ns > clock_add(newest_ns, JUMP_NS);
}

static void take_record(struct synthetics *s, struct synthetic_group *g, const struct record *r,
                        const struct point *points, int64_t now_ns)
{
    if (!synthetic_group_concerns(g, points, r->count)) return;
    if (jumps_ahead(g, r->ts_ns, now_ns)) {
        if (r->ts_ns < g->ahead_from_ns) g->ahead_from_ns = r->ts_ns; /* keeps S4 */
        return;
    }
    if (r->ts_ns > g->seen_ns) g->seen_ns = r->ts_ns;
    if (g == s->swept || g->fresh) {
        synthetics_mark(s, g, r->ts_ns, 0);
        return;
    }
    if (r->ts_ns < g->position_ns) {
        synthetics_mark(s, g, r->ts_ns, LATE_DELAY_NS);
        return;
    }
    if (synthetic_group_apply(g, r->ts_ns, points, r->count, &s->emit))
        synthetics_mark(s, g, r->ts_ns, FAILED_DELAY_NS);
    if (synthetic_group_is_broken(g)) {
        g->fresh = true;
        synthetics_mark(s, g, r->ts_ns, FAILED_DELAY_NS);
    }
}

/* --- requests --------------------------------------------------------------------------------- */

/* From now on the tap keeps records of this organisation; the request's share of that is given back
 * when it has been served. */
static enum err ask(struct synthetics *s, const struct synthetic_request *request)
{
    atomic_fetch_add(&s->orgs[request->org % SYNTHETIC_ORGS], 1);
    lock_take(&s->lock);
    bool fits = s->request_count < SYNTHETIC_REQUESTS;
    if (fits) s->requests[s->request_count++] = *request;
    atomic_store(&s->asked, true);
    lock_release(&s->lock);
    return fits ? ERR_OK : ERR_FULL;
}

void synthetics_changed(struct synthetics *s, int64_t org, int64_t device)
{
    if (ask(s, &(struct synthetic_request){org, device, NOT_DIRTY})) {
        lock_take(&s->lock);
        s->reload_all = true;
        lock_release(&s->lock);
    }
    if (s->wake) s->wake(s->wake_ctx);
}

enum err synthetics_recompute(struct synthetics *s, int64_t org, int64_t device, int64_t from_ns)
{
    enum err e = ask(s, &(struct synthetic_request){org, device, from_ns});
    if (!e && s->wake) s->wake(s->wake_ctx);
    return e;
}

static enum err serve(struct synthetics *s, const struct synthetic_request *r)
{
    struct synthetic_group *g = synthetics_find(s, r->device);
    if (r->from_ns == NOT_DIRTY) return synthetics_load_device(s, r->org, r->device);
    if (!g || g->device->org != r->org) return ERR_OK;
    g->to_latest = true;
    synthetics_mark(s, g, r->from_ns, 0);
    return ERR_OK;
}

/* The oldest request stays where it is until it is served. False: there is none. */
static bool next_request(struct synthetics *s, struct synthetic_request *ret, bool *ret_all)
{
    lock_take(&s->lock);
    bool any = s->request_count || s->reload_all;
    *ret_all = s->reload_all;
    if (s->request_count) *ret = s->requests[0];
    if (!any) atomic_store(&s->asked, false);
    lock_release(&s->lock);
    return any;
}

static void end_request(struct synthetics *s, const struct synthetic_request *r, bool all)
{
    lock_take(&s->lock);
    if (all) {
        s->reload_all = false;
    } else {
        s->request_count--;
        memmove(s->requests, s->requests + 1, s->request_count * sizeof *s->requests);
    }
    lock_release(&s->lock);
    if (!all) atomic_fetch_sub(&s->orgs[r->org % SYNTHETIC_ORGS], 1);
}

/* What was asked is read by whoever leads. */
static void serve_nothing(struct synthetics *s)
{
    struct synthetic_request r = {0};
    bool all;
    while (next_request(s, &r, &all)) end_request(s, &r, all);
}

/* False: the catalog did not answer; it is asked again with the next record or second. */
static bool serve_all(struct synthetics *s)
{
    struct synthetic_request r = {0};
    bool all;
    while (atomic_load(&s->asked) && next_request(s, &r, &all)) {
        enum err e = all ? synthetics_load_all(s) : serve(s, &r);
        if (e) return false;
        end_request(s, &r, all);
    }
    return true;
}

/* --- what the tap calls ----------------------------------------------------------------------- */

bool synthetics_watches(void *synthetics, int64_t org)
{
    struct synthetics *s = synthetics;
    return atomic_load(&s->leads) && atomic_load(&s->orgs[org % SYNTHETIC_ORGS]) != 0;
}

static void note_stats(struct synthetics *s)
{
    atomic_store_explicit(&s->stat_groups, s->group_count, memory_order_relaxed);
    atomic_store_explicit(&s->stat_dirty, s->dirty_count + (s->sweep != NULL),
                          memory_order_relaxed);
    atomic_store_explicit(&s->stat_window_bytes, s->budget.used_bytes, memory_order_relaxed);
}

void synthetics_lead(struct synthetics *s, bool leads)
{
    atomic_store(&s->leads, leads);
    if (s->wake) s->wake(s->wake_ctx);
}

/* False: another server computes, or what it had computed cannot be read yet. */
static bool follow_lead(struct synthetics *s)
{
    bool leads = atomic_load(&s->leads);
    if (!leads) serve_nothing(s);
    if (leads == s->led) return leads;
    if (!leads) {
        synthetics_load_nothing(s);
        synthetic_output_drain(s->output);
    } else if (synthetics_load_start(s)) {
        return false; /* again with the next record or second */
    }
    s->led = leads;
    return leads;
}

/* A device whose change cannot be loaded now misses sets: once it is there, it reads the store. */
static void prepare(struct synthetics *s)
{
    bool served = serve_all(s);
    if (served && s->missed) synthetics_on_gap(s);
    s->missed = !served;
}

void synthetics_on_records(void *synthetics, const struct record_set *set)
{
    struct synthetics *s = synthetics;
    if (s->finished || !follow_lead(s)) return;
    prepare(s);
    int64_t now_ns = clock_wall_ns(s->opts.clock);
    for (size_t i = 0; i < set->record_count; i++) {
        const struct record *r = &set->records[i];
        struct synthetic_group *g = synthetics_find(s, r->device);
        if (g) take_record(s, g, r, set->points + r->first, now_ns);
    }
    int64_t mono_ns = clock_mono_ns(s->opts.clock);
    if (mono_ns - s->looked_ns < BUSY_LOOK_NS) return;
    synthetics_sweep_some(s, BUSY_SWEEP_NS);
    synthetics_save_some(s);
    s->looked_ns = clock_mono_ns(s->opts.clock);
}

/* Everything may have missed something: late readings, too, that the margin covers. */
void synthetics_on_gap(void *synthetics)
{
    struct synthetics *s = synthetics;
    for (struct synthetic_group *g = s->first; g; g = g->next) {
        g->to_latest = true;
        synthetics_mark(s, g, clock_add(g->position_ns, -SYNTHETICS_MARGIN_NS), 0);
    }
}

/* Readings from ahead whose time has come. */
static void wake_sleepers(struct synthetics *s)
{
    int64_t now_ns = clock_wall_ns(s->opts.clock);
    for (struct synthetic_group *g = s->first; g; g = g->next) {
        if (g->ahead_from_ns > now_ns) continue;
        g->to_latest = true;
        synthetics_mark(s, g, g->ahead_from_ns, 0);
        g->ahead_from_ns = NOT_DIRTY;
    }
}

/* Nothing waits in the tap: what it was given is computed; now it becomes durable. */
static void finish(struct synthetics *s)
{
    synthetic_output_drain(s->output);
    synthetics_sweep_stop(s);
    s->finished = !s->led || synthetics_save_clean(s) == ERR_OK;
    lock_take(&s->lock);
    s->done = true;
    cond_broadcast(&s->changed);
    lock_release(&s->lock);
}

void synthetics_on_idle(void *synthetics)
{
    struct synthetics *s = synthetics;
    if (s->finished) return;
    lock_take(&s->lock);
    bool finishing = s->finishing && !s->done;
    lock_release(&s->lock);
    bool leads = follow_lead(s);
    if (leads) prepare(s);
    if (finishing) {
        finish(s);
        return;
    }
    if (!leads) {
        synthetic_output_collect(s->output);
        note_stats(s);
        return;
    }
    wake_sleepers(s);
    bool more = synthetics_sweep_some(s, IDLE_SWEEP_NS);
    synthetic_output_flush(s->output);
    synthetic_output_collect(s->output);
    synthetics_save_some(s);
    note_stats(s);
    if (more && s->wake) s->wake(s->wake_ctx);
}

/* --- start and stop --------------------------------------------------------------------------- */

static void free_parts(struct synthetics *s)
{
    synthetic_sweep_free(s->sweep);
    while (s->first) {
        struct synthetic_group *g = s->first;
        s->first = g->next;
        synthetic_group_free(g);
    }
    map_done(&s->groups);
    synthetic_output_free(s->output);
    cond_done(&s->changed);
    lock_done(&s->lock);
    mem_free(s);
}

enum err synthetics_new(struct synthetics **ret, const struct synthetics_opts *opts,
                        struct why *why)
{
    struct synthetics *s = mem_zalloc(sizeof *s);
    if (!s) return ERR_NOMEM;
    s->opts = *opts;
    s->budget.max_bytes = opts->window_bytes ? opts->window_bytes : SYNTHETICS_WINDOW_BYTES;
    s->emit = (struct synthetic_emit){s, add_result};
    map_init(&s->groups, 0);
    lock_init(&s->lock, LOCK_RANK_HUB);
    cond_init(&s->changed);
    const struct synthetic_output_opts output = {opts->write, opts->write_ctx, on_failed, s};
    enum err e = synthetic_output_new(&s->output, &output);
    s->led = !opts->idle;
    atomic_store(&s->leads, s->led);
    if (!e && s->led) e = synthetics_load_start(s);
    if (e) {
        free_parts(s);
        return why_say(why, e, "synthetic variables could not be loaded: %s", err_sentence(e));
    }
    note_stats(s);
    *ret = s;
    return ERR_OK;
}

void synthetics_free(struct synthetics *s)
{
    if (s) free_parts(s);
}

void synthetics_set_waker(struct synthetics *s, void (*wake)(void *ctx), void *ctx)
{
    s->wake = wake;
    s->wake_ctx = ctx;
}

void synthetics_finish(struct synthetics *s)
{
    if (!s || !s->wake) return;
    int64_t until_ns = clock_add(clock_mono_ns(s->opts.clock), FINISH_NS);
    lock_take(&s->lock);
    s->finishing = true;
    lock_release(&s->lock);
    s->wake(s->wake_ctx);
    lock_take(&s->lock);
    while (!s->done && clock_mono_ns(s->opts.clock) < until_ns)
        cond_wait_for(&s->changed, &s->lock, 100 * NS_PER_MS);
    lock_release(&s->lock);
    synthetic_output_stop(s->output);
}

void synthetics_read_stats(struct synthetics *s, struct synthetics_stats *ret)
{
    ret->results = atomic_load_explicit(&s->stat_results, memory_order_relaxed);
    ret->sweeps = atomic_load_explicit(&s->stat_sweeps, memory_order_relaxed);
    ret->failed = atomic_load_explicit(&s->stat_failed, memory_order_relaxed);
    ret->groups = atomic_load_explicit(&s->stat_groups, memory_order_relaxed);
    ret->dirty = atomic_load_explicit(&s->stat_dirty, memory_order_relaxed);
    ret->window_bytes = atomic_load_explicit(&s->stat_window_bytes, memory_order_relaxed);
}
