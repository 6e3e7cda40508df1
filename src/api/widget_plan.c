/* What a widget shows (see widget_plan.h). */
#include "api/widget_plan.h"

#include "base/clock.h"

#include <cjson/cJSON.h>

const char *widget_plan_name(enum widget_plan_show show)
{
    static const char *const names[] = {
        [WIDGET_PLAN_NONE] = "NONE",       [WIDGET_PLAN_LATEST] = "LATEST",
        [WIDGET_PLAN_TOTAL] = "TOTAL",     [WIDGET_PLAN_SERIES] = "SERIES",
        [WIDGET_PLAN_BUCKETS] = "BUCKETS", [WIDGET_PLAN_POSITIONS] = "POSITIONS",
    };
    return names[show];
}

int64_t widget_plan_interval(int64_t span_ns, size_t max_buckets)
{
    static const int64_t seconds[] = {1,   2,   5,    10,   15,   30,    60,    120,   300,
                                      600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        int64_t interval = seconds[i] * NS_PER_S;
        /* one more than the span has: its start is moved down to a multiple of the interval */
        if ((uint64_t)span_ns / (uint64_t)interval + 2 <= max_buckets) return interval;
    }
    int64_t room = max_buckets > 2 ? (int64_t)max_buckets - 2 : 1;
    return (span_ns / NS_PER_DAY / room + 1) * NS_PER_DAY;
}

/* --- when ------------------------------------------------------------------------------------- */

static void plan_range(const struct widget *w, const struct widget_plan_window *window,
                       struct widget_plan *p)
{
    int64_t minutes = w->minutes ? w->minutes : WIDGET_PLAN_MINUTES;
    p->to_ns = window->to_said ? window->to_ns : window->now_ns;
    p->from_ns =
        window->from_said ? window->from_ns : clock_add(p->to_ns, -minutes * NS_PER_MINUTE);
}

/* Buckets of a range that nobody named start on multiples of their interval, so that a chart that
 * is asked for again shows the same buckets and one more. */
static void plan_buckets(const cJSON *config, const struct widget_plan_window *window,
                         struct widget_plan *p)
{
    const cJSON *said = cJSON_GetObjectItemCaseSensitive(config, "interval");
    bool good = cJSON_IsString(said) &&
                aggregate_parse_interval(bytes_str(said->valuestring), &p->interval_ns);
    if (!good || !p->interval_ns) {
        uint64_t span = (uint64_t)p->to_ns - (uint64_t)p->from_ns;
        int64_t span_ns = span > INT64_MAX ? INT64_MAX : (int64_t)span;
        p->interval_ns = widget_plan_interval(span_ns, window->max_points / 4);
    }
    if (window->from_said || p->from_ns < 0) return;
    p->from_ns -= p->from_ns % p->interval_ns;
}

/* --- what ------------------------------------------------------------------------------------- */

static bool is_chart(enum widget_type type)
{
    return type == WIDGET_LINE_CHART || type == WIDGET_AREA_CHART || type == WIDGET_BAR_CHART ||
           type == WIDGET_SCATTER_CHART;
}

static void plan_show(const struct widget *w, struct widget_plan *p)
{
    bool aggregates =
        aggregation_parse(w->aggregation, &p->aggregation) && p->aggregation != AGGREGATION_LAST;
    if (w->type == WIDGET_MAP)
        p->show = WIDGET_PLAN_POSITIONS;
    else if (w->type == WIDGET_CONTROL_BUTTON)
        p->show = w->variable.n ? WIDGET_PLAN_LATEST : WIDGET_PLAN_NONE;
    else if (is_chart(w->type))
        p->show = aggregates ? WIDGET_PLAN_BUCKETS : WIDGET_PLAN_SERIES;
    else
        p->show = aggregates ? WIDGET_PLAN_TOTAL : WIDGET_PLAN_LATEST;
}

static enum err add_line(struct widget_plan *p, struct arena *arena, struct bytes device,
                         struct bytes variable, struct bytes label)
{
    if (!p->lines) p->lines = arena_array(arena, WIDGET_PLAN_LINES, sizeof *p->lines);
    if (!p->lines) return ERR_NOMEM;
    if (p->n < WIDGET_PLAN_LINES)
        p->lines[p->n++] = (struct widget_plan_line){device, variable, label};
    return ERR_OK;
}

/* Tables and pies may list their variables: old clients call that list "fields" and "variables". */
static enum err add_listed(const cJSON *config, const struct widget *w, struct bytes device,
                           struct arena *arena, struct widget_plan *p)
{
    const char *name = w->type == WIDGET_TABLE ? "fields" : "variables";
    const cJSON *item, *list = cJSON_GetObjectItemCaseSensitive(config, name);
    enum err e = ERR_OK;
    if (w->type != WIDGET_TABLE && w->type != WIDGET_PIE_CHART) return ERR_OK;
    cJSON_ArrayForEach(item, list)
    {
        if (e || !cJSON_IsArray(list) || !cJSON_IsString(item)) continue;
        struct bytes copy = arena_copy(arena, bytes_str(item->valuestring));
        e = copy.p ? add_line(p, arena, device, copy, w->label) : ERR_NOMEM;
    }
    return e;
}

static enum err add_second(const cJSON *config, const struct widget *w, struct bytes device,
                           struct arena *arena, struct widget_plan *p)
{
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(config, "xVariable");
    struct bytes variable = w->second_variable;
    p->paired = w->type == WIDGET_SCATTER_CHART && p->show == WIDGET_PLAN_SERIES;
    if (!variable.n && w->type == WIDGET_SCATTER_CHART && cJSON_IsString(x) &&
        strcmp(x->valuestring, "timestamp") != 0) {
        variable = arena_copy(arena, bytes_str(x->valuestring));
        if (!variable.p) return ERR_NOMEM;
    }
    if (!variable.n && !w->second_device.n) return ERR_OK;
    return add_line(p, arena, w->second_device.n ? w->second_device : device,
                    variable.n ? variable : w->variable,
                    w->second_device.n ? w->second_label : w->label);
}

static enum err plan_lines(const struct dashboard *d, const cJSON *config, const struct widget *w,
                           struct arena *arena, struct widget_plan *p)
{
    struct bytes device = w->device.n ? w->device : d->default_device;
    if (p->show == WIDGET_PLAN_NONE) return ERR_OK;
    if (p->show == WIDGET_PLAN_POSITIONS)
        return device.n ? add_line(p, arena, device, bytes_of(NULL, 0), w->label) : ERR_OK;
    if (!device.n) {
        p->error = "This widget names no device.";
        return ERR_OK;
    }
    enum err e = add_listed(config, w, device, arena, p);
    if (e || p->n) return e;
    p->all = !w->variable.n && (w->type == WIDGET_TABLE || w->type == WIDGET_PIE_CHART);
    if (!w->variable.n && !p->all) {
        p->error = "This widget names no variable.";
        return ERR_OK;
    }
    e = add_line(p, arena, device, w->variable, w->label);
    return e || p->all ? e : add_second(config, w, device, arena, p);
}

enum err widget_plan_make(const struct dashboard *d, const struct widget *w,
                          const struct widget_plan_window *window, struct arena *arena,
                          struct widget_plan *ret)
{
    struct widget_plan p = {.show = WIDGET_PLAN_NONE};
    cJSON *config = cJSON_ParseWithLength(w->config.p, w->config.n);
    if (!config) return ERR_NOMEM; /* it was checked when it was stored */
    plan_range(w, window, &p);
    plan_show(w, &p);
    if (p.show == WIDGET_PLAN_BUCKETS) plan_buckets(config, window, &p);
    enum err e = plan_lines(d, config, w, arena, &p);
    cJSON_Delete(config);
    if (!e) *ret = p;
    return e;
}
