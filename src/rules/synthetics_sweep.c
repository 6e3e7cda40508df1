/* What is dirty, and the sweep that cleans it (see synthetics.h). One sweep at a time; between two
 * of its steps records of other devices are computed. */
#include "rules/synthetics_state.h"

enum { STEP_ROWS = 500 };
#define RETRY_NS    (2 * NS_PER_S)
#define LATE_SHARES 4 /* of the time of a sweep of late readings there is rest behind it */

void synthetics_mark(struct synthetics *s, struct synthetic_group *g, int64_t from_ns,
                     int64_t delay_ns)
{
    int64_t due_ns = clock_add(clock_mono_ns(s->opts.clock), delay_ns);
    if (g->dirty_from_ns == NOT_DIRTY) {
        s->dirty_count++;
        g->due_ns = due_ns;
    }
    if (due_ns < g->due_ns) g->due_ns = due_ns;
    if (from_ns < g->dirty_from_ns) g->dirty_from_ns = from_ns;
    g->urgent = g->urgent || !delay_ns;
}

static struct synthetic_group *find_due(struct synthetics *s)
{
    int64_t now_ns = clock_mono_ns(s->opts.clock);
    if (!s->dirty_count) return NULL;
    for (struct synthetic_group *g = s->first; g; g = g->next) {
        if (g->dirty_from_ns == NOT_DIRTY || g->due_ns > now_ns) continue;
        if (g->urgent || now_ns >= s->late_from_ns) return g;
    }
    return NULL;
}

/* Up to where: what the tap has shown, or all there is; from ahead only what has been shown. */
static enum err find_end(struct synthetics *s, struct synthetic_group *g, int64_t *ret_ns)
{
    int64_t to_ns = g->seen_ns > g->position_ns ? g->seen_ns : g->position_ns, latest_ns;
    int64_t edge_ns = clock_add(clock_wall_ns(s->opts.clock), SYNTHETICS_AHEAD_NS);
    if (g->to_latest) {
        enum err e = synthetic_group_latest(g, &latest_ns);
        if (e) return e;
        if (latest_ns > edge_ns && latest_ns > to_ns) {
            if (g->ahead_from_ns > latest_ns) g->ahead_from_ns = latest_ns;
            latest_ns = edge_ns;
        }
        if (latest_ns > to_ns) to_ns = latest_ns;
    }
    *ret_ns = to_ns;
    return ERR_OK;
}

/* What becomes dirty from here on, even while the sweep begins, is for the next one. */
static int64_t take_dirty(struct synthetics *s, struct synthetic_group *g)
{
    int64_t from_ns = g->dirty_from_ns;
    g->dirty_from_ns = NOT_DIRTY;
    g->urgent = g->to_latest = false;
    s->dirty_count--;
    return from_ns;
}

static enum err begin(struct synthetics *s, struct synthetic_group *g)
{
    int64_t to_ns = 0;
    enum err e = find_end(s, g, &to_ns);
    if (e) return e;
    bool to_latest = g->to_latest;
    int64_t from_ns = take_dirty(s, g);
    bool goes_on = from_ns > g->position_ns;
    s->sweep_took_ns = 0;
    if (from_ns > to_ns) return ERR_OK; /* nothing lies there */
    e = synthetic_sweep_begin(&s->sweep, g, from_ns, to_ns, goes_on);
    if (e) {
        synthetics_mark(s, g, from_ns, RETRY_NS);
        g->to_latest = g->to_latest || to_latest;
        return e;
    }
    s->sweep_from_ns = from_ns;
    s->swept = g;
    if (to_ns > g->seen_ns) g->seen_ns = to_ns;
    atomic_fetch_add_explicit(&s->stat_sweeps, 1, memory_order_relaxed);
    return ERR_OK;
}

static void end(struct synthetics *s)
{
    synthetic_sweep_free(s->sweep);
    s->sweep = NULL;
    s->swept = NULL;
    s->late_from_ns = clock_add(clock_mono_ns(s->opts.clock), LATE_SHARES * s->sweep_took_ns);
}

void synthetics_sweep_stop(struct synthetics *s)
{
    struct synthetic_group *g = s->swept;
    if (!g) return;
    end(s);
    g->fresh = g->to_latest = true;
    synthetics_mark(s, g, s->sweep_from_ns, RETRY_NS);
}

/* False: nothing is due. */
static bool step(struct synthetics *s)
{
    enum err e = ERR_OK;
    struct synthetic_group *g = s->swept ? s->swept : find_due(s);
    if (!g) return false;
    if (!s->sweep) {
        e = begin(s, g);
        if (e) g->due_ns = clock_add(clock_mono_ns(s->opts.clock), RETRY_NS);
        return true;
    }
    e = synthetic_sweep_step(s->sweep, STEP_ROWS, &s->emit);
    if (e == ERR_END && !synthetic_group_is_broken(g))
        end(s);
    else if (e)
        synthetics_sweep_stop(s);
    return true;
}

bool synthetics_sweep_some(struct synthetics *s, int64_t budget_ns)
{
    int64_t start_ns = clock_mono_ns(s->opts.clock), took_ns = 0;
    bool more = s->sweep || s->dirty_count;
    while (more && took_ns < budget_ns) {
        more = step(s);
        int64_t now_ns = clock_mono_ns(s->opts.clock);
        s->sweep_took_ns += now_ns - start_ns - took_ns;
        took_ns = now_ns - start_ns;
    }
    return more;
}
