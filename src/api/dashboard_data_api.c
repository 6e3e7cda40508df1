/* POST …/data: what a dashboard's widgets show, in one answer, for its owners and for visitors. */
#include "api/app.h"
#include "api/deadline.h"
#include "api/handlers_dashboards.h"
#include "api/service_call.h"
#include "api/widget_data.h"
#include "codec/json_write.h"
#include "service/dashboard_service.h"

enum { POINTS_MIN = 4 };

static void read_points(struct api_fields *f, struct widget_plan_window *w)
{
    double v = WIDGET_DATA_POINTS_UNASKED;
    api_field_number(f, "maxPoints", &v);
    if (v < POINTS_MIN || v > WIDGET_DATA_LINE_POINTS || v != (double)(size_t)v)
        api_field_error(f, "maxPoints", "must be a whole number from 4 to 20000");
    else
        w->max_points = (size_t)v;
}

/* A visitor sees what the widgets show, and they say how far back that is. */
static void read_range(struct api_fields *f, bool visitor, struct widget_plan_window *w)
{
    static const char *const names[] = {"from", "to"};
    int64_t *times[] = {&w->from_ns, &w->to_ns};
    bool *said[] = {&w->from_said, &w->to_said};
    for (int i = 0; i < 2; i++) {
        *said[i] = service_call_field_time(f, names[i], times[i]);
        if (*said[i] && visitor)
            api_field_error(f, names[i], "is the owners' to choose; a link shows the widgets' own");
    }
    if (w->from_said && w->from_ns >= (w->to_said ? w->to_ns : w->now_ns))
        api_field_error(f, "from", "must be earlier than to");
}

/* The body may be missing. False: answered. */
static bool read_window(struct api_call *c, bool visitor, struct widget_plan_window *ret)
{
    struct cJSON *json;
    struct api_fields f;
    *ret = (struct widget_plan_window){.now_ns = clock_wall_ns(c->app->clock),
                                       .max_points = WIDGET_DATA_POINTS_UNASKED};
    if (!c->request_body.n) return true;
    if (!api_json(c, &json)) return false;
    api_fields_open(&f, c, json);
    read_points(&f, ret);
    read_range(&f, visitor, ret);
    return api_fields_close(&f);
}

static void answer_data(struct api_call *c, const struct dashboard *d, bool visitor,
                        const struct widget_plan_window *window)
{
    const struct widget_data_request request = {d, *window, visitor};
    size_t fitting = widget_data_fitting(d);
    if (window->max_points > fitting) {
        api_problem(c, 422,
                    "At most %d points are given in one answer; for %zu widgets maxPoints=%zu "
                    "fits.",
                    WIDGET_DATA_POINTS, d->widget_count, fitting);
        return;
    }
    json_write_open(c->body, '{');
    if (!visitor) json_write_member_i64(c->body, "dashboardId", d->id);
    json_write_member_time(c->body, "timestamp", window->now_ns);
    json_write_key(c->body, "widgets");
    enum err e = widget_data_write(c, &request);
    json_write_close(c->body, '}');
    if (e)
        deadline_fail(c, e, NULL);
    else
        api_ok(c, 200);
}

void dashboard_data_api_own(struct api_call *c)
{
    int64_t id;
    struct dashboard d;
    struct widget_plan_window window;
    struct refusal refusal = {.fields = 0};
    if (!read_window(c, false, &window)) return;
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id))
        e = dashboard_service_find(c->app->dashboards, c->who.org, id, c->arena, &d);
    if (e)
        service_call_refuse(c, NULL, e, &refusal, "dashboard");
    else
        answer_data(c, &d, false, &window);
}

void dashboard_data_api_shared(struct api_call *c)
{
    struct dashboard d;
    struct dashboard_share share;
    struct widget_plan_window window;
    if (!shares_api_read(c, &d, &share)) return;
    if (read_window(c, true, &window)) answer_data(c, &d, true, &window);
}
