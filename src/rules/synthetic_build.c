/* Making a group (see synthetic_build.h and synthetic_group.h). */
#include "rules/synthetic_build.h"

#include "base/mem.h"
#include "model/alias.h"
#include "rules/synthetic_median.h"
#include "rules/synthetic_order.h"

void synthetic_build_resolve(struct synthetic_group *g)
{
    struct registry *r = g->parts.registry;
    g->variables = atomic_load(&g->device->variable_count);
    for (size_t i = 0; i < g->input_count; i++) {
        struct synthetic_input *in = &g->inputs[i];
        struct bytes alias = alias_of(in->name);
        if (in->series) continue;
        struct reg_variable *v = registry_find_variable(r, g->device, in->name);
        if (!v && alias.p) v = registry_find_variable(r, g->device, alias);
        if (!v) continue;
        in->series = v->id;
        for (size_t k = 0; k < g->member_count; k++)
            in->computed = in->computed || g->members[k].series == v->id;
    }
}

/* --- windows ---------------------------------------------------------------------------------- */

/* What a window reads of the store again. */
static enum err read_again(void *ctx, int64_t from_ns, int64_t to_ns,
                           void (*give)(void *to, struct sample s), void *to)
{
    const struct synthetic_view *v = ctx;
    const struct synthetic_group *g = v->group;
    struct scan_cursor *c;
    const struct sample *samples;
    size_t n;
    const struct scan_range range = {.org = g->device->org,
                                     .device = g->device->id,
                                     .series = g->inputs[v->input].series,
                                     .from_ns = from_ns,
                                     .to_ns = clock_add(to_ns, 1)};
    if (g->inputs[v->input].computed && g->parts.settle) /* keeps G4 */
        g->parts.settle(g->parts.settle_ctx);
    enum err e = telemetry_scan_open(g->parts.telemetry, &range, &c);
    if (e) return e;
    while (!(e = telemetry_scan_next(c, &samples, &n)))
        for (size_t i = 0; i < n; i++) give(to, samples[i]);
    telemetry_scan_close(c);
    return e == ERR_END ? ERR_OK : e;
}

static void free_view(struct synthetic_view *v)
{
    synthetic_window_free(v->sums);
    synthetic_median_free(v->median);
    v->sums = NULL;
    v->median = NULL;
    v->broken = ERR_OK;
}

enum err synthetic_build_views(struct synthetic_group *g)
{
    for (size_t i = 0; i < g->view_count; i++) free_view(&g->views[i]);
    for (size_t i = 0; i < g->view_count; i++) {
        struct synthetic_view *v = &g->views[i];
        const struct synthetic_source source = {v, read_again};
        enum err e = ERR_OK;
        if (v->sums_wanted)
            e = synthetic_window_new(&v->sums, v->span_ns, &source, g->parts.budget);
        if (!e && v->median_wanted)
            e = synthetic_median_new(&v->median, v->span_ns, g->parts.budget);
        v->broken = e;
        if (e && e != ERR_LIMIT) return e;
    }
    return ERR_OK;
}

/* --- what members use ------------------------------------------------------------------------- */

static uint16_t add_input(struct synthetic_group *g, struct bytes name)
{
    for (size_t i = 0; i < g->input_count; i++)
        if (bytes_equal(g->inputs[i].name, name)) return (uint16_t)i;
    g->inputs[g->input_count] =
        (struct synthetic_input){.name = name, .last = {.ts_ns = INT64_MIN}};
    return (uint16_t)g->input_count++;
}

static uint16_t add_view(struct synthetic_group *g, size_t input, const struct expression_window *w)
{
    size_t i = 0;
    while (i < g->view_count && (g->views[i].input != input || g->views[i].span_ns != w->span_ns))
        i++;
    struct synthetic_view *v = &g->views[i];
    if (i == g->view_count) {
        *v = (struct synthetic_view){.group = g, .input = input, .span_ns = w->span_ns};
        g->view_count++;
    }
    if (w->statistic == EXPRESSION_MEDIAN)
        v->median_wanted = true;
    else
        v->sums_wanted = true;
    if (g->inputs[input].span_ns < w->span_ns) g->inputs[input].span_ns = w->span_ns;
    return (uint16_t)i;
}

static void add_member(struct synthetic_group *g, int64_t series, struct expression *x)
{
    struct synthetic_member *m = &g->members[g->member_count++];
    *m = (struct synthetic_member){.series = series, .expression = x, .last = {.ts_ns = INT64_MIN}};
    for (size_t i = 0; i < expression_name_count(x); i++)
        m->inputs[i] = add_input(g, expression_name(x, i));
    for (size_t i = 0; i < expression_window_count(x); i++) {
        struct expression_window w = expression_window_at(x, i);
        m->views[i] = add_view(g, m->inputs[w.name], &w);
    }
}

/* --- the whole -------------------------------------------------------------------------------- */

struct compiled {
    struct synthetic_node nodes[SYNTHETICS_PER_DEVICE];
    struct expression *expressions[SYNTHETICS_PER_DEVICE];
    int64_t series[SYNTHETICS_PER_DEVICE];
    size_t order[SYNTHETICS_PER_DEVICE], n, names, windows;
};

static enum err compile_rows(struct compiled *c, const struct synthetic *rows, size_t n)
{
    struct expression_error error;
    enum err e = ERR_OK;
    for (size_t i = 0; i < n && !e; i++) {
        struct expression **x = &c->expressions[c->n];
        if (!rows[i].enabled) continue;
        e = expression_compile(x, rows[i].expression, &error);
        if (e) break;
        c->series[c->n] = rows[i].series;
        c->names += expression_name_count(*x);
        c->windows += expression_window_count(*x);
        c->nodes[c->n++] = (struct synthetic_node){rows[i].name, *x};
    }
    return e ? e : synthetic_order_find(c->nodes, c->n, c->order, NULL);
}

static enum err fill(struct synthetic_group *g, struct compiled *c)
{
    g->members = mem_array(c->n + 1, sizeof *g->members);
    g->inputs = mem_array(c->names + 1, sizeof *g->inputs);
    g->views = mem_array(c->windows + 1, sizeof *g->views);
    if (!g->members || !g->inputs || !g->views) return ERR_NOMEM;
    for (size_t i = 0; i < c->n; i++) {
        size_t k = c->order[i];
        add_member(g, c->series[k], c->expressions[k]);
        c->expressions[k] = NULL; /* the member's now */
    }
    synthetic_build_resolve(g);
    return ERR_OK;
}

enum err synthetic_group_new(struct synthetic_group **ret, const struct synthetic_parts *parts,
                             struct reg_device *device, const struct synthetic *rows, size_t n)
{
    struct compiled c = {.n = 0};
    struct synthetic_group *g = mem_zalloc(sizeof *g);
    if (!g) return ERR_NOMEM;
    g->parts = *parts;
    g->device = device;
    g->key = (uint64_t)device->id;
    g->position_ns = INT64_MIN;
    g->fresh = true;
    bug_if(n > SYNTHETICS_PER_DEVICE);
    enum err e = compile_rows(&c, rows, n);
    if (!e) e = fill(g, &c);
    for (size_t i = 0; i < SYNTHETICS_PER_DEVICE; i++) expression_free(c.expressions[i]);
    if (e)
        synthetic_group_free(g);
    else
        *ret = g;
    return e;
}

void synthetic_group_free(struct synthetic_group *g)
{
    if (!g) return;
    for (size_t i = 0; i < g->view_count; i++) free_view(&g->views[i]);
    for (size_t i = 0; i < g->member_count; i++) expression_free(g->members[i].expression);
    mem_free(g->views);
    mem_free(g->inputs);
    mem_free(g->members);
    mem_free(g);
}
