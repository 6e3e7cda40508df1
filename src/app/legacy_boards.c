/* Rules, dashboards and what hangs on them (see legacy.h). Rules keep their uuid, dashboards and
 * widgets their numbers. */
#include "app/legacy.h"
#include "codec/raw_batch.h"
#include "model/dashboard.h"
#include "model/device.h"
#include "model/rule.h"
#include "query/aggregate.h"
#include "rules/event_time.h"
#include "rules/rule_state.h"
#include "store/catalog_dashboards.h"
#include "store/catalog_rules.h"
#include "store/catalog_widgets.h"

#include <math.h>

#define RULE_COOLDOWN_NS (5 * NS_PER_MINUTE) /* the platform's */

/* --- rules ------------------------------------------------------------------------------------ */

static const struct legacy_field rule_fields[] = {
    {"id", "id::text"},
    {"device_id", "device_id::text"},
    {"organization_id", "organization_id::bigint"},
    {"name", "name::text"},
    {"description", "description::text"},
    {"variable", "variable::text"},
    {"operator", "upper(operator)::text"},
    {"threshold", "threshold::float8"},
    {"enabled", "enabled"},
    {"created_at", LEGACY_TIME("created_at")},
    {"updated_at", LEGACY_TIME("updated_at")},
};

static const char *why_no_rule(const struct rule *rule, const struct legacy_device *d,
                               struct bytes uuid, struct bytes op)
{
    struct uuid id;
    enum rule_operator any;
    if (!d) return "of a device that was left out";
    if (d->org != rule->org) return "its device belongs to another organisation";
    if (!uuid_parse(uuid, &id)) return "its id is no UUID";
    if (!rule_operator_parse(op, &any)) return "an operator that is not known";
    if (!isfinite(rule->threshold)) return "without a threshold that is a number";
    return raw_batch_name_error(rule->variable);
}

/* A rule begins now: it says nothing about what was stored before. */
static enum err write_rule(struct legacy *l, struct rule *rule)
{
    const struct event_time t = event_time_after(l->now_ns, l->now_ns);
    const struct rule_progress p = {.since_ns = RULE_STATE_NEVER,
                                    .raised_ns = RULE_STATE_NEVER,
                                    .position_ns = t.position_ns,
                                    .ahead_from_ns = t.ahead_from_ns,
                                    .ahead_to_ns = t.ahead_to_ns};
    return l->tx ? catalog_rules_insert(l->tx, rule, &p) : ERR_OK;
}

static enum err take_rule(void *ctx, struct catalog_reader *r)
{
    struct legacy *l = ctx;
    struct bytes uuid = catalog_rows_text(r), device = catalog_rows_text(r);
    struct rule rule = {.org = catalog_rows_int(r), .cooldown_ns = RULE_COOLDOWN_NS};
    rule.name = bytes_trim(catalog_rows_text(r));
    rule.description = catalog_rows_text(r);
    rule.variable = catalog_rows_text(r);
    struct bytes op = catalog_rows_text(r);
    rule.threshold = catalog_rows_real(r);
    rule.enabled = catalog_rows_int(r) != 0;
    rule.created_ns = catalog_rows_int(r);
    rule.updated_ns = catalog_rows_int(r);
    const struct legacy_device *d = legacy_find_device(l, device);
    const char *no = why_no_rule(&rule, d, uuid, op);
    l->report.found[LEGACY_RULES]++;
    if (no) {
        legacy_report_left(&l->report, LEGACY_RULES, no, rule.name);
        return ERR_OK;
    }
    bug_if(!uuid_parse(uuid, &rule.uuid) || !rule_operator_parse(op, &rule.op));
    rule.device = d->id;
    if (!rule.name.n) rule.name = rule.variable;
    rule.name = legacy_text(l, rule.name, RULE_NAME_MAX, LEGACY_RULES, "the name was shortened");
    rule.description = legacy_text(l, rule.description, RULE_DESCRIPTION_MAX, LEGACY_RULES,
                                   "the description was shortened");
    enum err e = write_rule(l, &rule);
    const struct legacy_rule kept = {rule.uuid, rule.id, rule.org, d, rule.name, rule.variable};
    if (!e) e = legacy_keep_rule(l, &kept);
    l->report.taken[LEGACY_RULES] += !e;
    return e;
}

/* --- dashboards ------------------------------------------------------------------------------- */

static const struct legacy_field dashboard_fields[] = {
    {"id", "id::bigint"},
    {"organization_id", "organization_id::bigint"},
    {"name", "name::text"},
    {"description", "description::text"},
    {"is_default", "coalesce(is_default, false)"},
    {"default_device_id", "default_device_id::text"},
    {"layout_config",
     "CASE jsonb_typeof(layout_config) WHEN 'object' THEN layout_config::text END"},
    {"created_at", LEGACY_TIME("created_at")},
    {"updated_at", LEGACY_TIME("updated_at")},
};

struct known_dashboard {
    uint64_t id; /* key */
    int64_t org;
};

/* Widgets name a device by its external id; some by its uuid. */
static struct bytes device_name(struct legacy *l, struct bytes name)
{
    const struct legacy_device *d = name.p ? legacy_find_device(l, name) : NULL;
    if (d) return d->external_id;
    return name.n && name.n <= DEVICE_EXTERNAL_ID_MAX ? name : bytes_of(NULL, 0);
}

static struct bytes json_of(struct legacy *l, struct bytes json, size_t max, enum legacy_kind kind)
{
    if (json.n && json.n <= max) return json;
    if (json.n)
        legacy_report_changed(&l->report, kind, "its settings were larger than the limit: dropped",
                              bytes_of(json.p, 20));
    return BYTES("{}");
}

static enum err write_dashboard(struct legacy *l, struct dashboard *d, int64_t id)
{
    if (!l->tx) return ERR_OK;
    enum err e = legacy_next_id(l, "dashboards", id);
    return e ? e : catalog_dashboards_insert(l->tx, d);
}

static enum err take_dashboard(void *ctx, struct catalog_reader *r)
{
    struct legacy *l = ctx;
    int64_t id = catalog_rows_int(r);
    struct dashboard d = {.org = catalog_rows_int(r), .name = bytes_trim(catalog_rows_text(r))};
    d.description = catalog_rows_text(r);
    d.is_default = catalog_rows_int(r) != 0;
    d.default_device = device_name(l, catalog_rows_text(r));
    d.layout = json_of(l, catalog_rows_text(r), DASHBOARD_LAYOUT_BYTES, LEGACY_DASHBOARDS);
    d.created_ns = catalog_rows_int(r);
    d.updated_ns = catalog_rows_int(r);
    d.version = 1;
    struct legacy_org *org = legacy_find_org(l, d.org);
    l->report.found[LEGACY_DASHBOARDS]++;
    if (!org) {
        legacy_report_left(&l->report, LEGACY_DASHBOARDS, "of an organisation that was left out",
                           d.name);
        return ERR_OK;
    }
    if (!d.name.n) d.name = BYTES("Dashboard");
    d.name =
        legacy_text(l, d.name, DASHBOARD_NAME_MAX, LEGACY_DASHBOARDS, "the name was shortened");
    d.description = legacy_text(l, d.description, DASHBOARD_DESCRIPTION_MAX, LEGACY_DASHBOARDS,
                                "the description was shortened");
    if (d.is_default && org->has_default)
        legacy_report_changed(&l->report, LEGACY_DASHBOARDS,
                              "its organisation has a default one already", d.name);
    d.is_default = d.is_default && !org->has_default;
    org->has_default = org->has_default || d.is_default;
    struct known_dashboard *kept = arena_alloc(&l->arena, sizeof *kept);
    if (!kept) return ERR_NOMEM;
    *kept = (struct known_dashboard){(uint64_t)id, d.org};
    enum err e = map_put(&l->dashboards, map_u64(&kept->id), kept);
    if (!e) e = write_dashboard(l, &d, id);
    l->report.taken[LEGACY_DASHBOARDS] += !e;
    return e;
}

/* --- widgets ---------------------------------------------------------------------------------- */

static const struct legacy_field widget_fields[] = {
    {"id", "id::bigint"},
    {"dashboard_id", "dashboard_id::bigint"},
    {"name", "name::text"},
    {"type", "upper(type)::text"},
    {"position_x", "position_x::bigint"},
    {"position_y", "position_y::bigint"},
    {"width", "width::bigint"},
    {"height", "height::bigint"},
    {"device_id", "device_id::text"},
    {"second_device_id", "second_device_id::text"},
    {"variable_name", "variable_name::text"},
    {"second_variable_name", "second_variable_name::text"},
    {"device_label", "device_label::text"},
    {"second_device_label", "second_device_label::text"},
    {"aggregation", "upper(aggregation)::text"},
    {"time_range_minutes", "time_range_minutes::bigint"},
    {"config", "CASE jsonb_typeof(config) WHEN 'object' THEN config::text END"},
    {"created_at", LEGACY_TIME("created_at")},
    {"updated_at", LEGACY_TIME("updated_at")},
};

static int64_t between(int64_t v, int64_t least, int64_t most)
{
    return v < least ? least : v > most ? most : v;
}

static struct bytes short_text(struct legacy *l, struct catalog_reader *r, size_t max)
{
    return legacy_text(l, catalog_rows_text(r), max, LEGACY_WIDGETS, "a text was shortened");
}

static void read_widget(struct legacy *l, struct catalog_reader *r, struct widget *w)
{
    enum aggregation any;
    w->x = between(catalog_rows_int(r), 0, DASHBOARD_PLACE_MAX);
    w->y = between(catalog_rows_int(r), 0, DASHBOARD_PLACE_MAX);
    w->width = between(catalog_rows_int(r), 1, DASHBOARD_EXTENT_MAX);
    w->height = between(catalog_rows_int(r), 1, DASHBOARD_EXTENT_MAX);
    w->device = device_name(l, catalog_rows_text(r));
    w->second_device = device_name(l, catalog_rows_text(r));
    w->variable = short_text(l, r, DASHBOARD_VARIABLE_MAX);
    w->second_variable = short_text(l, r, DASHBOARD_VARIABLE_MAX);
    w->label = short_text(l, r, DASHBOARD_NAME_MAX);
    w->second_label = short_text(l, r, DASHBOARD_NAME_MAX);
    w->aggregation = catalog_rows_text(r);
    if (!w->aggregation.n || !aggregation_parse(w->aggregation, &any))
        w->aggregation = BYTES("NONE");
    w->minutes = between(catalog_rows_int(r), 0, DASHBOARD_MINUTES_MAX);
    w->config = json_of(l, catalog_rows_text(r), DASHBOARD_CONFIG_BYTES, LEGACY_WIDGETS);
    w->created_ns = catalog_rows_int(r);
    w->updated_ns = catalog_rows_int(r);
}

static enum err write_widget(struct legacy *l, struct widget *w, int64_t id)
{
    if (!l->tx) return ERR_OK;
    enum err e = legacy_next_id(l, "widgets", id);
    return e ? e : catalog_widgets_insert(l->tx, w);
}

static enum err take_widget(void *ctx, struct catalog_reader *r)
{
    struct legacy *l = ctx;
    int64_t id = catalog_rows_int(r);
    struct widget w = {.dashboard = catalog_rows_int(r), .version = 1};
    uint64_t key = (uint64_t)w.dashboard;
    const struct known_dashboard *board = map_get(&l->dashboards, map_u64(&key));
    w.name = bytes_trim(catalog_rows_text(r));
    struct bytes type = catalog_rows_text(r);
    const char *no = NULL;
    l->report.found[LEGACY_WIDGETS]++;
    if (!board) no = "of a dashboard that was left out";
    if (board && !dashboard_parse_type(type, &w.type)) no = "a type that is not known";
    if (no) {
        legacy_report_left(&l->report, LEGACY_WIDGETS, no, w.name);
        return ERR_OK;
    }
    w.org = board->org;
    if (!w.name.n) w.name = BYTES("Widget");
    w.name = legacy_text(l, w.name, DASHBOARD_NAME_MAX, LEGACY_WIDGETS, "a text was shortened");
    read_widget(l, r, &w);
    enum err e = write_widget(l, &w, id);
    l->report.taken[LEGACY_WIDGETS] += !e;
    return e;
}

enum err legacy_boards_take(struct legacy *l)
{
    struct legacy_source *s = &l->source;
    enum err e =
        legacy_source_each(s, "rules", rule_fields, sizeof rule_fields / sizeof *rule_fields,
                           "ORDER BY created_at, id", take_rule, l);
    if (!e)
        e = legacy_source_each(s, "dashboards", dashboard_fields,
                               sizeof dashboard_fields / sizeof *dashboard_fields, "ORDER BY id",
                               take_dashboard, l);
    if (!e)
        e = legacy_source_each(s, "widgets", widget_fields,
                               sizeof widget_fields / sizeof *widget_fields, "ORDER BY id",
                               take_widget, l);
    return e;
}
