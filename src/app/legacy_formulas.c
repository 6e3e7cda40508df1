/* What is computed: global rules, which are fleet rules here, and synthetic variables (see
 * legacy.h). Both keep their uuid and begin now. */
#include "app/legacy.h"
#include "codec/raw_batch.h"
#include "model/fleet_rule.h"
#include "model/synthetic.h"
#include "model/variable.h"
#include "query/aggregate.h"
#include "rules/synthetic_order.h"
#include "service/fleet_rule_service.h"
#include "store/catalog_fleet_rules.h"
#include "store/catalog_synthetics.h"
#include "store/catalog_variables.h"

#include <math.h>

enum { UNIT_CHARS = 32 };

/* --- global rules ----------------------------------------------------------------------------- */

static const struct legacy_field fleet_fields[] = {
    {"id", "id::text"},
    {"organization_id", "organization_id::bigint"},
    {"name", "name::text"},
    {"description", "description::text"},
    {"selector_type", "upper(selector_type)::text"},
    {"selector_value", "selector_value::text"},
    {"aggregation_function", "aggregation_function::text"},
    {"aggregation_variable", "aggregation_variable::text"},
    {"operator", "upper(operator)::text"},
    {"threshold", "threshold::float8"},
    {"enabled", "enabled"},
    {"evaluation_interval", "evaluation_interval::text"},
    {"cooldown_minutes", "cooldown_minutes::bigint"},
    {"last_triggered_at", LEGACY_TIME("last_triggered_at")},
    {"created_at", LEGACY_TIME("created_at")},
    {"updated_at", LEGACY_TIME("updated_at")},
    {"send_sms", "send_sms"},
};

/* A rule as its row says it; what is not parsed yet stands beside it. */
struct fleet_row {
    struct fleet_rule rule;
    struct bytes uuid, selector, function, op, interval;
    bool sms;
};

static void read_fleet(struct catalog_reader *r, struct fleet_row *row)
{
    struct fleet_rule *f = &row->rule;
    row->uuid = catalog_rows_text(r);
    f->org = catalog_rows_int(r);
    f->name = bytes_trim(catalog_rows_text(r));
    f->description = catalog_rows_text(r);
    row->selector = catalog_rows_text(r);
    f->selector_value = bytes_trim(catalog_rows_text(r));
    row->function = catalog_rows_text(r);
    f->variable = catalog_rows_text(r);
    row->op = catalog_rows_text(r);
    f->threshold = catalog_rows_real(r);
    f->enabled = catalog_rows_int(r) != 0;
    row->interval = bytes_trim(catalog_rows_text(r));
    f->cooldown_ns = catalog_rows_int(r) * NS_PER_MINUTE;
    f->triggered_ns = catalog_rows_int(r);
    f->created_ns = catalog_rows_int(r);
    f->updated_ns = catalog_rows_int(r);
    row->sms = catalog_rows_int(r) != 0;
}

/* Fills in what has names of its own here; else says why there is no such rule. */
static const char *settle_fleet(struct legacy *l, struct fleet_row *row)
{
    struct fleet_rule *f = &row->rule;
    if (!legacy_find_org(l, f->org)) return "of an organisation that was left out";
    if (!uuid_parse(row->uuid, &f->uuid)) return "its id is no UUID";
    if (!fleet_rule_parse_selector(row->selector, &f->selector))
        return "it selects devices in a way that is not here";
    if (!fleet_rule_parse_function(row->function, &f->function))
        return "a function that is not here";
    if (!rule_operator_parse(row->op, &f->op)) return "an operator that is not known";
    if (!isfinite(f->threshold)) return "without a threshold that is a number";
    if (!fleet_rule_needs_variable(f->function)) f->variable = bytes_of(NULL, 0);
    return fleet_rule_needs_variable(f->function) ? raw_batch_name_error(f->variable) : NULL;
}

/* A tag goes by its name, a group by the number it has here. */
static const char *settle_label(struct legacy *l, struct fleet_rule *f, enum err *e)
{
    int64_t id = 0;
    if (f->selector == FLEET_ORGANIZATION) {
        f->selector_value = bytes_of(NULL, 0);
        return NULL;
    }
    enum label_kind kind = f->selector == FLEET_TAG ? LABEL_TAG : LABEL_GROUP;
    if (!legacy_find_label(l, kind, f->org, f->selector_value, &id))
        return "its tag or group is not there";
    if (kind == LABEL_TAG) return NULL;
    const char *text = arena_printf(&l->arena, "%lld", (long long)id);
    if (!text) *e = ERR_NOMEM;
    f->selector_value = bytes_str(text);
    return NULL;
}

static int64_t within(int64_t v, int64_t least, int64_t most)
{
    return v < least ? least : v > most ? most : v;
}

static void settle_times(struct legacy *l, struct fleet_row *row)
{
    struct fleet_rule *f = &row->rule;
    bool read = aggregate_parse_interval(row->interval, &f->interval_ns) && f->interval_ns;
    if (!read) f->interval_ns = 5 * NS_PER_MINUTE; /* the platform's own */
    int64_t given = f->interval_ns;
    f->interval_ns = within(given, FLEET_INTERVAL_MIN_NS, FLEET_INTERVAL_MAX_NS);
    if (!read || given != f->interval_ns)
        legacy_report_changed(&l->report, LEGACY_FLEET_RULES,
                              "its interval is another one: 10 s to a day, else 5 min", f->name);
    f->cooldown_ns = within(f->cooldown_ns, 0, FLEET_COOLDOWN_MAX_NS);
    if (row->sms)
        legacy_report_changed(&l->report, LEGACY_FLEET_RULES,
                              "it told by text message: use a webhook or mail", f->name);
}

static enum err take_fleet(void *ctx, struct catalog_reader *r)
{
    struct legacy *l = ctx;
    struct fleet_row row = {.sms = false};
    struct fleet_rule *f = &row.rule;
    enum err e = ERR_OK;
    read_fleet(r, &row);
    const char *no = settle_fleet(l, &row);
    if (!no) no = settle_label(l, f, &e);
    l->report.found[LEGACY_FLEET_RULES]++;
    if (e) return e;
    if (no) {
        legacy_report_left(&l->report, LEGACY_FLEET_RULES, no, f->name);
        return ERR_OK;
    }
    settle_times(l, &row);
    if (!f->name.n) f->name = row.function;
    f->name = legacy_text(l, f->name, RULE_NAME_MAX, LEGACY_FLEET_RULES, "the name was shortened");
    f->description = legacy_text(l, f->description, RULE_DESCRIPTION_MAX, LEGACY_FLEET_RULES,
                                 "the description was shortened");
    if (l->tx) e = catalog_fleet_rules_insert(l->tx, f);
    const struct legacy_rule kept = {f->uuid, f->id, f->org, NULL, f->name, f->variable};
    if (!e) e = legacy_keep_rule(l, &kept);
    l->report.taken[LEGACY_FLEET_RULES] += !e;
    return e;
}

/* --- synthetic variables ---------------------------------------------------------------------- */

static const struct legacy_field synthetic_fields[] = {
    {"id", "id::text"},
    {"device_id", "device_id::text"},
    {"organization_id", "organization_id::bigint"},
    {"name", "name::text"},
    {"description", "description::text"},
    {"expression", "expression::text"},
    {"unit", "unit::text"},
    {"enabled", "enabled"},
    {"created_at", LEGACY_TIME("created_at")},
    {"updated_at", LEGACY_TIME("updated_at")},
};

/* Can it be computed behind those that the device has already? */
static enum err check_order(struct legacy *l, const struct legacy_device *d,
                            const struct synthetic *y, const struct expression *x, bool *ret_good)
{
    struct synthetic_node nodes[SYNTHETICS_PER_DEVICE];
    struct expression *others[SYNTHETICS_PER_DEVICE];
    size_t order[SYNTHETICS_PER_DEVICE], n = 0;
    struct expression_error error;
    enum err e = ERR_OK;
    nodes[n++] = (struct synthetic_node){y->name, x};
    for (const struct legacy_formula *f = d->formulas; f && !e; f = f->next) {
        if (n == SYNTHETICS_PER_DEVICE) break;
        e = expression_compile(&others[n], f->expression, &error);
        if (e) break;
        nodes[n] = (struct synthetic_node){f->name, others[n]};
        n++;
    }
    if (!e) e = synthetic_order_find(nodes, n, order, &l->why);
    l->why.text[0] = 0;
    *ret_good = !e;
    while (n-- > 1) expression_free(others[n]);
    return e == ERR_IMPOSSIBLE ? ERR_OK : e;
}

/* NULL: it can be had here. */
static enum err judge(struct legacy *l, const struct legacy_device *d, const struct synthetic *y,
                      const char **ret_no)
{
    struct expression *x = NULL;
    struct expression_error error;
    size_t n = 0;
    bool good = false;
    for (const struct legacy_formula *f = d->formulas; f; f = f->next) {
        if (bytes_equal(f->name, y->name)) *ret_no = "its device has another one of that name";
        n++;
    }
    if (n + 1 >= SYNTHETICS_PER_DEVICE) *ret_no = "its device has 49 already";
    if (*ret_no) return ERR_OK;
    enum err e = expression_compile(&x, y->expression, &error);
    if (e == ERR_INVALID) {
        *ret_no = "its expression is not understood";
        return ERR_OK;
    }
    if (!e && !expression_name_count(x))
        *ret_no = "it uses no variable: nothing would make it be computed";
    else if (!e)
        e = check_order(l, d, y, x, &good);
    if (!e && !*ret_no && !good) *ret_no = "it would be computed from itself";
    expression_free(x);
    return e;
}

static const char *why_no_synthetic(const struct synthetic *y, const struct legacy_device *d,
                                    int64_t org, struct bytes uuid)
{
    struct uuid any;
    if (!d) return "of a device that was left out";
    if (d->org != org) return "its device belongs to another organisation";
    if (!uuid_parse(uuid, &any)) return "its id is no UUID";
    return raw_batch_name_error(y->name);
}

/* The variable of its results; one that the device sends itself is none: ERR_EXISTS. */
static enum err find_series(struct legacy *l, struct synthetic *y)
{
    struct variable v = {.org = y->org,
                         .device = y->device,
                         .name = y->name,
                         .description = y->description,
                         .unit = y->unit,
                         .data_type = BYTES("NUMBER"),
                         .data_source = BYTES("SYNTHETIC"),
                         .min_value = (double)NAN,
                         .max_value = (double)NAN,
                         .decimal_places = -1,
                         .created_ns = y->created_ns,
                         .updated_ns = y->updated_ns};
    struct variable known;
    enum err e = catalog_variables_find_name(l->tx, y->org, y->device, y->name, &l->arena, &known);
    if (!e && !bytes_is(known.data_source, "SYNTHETIC")) return ERR_EXISTS;
    if (!e) y->series = known.id;
    if (e != ERR_NOTFOUND) return e;
    e = catalog_variables_insert(l->tx, &v);
    y->series = v.id;
    return e;
}

/* It begins now: what was stored before is not computed anew (POST …/backfill does). */
static enum err write_synthetic(struct legacy *l, struct synthetic *y)
{
    if (!l->tx) return ERR_OK;
    enum err e = find_series(l, y);
    if (!e) e = catalog_synthetics_insert(l->tx, y);
    return e ? e : catalog_synthetics_set_position(l->tx, y->org, y->device, l->now_ns);
}

static enum err keep_formula(struct legacy *l, struct legacy_device *d, const struct synthetic *y)
{
    struct legacy_formula *f = arena_alloc(&l->arena, sizeof *f);
    if (!f) return ERR_NOMEM;
    *f = (struct legacy_formula){arena_copy(&l->arena, y->name),
                                 arena_copy(&l->arena, y->expression), d->formulas};
    if (!f->name.p || !f->expression.p) return ERR_NOMEM;
    d->formulas = f;
    return ERR_OK;
}

static enum err take_synthetic(void *ctx, struct catalog_reader *r)
{
    struct legacy *l = ctx;
    struct bytes uuid = catalog_rows_text(r);
    struct legacy_device *d = legacy_find_device(l, catalog_rows_text(r));
    struct synthetic y = {.org = catalog_rows_int(r), .name = bytes_trim(catalog_rows_text(r))};
    y.description = catalog_rows_text(r);
    y.expression = bytes_trim(catalog_rows_text(r));
    y.unit = catalog_rows_text(r);
    y.enabled = catalog_rows_int(r) != 0;
    y.created_ns = catalog_rows_int(r);
    y.updated_ns = catalog_rows_int(r);
    const char *no = why_no_synthetic(&y, d, y.org, uuid);
    enum err e = no ? ERR_OK : judge(l, d, &y, &no);
    l->report.found[LEGACY_SYNTHETICS]++;
    if (!no && !e) {
        bug_if(!uuid_parse(uuid, &y.uuid));
        y.device = d->id;
        y.description = legacy_text(l, y.description, VARIABLE_DESCRIPTION_MAX, LEGACY_SYNTHETICS,
                                    "a text was shortened");
        y.unit = legacy_text(l, y.unit, UNIT_CHARS, LEGACY_SYNTHETICS, "a text was shortened");
        e = write_synthetic(l, &y);
        if (!e) e = keep_formula(l, d, &y);
        if (e == ERR_EXISTS) no = "its device sends a variable of that name";
    }
    if (no) {
        legacy_report_left(&l->report, LEGACY_SYNTHETICS, no, y.name);
        return e == ERR_EXISTS ? ERR_OK : e;
    }
    l->report.taken[LEGACY_SYNTHETICS] += !e;
    return e;
}

enum err legacy_formulas_take(struct legacy *l)
{
    struct legacy_source *s = &l->source;
    enum err e = legacy_source_each(s, "global_rules", fleet_fields,
                                    sizeof fleet_fields / sizeof *fleet_fields,
                                    "ORDER BY created_at, id", take_fleet, l);
    if (!e)
        e = legacy_source_each(s, "synthetic_variables", synthetic_fields,
                               sizeof synthetic_fields / sizeof *synthetic_fields,
                               "ORDER BY created_at, id", take_synthetic, l);
    return e;
}
