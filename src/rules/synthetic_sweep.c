/* Computing a range again (see synthetic_sweep.h). */
#include "rules/synthetic_sweep.h"

#include "base/mem.h"
#include "query/rows.h"

#include <math.h>

struct synthetic_sweep {
    struct synthetic_group *g;
    struct rows *rows;
    int64_t to_ns;
    int64_t *series; /* of inputs that are no members', then of the members */
    size_t input_count, count;
    struct point *points;
    const double *row;                 /* the one that is being computed */
    const struct synthetic_emit *emit; /* during a step */
};

void synthetic_sweep_free(struct synthetic_sweep *s)
{
    if (!s) return;
    rows_close(s->rows);
    mem_free(s->series);
    mem_free(s->points);
    mem_free(s);
}

static void add_series(struct synthetic_sweep *s, int64_t series)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->series[i] == series) return; /* two names of one variable */
    s->series[s->count++] = series;
}

static enum err open_rows(struct synthetic_sweep *s, int64_t from_ns)
{
    struct synthetic_group *g = s->g;
    size_t room = g->input_count + g->member_count + 1;
    s->series = mem_array(room, sizeof *s->series);
    s->points = mem_array(room, sizeof *s->points);
    if (!s->series || !s->points) return ERR_NOMEM;
    for (size_t i = 0; i < g->input_count; i++)
        if (g->inputs[i].series && !g->inputs[i].computed) add_series(s, g->inputs[i].series);
    s->input_count = s->count;
    for (size_t i = 0; i < g->member_count; i++) add_series(s, g->members[i].series);
    const struct rows_spec spec = {.org = g->device->org,
                                   .device = g->device->id,
                                   .series = s->series,
                                   .n = s->count,
                                   .from_ns = from_ns,
                                   .to_ns = clock_add(s->to_ns, 1)};
    return rows_open(&s->rows, g->parts.telemetry, &spec);
}

enum err synthetic_sweep_begin(struct synthetic_sweep **ret, struct synthetic_group *g,
                               int64_t from_ns, int64_t to_ns, bool goes_on)
{
    struct synthetic_sweep *s = mem_zalloc(sizeof *s);
    if (!s) return ERR_NOMEM;
    s->g = g;
    s->to_ns = to_ns;
    enum err e = goes_on && !g->fresh ? ERR_OK : synthetic_group_seek(g, from_ns);
    if (!e) e = open_rows(s, from_ns);
    if (e)
        synthetic_sweep_free(s);
    else
        *ret = s;
    return e;
}

/* Passes on what the store does not have yet. */
static enum err compare(void *ctx, struct synthetic_group *g, int64_t ts_ns, int64_t series,
                        double value)
{
    struct synthetic_sweep *s = ctx;
    for (size_t i = s->input_count; i < s->count; i++)
        if (s->series[i] == series && s->row[i] == value) return ERR_OK;
    return s->emit->point(s->emit->ctx, g, ts_ns, series, value);
}

enum err synthetic_sweep_step(struct synthetic_sweep *s, size_t rows,
                              const struct synthetic_emit *emit)
{
    const struct synthetic_emit comparing = {s, compare};
    s->emit = emit;
    while (rows--) {
        int64_t ts_ns;
        size_t n = 0;
        enum err e = rows_next(s->rows, &ts_ns, &s->row);
        if (e == ERR_END && s->g->position_ns < s->to_ns) s->g->position_ns = s->to_ns;
        if (e) return e;
        for (size_t i = 0; i < s->input_count; i++)
            if (!isnan(s->row[i])) s->points[n++] = (struct point){s->series[i], s->row[i]};
        if (!n) continue; /* only results */
        e = synthetic_group_apply(s->g, ts_ns, s->points, n, &comparing);
        if (e) return e;
    }
    return ERR_OK;
}
