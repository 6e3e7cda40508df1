/* Widgets made, found, listed, changed, deleted (see dashboard_widgets.h). */
#include "service/dashboard_widgets.h"

#include "query/aggregate.h"
#include "service/dashboard_state.h"
#include "service/event_types.h"
#include "store/catalog_dashboards.h"
#include "store/catalog_widgets.h"

#include <stdio.h>

enum { WIDTH_UNASKED = 4, HEIGHT_UNASKED = 4 };

static enum err note(struct dashboard_service *s, struct sql_tx *tx, const struct actor *actor,
                     const struct widget *w, const char *type, const char *title)
{
    char id[24];
    const struct event_note n = {.type = type,
                                 .entity_type = "WIDGET",
                                 .entity_id = dashboard_state_id(w->id, id),
                                 .title = title,
                                 .description = w->name,
                                 .org = w->org};
    return dashboard_state_event(s, tx, actor, &n);
}

/* --- what is right ---------------------------------------------------------------------------- */

static void check_range(int64_t v, int64_t low, int64_t high, const char *field,
                        struct refusal *refusal)
{
    char why[64];
    if (v >= low && v <= high) return;
    snprintf(why, sizeof why, "must be a whole number from %lld to %lld", (long long)low,
             (long long)high);
    refusal_field(refusal, field, why);
}

static void check(const struct widget *w, struct refusal *refusal)
{
    if (!bytes_trim(w->name).n) refusal_field(refusal, "name", "is required");
    dashboard_state_text(w->name, DASHBOARD_NAME_MAX, "name", refusal);
    dashboard_state_text(w->variable, DASHBOARD_VARIABLE_MAX, "variableName", refusal);
    dashboard_state_text(w->second_variable, DASHBOARD_VARIABLE_MAX, "secondVariableName", refusal);
    dashboard_state_text(w->label, DASHBOARD_NAME_MAX, "deviceLabel", refusal);
    dashboard_state_text(w->second_label, DASHBOARD_NAME_MAX, "secondDeviceLabel", refusal);
    check_range(w->x, 0, DASHBOARD_PLACE_MAX, "positionX", refusal);
    check_range(w->y, 0, DASHBOARD_PLACE_MAX, "positionY", refusal);
    check_range(w->width, 1, DASHBOARD_EXTENT_MAX, "width", refusal);
    check_range(w->height, 1, DASHBOARD_EXTENT_MAX, "height", refusal);
    if (w->minutes) check_range(w->minutes, 1, DASHBOARD_MINUTES_MAX, "timeRangeMinutes", refusal);
}

static void apply_number(int64_t *to, const struct dashboard_number *n)
{
    if (n->set) *to = n->value;
}

static void apply_aggregation(struct bytes *to, struct bytes said, struct refusal *refusal)
{
    enum aggregation a;
    if (!said.p) return;
    *to = BYTES("NONE");
    if (!said.n || bytes_equal_nocase(said, *to)) return;
    if (aggregation_parse(said, &a))
        *to = bytes_str(aggregation_name(a));
    else
        refusal_field(refusal, "aggregation",
                      "may be NONE, MIN, MAX, AVG, SUM, COUNT, FIRST, LAST, STDDEV, P50, P95 or "
                      "P99");
}

static enum err apply(struct dashboard_service *s, struct widget *w, const struct widget_change *c,
                      struct refusal *refusal)
{
    if (c->name.set) w->name = c->name.value;
    if (c->type_set) w->type = c->type;
    if (c->config.p) w->config = c->config;
    apply_number(&w->x, &c->x);
    apply_number(&w->y, &c->y);
    apply_number(&w->width, &c->width);
    apply_number(&w->height, &c->height);
    apply_number(&w->minutes, &c->minutes);
    apply_aggregation(&w->aggregation, c->aggregation, refusal);
    dashboard_state_apply(&w->variable, &c->variable);
    dashboard_state_apply(&w->second_variable, &c->second_variable);
    dashboard_state_apply(&w->label, &c->label);
    dashboard_state_apply(&w->second_label, &c->second_label);
    check(w, refusal);
    enum err e = refusal_fields(refusal);
    if (!e) e = dashboard_state_device(s, w->org, &c->device, &w->device, refusal);
    if (!e) e = dashboard_state_device(s, w->org, &c->second_device, &w->second_device, refusal);
    return e;
}

/* --- one change ------------------------------------------------------------------------------- */

static enum err find_dashboard(struct sql_tx *tx, int64_t org, int64_t dashboard,
                               struct arena *arena, struct refusal *refusal)
{
    struct dashboard d;
    enum err e = catalog_dashboards_find(tx, org, dashboard, arena, &d);
    if (e == ERR_NOTFOUND) refusal->missing = "dashboard";
    return e;
}

/* Keeps B3 and says it in the audit trail. */
static enum err settle(struct dashboard_service *s, struct sql_tx *tx, const struct actor *actor,
                       const struct widget *w, const char *type, const char *title)
{
    enum err e = catalog_dashboards_touch(tx, w->org, w->dashboard, clock_wall_ns(s->clock));
    return e ? e : note(s, tx, actor, w, type, title);
}

static enum err insert(struct dashboard_service *s, struct sql_tx *tx, const struct actor *actor,
                       struct widget *w, struct refusal *refusal)
{
    int64_t used = 0;
    enum err e = catalog_widgets_count(tx, w->org, w->dashboard, &used);
    if (e) return e;
    if (used >= DASHBOARD_WIDGETS)
        return refusal_limit(refusal, "widgets-per-dashboard", DASHBOARD_WIDGETS, used);
    w->created_ns = w->updated_ns = clock_wall_ns(s->clock);
    e = catalog_widgets_insert(tx, w);
    return e ? e : settle(s, tx, actor, w, EVENT_WIDGET_CREATED, "Widget created");
}

enum err dashboard_widgets_create(struct dashboard_service *s, const struct actor *actor,
                                  int64_t dashboard, const struct widget_change *given,
                                  struct arena *arena, struct widget *ret, struct refusal *refusal)
{
    struct sql_tx *tx;
    struct widget w = {.org = actor->org,
                       .dashboard = dashboard,
                       .width = WIDTH_UNASKED,
                       .height = HEIGHT_UNASKED,
                       .aggregation = BYTES("NONE"),
                       .config = BYTES("{}")};
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = find_dashboard(tx, actor->org, dashboard, arena, refusal);
    if (!e) e = apply(s, &w, given, refusal);
    if (!e) e = insert(s, tx, actor, &w, refusal);
    e = sql_end(tx, e);
    if (!e) *ret = w;
    return e;
}

static enum err update_in(struct dashboard_service *s, struct sql_tx *tx, const struct actor *actor,
                          struct widget *w, const struct widget_change *change,
                          struct refusal *refusal)
{
    enum err e = apply(s, w, change, refusal);
    if (e) return e;
    w->updated_ns = clock_wall_ns(s->clock);
    e = catalog_widgets_update(tx, w);
    return e ? e : settle(s, tx, actor, w, EVENT_WIDGET_UPDATED, "Widget changed");
}

static enum err find_in(struct sql_tx *tx, int64_t org, int64_t dashboard, int64_t id,
                        struct arena *arena, struct widget *ret, struct refusal *refusal)
{
    enum err e = find_dashboard(tx, org, dashboard, arena, refusal);
    return e ? e : catalog_widgets_find(tx, org, dashboard, id, arena, ret);
}

enum err dashboard_widgets_update(struct dashboard_service *s, const struct actor *actor,
                                  int64_t dashboard, int64_t id, const struct if_match *match,
                                  const struct widget_change *change, struct arena *arena,
                                  struct widget *ret, struct refusal *refusal)
{
    struct sql_tx *tx;
    struct widget w;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = find_in(tx, actor->org, dashboard, id, arena, &w, refusal);
    if (!e) e = if_match_check(match, w.version); /* keeps B1 */
    if (!e) e = update_in(s, tx, actor, &w, change, refusal);
    e = sql_end(tx, e);
    if (!e) *ret = w;
    return e;
}

enum err dashboard_widgets_delete(struct dashboard_service *s, const struct actor *actor,
                                  int64_t dashboard, int64_t id, const struct if_match *match,
                                  struct arena *arena, struct refusal *refusal)
{
    struct sql_tx *tx;
    struct widget w;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = find_in(tx, actor->org, dashboard, id, arena, &w, refusal);
    if (!e) e = if_match_check(match, w.version);
    if (!e) e = catalog_widgets_delete(tx, w.org, w.dashboard, w.id);
    if (!e) e = settle(s, tx, actor, &w, EVENT_WIDGET_DELETED, "Widget deleted");
    return sql_end(tx, e);
}

/* --- read ------------------------------------------------------------------------------------- */

enum err dashboard_widgets_list(struct dashboard_service *s, int64_t org, int64_t dashboard,
                                struct arena *arena, struct widget **ret, size_t *ret_n)
{
    struct dashboard d;
    enum err e = dashboard_service_find(s, org, dashboard, arena, &d);
    if (e) return e;
    *ret = d.widgets;
    *ret_n = d.widget_count;
    return ERR_OK;
}

enum err dashboard_widgets_find(struct dashboard_service *s, int64_t org, int64_t dashboard,
                                int64_t id, struct arena *arena, struct widget *ret,
                                struct refusal *refusal)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    struct widget w;
    e = sql_end(tx, find_in(tx, org, dashboard, id, arena, &w, refusal));
    if (!e) *ret = w;
    return e;
}
