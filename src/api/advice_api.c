/* /api/v1/pilot/performance/recommendations: what should be done, and doing it. */
#include "api/app.h"
#include "api/handlers_performance.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "pilot/advice.h"
#include "pilot/performance.h"

#include <math.h>

static bool is_on(struct api_call *c)
{
    if (atomic_load(&c->app->performance->enabled)) return true;
    api_problem(c, 404, "The performance layer is switched off (pilot.performance.enabled).");
    return false;
}

static void write_change(struct buf *b, const struct advice_item *item)
{
    const struct recommendation *r = &item->recommendation;
    if (!r->key) return;
    json_write_key(b, "apply");
    json_write_open(b, '{');
    json_write_member_text(b, "key", r->key);
    json_write_member_str(b, "value", r->value);
    json_write_member_bool(b, "needsRestart", !item->live);
    json_write_member_bool(b, "applied", item->applied);
    json_write_close(b, '}');
}

static void write_item(struct buf *b, const struct advice_item *item)
{
    const struct recommendation *r = &item->recommendation;
    json_write_open(b, '{');
    json_write_member_str(b, "id", r->id);
    json_write_member_text(b, "category", r->category);
    json_write_member_text(b, "priority", recommend_priority_name(r->priority));
    json_write_member_str(b, "title", r->title);
    json_write_member_str(b, "description", r->description);
    json_write_member_str(b, "impact", r->impact);
    json_write_member_text(b, "effort", r->effort);
    json_write_key(b, "evidence");
    json_write_open(b, '{');
    for (size_t i = 0; i < r->evidence_count; i++)
        if (isfinite(r->evidence[i].value))
            json_write_member_number(b, r->evidence[i].name, r->evidence[i].value);
    json_write_close(b, '}');
    if (isfinite(r->gain)) {
        json_write_key(b, "gain");
        json_write_open(b, '{');
        json_write_member_number(b, "value", r->gain);
        json_write_member_text(b, "unit", r->gain_unit);
        json_write_close(b, '}');
    }
    write_change(b, item);
    json_write_close(b, '}');
}

static const char *status_of(int score)
{
    return score >= 90 ? "excellent" : score >= 70 ? "good" : score >= 50 ? "fair" : "poor";
}

/* GET …/recommendations */
void advice_api_list(struct api_call *c)
{
    struct advice_report report;
    struct buf *b = c->body;
    if (!is_on(c)) return;
    enum err e = advice_list(c->app->advice, c->arena, &report);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    json_write_open(b, '{');
    json_write_key(b, "recommendations");
    json_write_open(b, '[');
    for (size_t i = 0; i < report.n; i++) write_item(b, &report.items[i]);
    json_write_close(b, ']');
    json_write_member_i64(b, "overallScore", report.score);
    json_write_member_text(b, "status", status_of(report.score));
    json_write_member_number(b, "windowSeconds",
                             isfinite(report.evidence.window_s) ? report.evidence.window_s : 0);
    json_write_member_time(b, "generatedAt", clock_wall_ns(c->app->clock));
    json_write_close(b, '}');
    api_ok(c, 200);
}

/* The answer of apply and undo: what the key is now. */
static void answer_change(struct api_call *c, enum err e, const char *state, struct bytes key,
                          struct bytes value, const struct why *why)
{
    struct buf *b = c->body;
    if (e == ERR_NOTFOUND) {
        api_not_found(c, "recommendation");
        return;
    }
    if (e == ERR_STALE) {
        api_problem(c, 409, "%s", why->text);
        return;
    }
    if (e) {
        api_fail(c, e, why);
        return;
    }
    json_write_open(b, '{');
    json_write_member_str(b, "id", c->params[0]);
    json_write_member_text(b, "status", state);
    json_write_member_str(b, "key", key);
    json_write_member_str(b, "value", value); /* null: as the file, or built in */
    json_write_close(b, '}');
    api_ok(c, 200);
}

/* POST …/recommendations/{id}/apply */
void advice_api_apply(struct api_call *c)
{
    struct recommendation r = {0};
    struct why why = {""};
    const struct actor actor = service_call_actor(c);
    if (!is_on(c)) return;
    enum err e = advice_apply(c->app->advice, c->params[0], &actor, c->arena, &r, &why);
    answer_change(c, e, "applied", bytes_str(r.key), r.value, &why);
}

/* POST …/recommendations/{id}/undo */
void advice_api_undo(struct api_call *c)
{
    struct bytes key = {0}, value = {0};
    struct why why = {""};
    const struct actor actor = service_call_actor(c);
    if (!is_on(c)) return;
    enum err e = advice_undo(c->app->advice, c->params[0], &actor, c->arena, &key, &value, &why);
    answer_change(c, e, "undone", key, value, &why);
}
