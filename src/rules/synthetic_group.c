/* Computing the synthetic variables of a device (see synthetic_group.h). */
#include "rules/synthetic_group.h"

#include "rules/synthetic_build.h"
#include "rules/synthetic_median.h"

/* --- readings come in ------------------------------------------------------------------------- */

static void add_to_view(struct synthetic_view *v, struct sample s)
{
    if (v->broken) return;
    if (v->sums) v->broken = synthetic_window_add(v->sums, s);
    if (v->median && !v->broken) v->broken = synthetic_median_add(v->median, s);
}

static void take(struct synthetic_group *g, size_t input, struct sample s)
{
    struct synthetic_input *in = &g->inputs[input];
    in->last = s;
    in->changed = true;
    if (!in->span_ns) return;
    for (size_t i = 0; i < g->view_count; i++)
        if (g->views[i].input == input) add_to_view(&g->views[i], s);
}

bool synthetic_group_concerns(struct synthetic_group *g, const struct point *points, size_t n)
{
    if (g->variables != atomic_load(&g->device->variable_count)) synthetic_build_resolve(g);
    for (size_t i = 0; i < g->input_count; i++)
        for (size_t k = 0; k < n; k++)
            if (g->inputs[i].series == points[k].series && !g->inputs[i].computed) return true;
    return false;
}

bool synthetic_group_is_broken(const struct synthetic_group *g)
{
    for (size_t i = 0; i < g->view_count; i++)
        if (g->views[i].broken && g->views[i].broken != ERR_LIMIT) return true;
    return false;
}

/* --- results ---------------------------------------------------------------------------------- */

struct run {
    struct synthetic_group *g;
    const struct synthetic_member *member;
    int64_t ts_ns;
};

static bool read_input(void *ctx, size_t name, double *ret)
{
    const struct run *r = ctx;
    const struct synthetic_input *in = &r->g->inputs[r->member->inputs[name]];
    if (in->last.ts_ns == INT64_MIN) return false;
    *ret = in->last.value;
    return true;
}

static bool read_view(void *ctx, size_t window, double *ret)
{
    const struct run *r = ctx;
    struct synthetic_view *v = &r->g->views[r->member->views[window]];
    enum expression_statistic what = expression_window_at(r->member->expression, window).statistic;
    if (v->broken) return false;
    if (what == EXPRESSION_MEDIAN) {
        synthetic_median_move(v->median, r->ts_ns);
        return synthetic_median_read(v->median, ret);
    }
    v->broken = synthetic_window_move(v->sums, r->ts_ns);
    return !v->broken && synthetic_window_read(v->sums, what, ret);
}

static bool is_due(const struct synthetic_group *g, const struct synthetic_member *m)
{
    for (size_t i = 0; i < expression_name_count(m->expression); i++)
        if (g->inputs[m->inputs[i]].changed) return true;
    return false;
}

static enum err compute(struct synthetic_group *g, struct synthetic_member *m, int64_t ts_ns,
                        const struct synthetic_emit *emit)
{
    struct run run = {g, m, ts_ns};
    const struct expression_inputs inputs = {&run, read_input, read_view};
    struct sample result = {.ts_ns = ts_ns};
    size_t offset;
    if (expression_run(m->expression, &inputs, &result.value, &offset)) return ERR_OK;
    for (size_t i = 0; i < g->input_count; i++)
        if (g->inputs[i].series == m->series) take(g, i, result);
    if (m->last.ts_ns == ts_ns && m->last.value == result.value) return ERR_OK; /* said already */
    m->last = result;
    return emit->point(emit->ctx, g, ts_ns, m->series, result.value);
}

enum expression_outcome synthetic_group_try(struct synthetic_group *g, double *ret_value,
                                            size_t *ret_offset)
{
    struct run run = {g, &g->members[0], g->position_ns};
    const struct expression_inputs inputs = {&run, read_input, read_view};
    return expression_run(run.member->expression, &inputs, ret_value, ret_offset);
}

enum err synthetic_group_apply(struct synthetic_group *g, int64_t ts_ns, const struct point *points,
                               size_t n, const struct synthetic_emit *emit)
{
    bug_if(ts_ns < g->position_ns);
    for (size_t i = 0; i < g->input_count; i++) {
        struct synthetic_input *in = &g->inputs[i];
        in->changed = false;
        if (in->computed) continue; /* keeps G3 */
        for (size_t k = 0; k < n; k++)
            if (in->series == points[k].series) take(g, i, (struct sample){ts_ns, points[k].value});
    }
    g->position_ns = ts_ns;
    enum err e = ERR_OK;
    for (size_t i = 0; i < g->member_count && !e; i++)
        if (is_due(g, &g->members[i])) e = compute(g, &g->members[i], ts_ns, emit);
    return e;
}

/* --- a new start ------------------------------------------------------------------------------ */

static struct scan_range range_of(const struct synthetic_group *g, size_t input, int64_t from_ns,
                                  int64_t to_ns)
{
    return (struct scan_range){.org = g->device->org,
                               .device = g->device->id,
                               .series = g->inputs[input].series,
                               .from_ns = from_ns,
                               .to_ns = to_ns};
}

static enum err read_windows(struct synthetic_group *g, size_t input, int64_t from_ns)
{
    struct scan_cursor *c;
    const struct sample *samples;
    size_t n;
    const struct scan_range range =
        range_of(g, input, clock_add(from_ns, -g->inputs[input].span_ns), from_ns);
    enum err e = telemetry_scan_open(g->parts.telemetry, &range, &c);
    if (e) return e;
    while (!(e = telemetry_scan_next(c, &samples, &n)))
        for (size_t i = 0; i < n; i++) take(g, input, samples[i]);
    telemetry_scan_close(c);
    return e == ERR_END ? ERR_OK : e;
}

static enum err read_last(struct synthetic_group *g, size_t input, int64_t from_ns)
{
    struct scan_cursor *c;
    const struct sample *samples;
    size_t n;
    struct synthetic_input *in = &g->inputs[input];
    struct scan_range range = range_of(g, input, INT64_MIN, from_ns);
    range.descending = true;
    enum err e = telemetry_latest(g->parts.telemetry, range.org, &in->series, 1, &in->last);
    if (e || in->last.ts_ns < from_ns) return e; /* or there is none */
    in->last.ts_ns = INT64_MIN;
    e = telemetry_scan_open(g->parts.telemetry, &range, &c);
    if (e) return e;
    e = telemetry_scan_next(c, &samples, &n);
    if (!e && n) in->last = samples[0];
    telemetry_scan_close(c);
    return e == ERR_END ? ERR_OK : e;
}

static enum err seek_input(struct synthetic_group *g, size_t i, int64_t from_ns)
{
    struct synthetic_input *in = &g->inputs[i];
    enum err e = ERR_OK;
    in->last = (struct sample){.ts_ns = INT64_MIN};
    if (!in->series || from_ns == INT64_MIN) return ERR_OK;
    if (in->span_ns) e = read_windows(g, i, from_ns);
    return e || in->last.ts_ns != INT64_MIN ? e : read_last(g, i, from_ns);
}

enum err synthetic_group_seek(struct synthetic_group *g, int64_t from_ns)
{
    g->fresh = true;
    synthetic_build_resolve(g);
    for (size_t i = 0; i < g->input_count; i++)
        if (g->inputs[i].computed && g->parts.settle) g->parts.settle(g->parts.settle_ctx);
    enum err e = synthetic_build_views(g);
    for (size_t i = 0; i < g->member_count; i++) g->members[i].last.ts_ns = INT64_MIN;
    for (size_t i = 0; i < g->input_count && !e; i++) e = seek_input(g, i, from_ns);
    if (e) return e;
    g->position_ns = clock_add(from_ns, -1);
    g->fresh = false;
    return ERR_OK;
}

enum err synthetic_group_latest(struct synthetic_group *g, int64_t *ret_ns)
{
    int64_t newest = INT64_MIN;
    synthetic_build_resolve(g);
    for (size_t i = 0; i < g->input_count; i++) {
        struct sample s = {.ts_ns = INT64_MIN};
        struct synthetic_input *in = &g->inputs[i];
        if (!in->series || in->computed) continue;
        enum err e = telemetry_latest(g->parts.telemetry, g->device->org, &in->series, 1, &s);
        if (e) return e;
        if (s.ts_ns > newest) newest = s.ts_ns;
    }
    *ret_ns = newest;
    return ERR_OK;
}
