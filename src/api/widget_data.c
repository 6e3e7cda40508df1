/* Widgets' data (see widget_data.h): a plan for each, its lines resolved, read once, written. */
#include "api/widget_data.h"

#include "api/deadline.h"
#include "api/series.h"
#include "api/widget_map.h"
#include "codec/json_write.h"
#include "query/thin.h"

#include <math.h>

/* What was read of one series; whoever asks the same again is given it. */
struct ask {
    enum widget_plan_show show; /* TOTAL, SERIES, BUCKETS */
    const struct reg_variable *variable;
    int64_t from_ns, to_ns, interval_ns;
    enum aggregation aggregation;
    struct sample *samples;           /* SERIES */
    struct aggregate_bucket *buckets; /* TOTAL, BUCKETS */
    size_t n;
    enum err err; /* of this series alone */
    struct why why;
};

struct pass {
    struct api_call *c;
    const struct widget_data_request *request;
    int64_t org;
    struct ask *asks; /* WIDGET_DATA_READS of them */
    size_t ask_count;
    struct ask full; /* what the next one is told */
    struct widget_map map;
};

/* --- reading ---------------------------------------------------------------------------------- */

static size_t max_points(const struct pass *p)
{
    return p->request->window.max_points;
}

static enum err read_samples(struct pass *p, struct ask *a)
{
    const struct scan_range range = {
        .org = p->org,
        .device = a->variable->device->id,
        .series = a->variable->id,
        .from_ns = a->from_ns,
        .to_ns = clock_add(a->to_ns, 1), /* the end belongs to it, as in GET /data/query */
    };
    return thin_series(p->c->app->telemetry, &range, max_points(p),
                       deadline_of(p->c, DEADLINE_AGGREGATES), p->c->arena, &a->samples, &a->n);
}

static enum err read_buckets(struct pass *p, struct ask *a)
{
    const struct aggregate_series series = {a->variable->device->id, a->variable->id};
    const struct aggregate_spec spec = {
        .org = p->org,
        .series = &series,
        .series_count = 1,
        .aggregation = a->aggregation,
        .from_ns = a->from_ns,
        .to_ns = a->to_ns,
        .interval_ns = a->interval_ns,
        .max_buckets = atomic_load(&p->c->app->live.max_data_points),
        .limit = deadline_of(p->c, DEADLINE_AGGREGATES),
    };
    return aggregate_run(p->c->app->telemetry, &spec, p->c->arena, &a->buckets, &a->n, &a->why);
}

static bool is_same(const struct ask *a, const struct ask *b)
{
    return a->show == b->show && a->variable == b->variable && a->from_ns == b->from_ns &&
           a->to_ns == b->to_ns && a->interval_ns == b->interval_ns &&
           (a->show == WIDGET_PLAN_SERIES || a->aggregation == b->aggregation);
}

/* Reads it unless that was done for another widget. Only what concerns the whole pass is returned;
 * the rest stands in (*ret)->err. */
static enum err read_ask(struct pass *p, const struct ask *wanted, struct ask **ret)
{
    for (size_t i = 0; i < p->ask_count; i++) {
        if (!is_same(&p->asks[i], wanted)) continue;
        *ret = &p->asks[i];
        return ERR_OK;
    }
    if (p->ask_count == WIDGET_DATA_READS) {
        *ret = &p->full;
        return ERR_OK;
    }
    struct ask *a = &p->asks[p->ask_count];
    *a = *wanted;
    enum err e = a->show == WIDGET_PLAN_SERIES ? read_samples(p, a) : read_buckets(p, a);
    if (e && e != ERR_IMPOSSIBLE) return e;
    a->err = e;
    p->ask_count++;
    *ret = a;
    return ERR_OK;
}

/* --- writing a line --------------------------------------------------------------------------- */

static void write_newest(struct buf *b, const struct sample *s)
{
    bool none = s->ts_ns == INT64_MIN;
    json_write_member_time(b, "timestamp", s->ts_ns);
    json_write_member_number(b, "value", none ? (double)NAN : s->value);
}

static void write_total(struct buf *b, const struct ask *a)
{
    json_write_member_number(b, "value", a->n ? a->buckets[0].value : (double)NAN);
    json_write_member_u64(b, "count", a->n ? a->buckets[0].count : 0);
}

static void write_samples(struct buf *b, const struct sample *samples, size_t n)
{
    json_write_key(b, "timestamps");
    json_write_open(b, '[');
    for (size_t i = 0; i < n; i++) json_write_time(b, samples[i].ts_ns);
    json_write_close(b, ']');
    json_write_key(b, "values");
    json_write_open(b, '[');
    for (size_t i = 0; i < n; i++) json_write_number(b, samples[i].value);
    json_write_close(b, ']');
}

static void write_buckets(struct buf *b, const struct ask *a)
{
    json_write_key(b, "timestamps");
    json_write_open(b, '[');
    for (size_t i = 0; i < a->n; i++) json_write_time(b, a->buckets[i].ts_ns);
    json_write_close(b, ']');
    json_write_key(b, "values");
    json_write_open(b, '[');
    for (size_t i = 0; i < a->n; i++) json_write_number(b, a->buckets[i].value);
    json_write_close(b, ']');
    json_write_key(b, "counts");
    json_write_open(b, '[');
    for (size_t i = 0; i < a->n; i++) json_write_u64(b, a->buckets[i].count);
    json_write_close(b, ']');
}

static void write_error(struct buf *b, enum err e, const struct why *why)
{
    json_write_member_text(b, "error", why->text[0] ? why->text : err_sentence(e));
}

static void write_ask(struct buf *b, const struct ask *a)
{
    if (a->err) {
        write_error(b, a->err, &a->why);
        return;
    }
    json_write_member_null(b, "error");
    if (a->show == WIDGET_PLAN_TOTAL)
        write_total(b, a);
    else if (a->show == WIDGET_PLAN_SERIES)
        write_samples(b, a->samples, a->n);
    else
        write_buckets(b, a);
}

static enum err write_latest(struct pass *p, const struct reg_variable *v)
{
    struct sample newest = {.ts_ns = INT64_MIN};
    enum err e = telemetry_latest(p->c->app->telemetry, p->org, &v->id, 1, &newest);
    if (e) return e;
    json_write_member_null(p->c->body, "error");
    write_newest(p->c->body, &newest);
    return ERR_OK;
}

static struct ask ask_of(const struct widget_plan *plan, const struct reg_variable *v)
{
    return (struct ask){.show = plan->show,
                        .variable = v,
                        .from_ns = plan->from_ns,
                        .to_ns = plan->to_ns,
                        .interval_ns = plan->interval_ns,
                        .aggregation = plan->aggregation};
}

static void open_line(struct pass *p, const struct widget_plan_line *line)
{
    struct buf *b = p->c->body;
    json_write_open(b, '{');
    if (!p->request->visitor) json_write_member_str(b, "deviceId", line->device);
    json_write_member_str(b, "variable", line->variable);
    json_write_member_str(b, "label", line->label);
}

/* NULL: the error is written. */
static const struct reg_variable *find_variable(struct pass *p, const struct widget_plan_line *line)
{
    struct why why;
    struct reg_device *d = registry_find_device(p->c->app->registry, p->org, line->device);
    const struct reg_variable *v = d ? series_variable(p->c->app, d, line->variable) : NULL;
    if (v) return v;
    enum err e =
        d ? why_say(&why, ERR_INVALID, "This device has no variable \"%.*s\".",
                    (int)(line->variable.n < 100 ? line->variable.n : 100), line->variable.p)
          : why_say(&why, ERR_NOTFOUND, "There is no such device.");
    write_error(p->c->body, e, &why);
    return NULL;
}

static enum err write_line(struct pass *p, const struct widget_plan *plan,
                           const struct widget_plan_line *line)
{
    enum err e = ERR_OK;
    open_line(p, line);
    const struct reg_variable *v = find_variable(p, line);
    if (v && plan->show == WIDGET_PLAN_LATEST) {
        e = write_latest(p, v);
    } else if (v) {
        const struct ask wanted = ask_of(plan, v);
        struct ask *a;
        e = read_ask(p, &wanted, &a);
        if (!e) write_ask(p->c->body, a);
    }
    json_write_close(p->c->body, '}');
    return e;
}

/* --- two lines as pairs ----------------------------------------------------------------------- */

/* The values of a series at the times of `at`, NAN where it has none: one scan, side by side. */
static enum err read_at(struct pass *p, const struct reg_variable *v, const struct sample *at,
                        size_t n, struct sample *ret)
{
    if (!n) return ERR_OK;
    const struct scan_range range = {.org = p->org,
                                     .device = v->device->id,
                                     .series = v->id,
                                     .from_ns = at[0].ts_ns,
                                     .to_ns = clock_add(at[n - 1].ts_ns, 1)};
    struct scan_cursor *cursor;
    const struct sample *slice;
    size_t slice_n, k = 0;
    enum err e = telemetry_scan_open(p->c->app->telemetry, &range, &cursor);
    if (e) return e;
    for (size_t i = 0; i < n; i++) ret[i] = (struct sample){at[i].ts_ns, (double)NAN};
    while (!(e = telemetry_scan_next(cursor, &slice, &slice_n)))
        for (size_t i = 0; i < slice_n; i++) {
            while (k < n && ret[k].ts_ns < slice[i].ts_ns) k++;
            if (k < n && ret[k].ts_ns == slice[i].ts_ns) ret[k].value = slice[i].value;
        }
    telemetry_scan_close(cursor);
    return e == ERR_END ? ERR_OK : e;
}

/* Thinned apart from each other two series have few times in common. */
static enum err write_second_of_pair(struct pass *p, const struct widget_plan *plan)
{
    const struct widget_plan_line *first = &plan->lines[0], *second = &plan->lines[1];
    struct app *app = p->c->app;
    struct reg_device *d = registry_find_device(app->registry, p->org, first->device);
    const struct reg_variable *y = d ? series_variable(app, d, first->variable) : NULL;
    if (!y) return write_line(p, plan, second);
    const struct ask wanted = ask_of(plan, y);
    struct ask *a;
    enum err e = read_ask(p, &wanted, &a);
    if (e) return e;
    struct sample *samples = arena_array(p->c->arena, a->n + 1, sizeof *samples);
    if (!samples) return ERR_NOMEM;
    open_line(p, second);
    const struct reg_variable *x = find_variable(p, second);
    if (x) e = read_at(p, x, a->samples, a->n, samples);
    if (x && !e) {
        json_write_member_null(p->c->body, "error");
        write_samples(p->c->body, samples, a->n);
    }
    json_write_close(p->c->body, '}');
    return e;
}

/* --- a widget --------------------------------------------------------------------------------- */

static enum err write_all_variables(struct pass *p, const struct widget_plan *plan)
{
    struct widget_plan_line line = plan->lines[0];
    struct reg_device *d = registry_find_device(p->c->app->registry, p->org, line.device);
    if (!d) return write_line(p, plan, &line); /* which says so */
    struct reg_variable *v = atomic_load_explicit(&d->variables, memory_order_acquire);
    enum err e = ERR_OK;
    for (size_t i = 0; v && !e && i < WIDGET_PLAN_LINES; v = v->next, i++) {
        line.variable = v->name;
        e = write_line(p, plan, &line);
    }
    return e;
}

static enum err write_lines(struct pass *p, const struct widget_plan *plan)
{
    enum err e = ERR_OK;
    json_write_key(p->c->body, "series");
    json_write_open(p->c->body, '[');
    if (plan->all && !plan->error) e = write_all_variables(p, plan);
    for (size_t i = 0; !plan->all && !e && i < plan->n; i++)
        e = plan->paired && i == 1 ? write_second_of_pair(p, plan)
                                   : write_line(p, plan, &plan->lines[i]);
    json_write_close(p->c->body, ']');
    return e;
}

static void write_range(struct buf *b, const struct widget_plan *plan)
{
    if (plan->show == WIDGET_PLAN_TOTAL || plan->show == WIDGET_PLAN_BUCKETS)
        json_write_member_text(b, "aggregation", aggregation_name(plan->aggregation));
    if (plan->show < WIDGET_PLAN_TOTAL || plan->show > WIDGET_PLAN_BUCKETS) return;
    json_write_member_time(b, "from", plan->from_ns);
    json_write_member_time(b, "to", plan->to_ns);
    if (plan->show != WIDGET_PLAN_BUCKETS) return;
    json_write_key(b, "interval");
    buf_printf(b, "\"%llds\"", (long long)(plan->interval_ns / NS_PER_S));
}

static enum err write_positions(struct pass *p, const struct widget_plan *plan)
{
    struct bytes device = plan->n ? plan->lines[0].device : bytes_of(NULL, 0);
    enum err e = widget_map_write(p->c, &p->map, p->org, device, !p->request->visitor);
    if (e == ERR_NOTFOUND) {
        json_write_member_text(p->c->body, "error", "There is no such device.");
        return ERR_OK;
    }
    if (!e) json_write_member_null(p->c->body, "error");
    return e;
}

static enum err write_widget(struct pass *p, const struct widget *w)
{
    struct widget_plan plan;
    struct buf *b = p->c->body;
    enum err e =
        widget_plan_make(p->request->dashboard, w, &p->request->window, p->c->arena, &plan);
    if (e) return e;
    json_write_open(b, '{');
    json_write_member_i64(b, "widgetId", w->id);
    json_write_member_text(b, "type", dashboard_type_name(w->type));
    json_write_member_text(b, "kind", widget_plan_name(plan.show));
    if (plan.show == WIDGET_PLAN_POSITIONS) {
        e = write_positions(p, &plan);
    } else {
        write_range(b, &plan);
        json_write_member_text(b, "error", plan.error);
        e = write_lines(p, &plan);
    }
    json_write_close(b, '}');
    return e;
}

/* --- all of them ------------------------------------------------------------------------------ */

size_t widget_data_fitting(const struct dashboard *d)
{
    size_t lines = d->widget_count * 2; /* a widget has two lines of many points at most */
    size_t each = lines ? WIDGET_DATA_POINTS / lines : WIDGET_DATA_LINE_POINTS;
    return each < WIDGET_DATA_LINE_POINTS ? each : WIDGET_DATA_LINE_POINTS;
}

enum err widget_data_write(struct api_call *c, const struct widget_data_request *r)
{
    struct pass p = {.c = c, .request = r, .org = r->dashboard->org, .full = {.err = ERR_LIMIT}};
    why_say(&p.full.why, ERR_LIMIT,
            "Only %d series are read for one dashboard; this one is past it.", WIDGET_DATA_READS);
    p.asks = arena_array(c->arena, WIDGET_DATA_READS, sizeof *p.asks);
    enum err e = p.asks ? ERR_OK : ERR_NOMEM;
    json_write_open(c->body, '[');
    for (size_t i = 0; !e && i < r->dashboard->widget_count; i++)
        e = write_widget(&p, &r->dashboard->widgets[i]);
    json_write_close(c->body, ']');
    return e;
}
