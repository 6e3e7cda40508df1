/* Variables and their values (see variable_service.h). */
#include "service/variable_service.h"

#include "codec/raw_batch.h"
#include "service/device_rules.h"
#include "service/device_state.h"
#include "service/event_types.h"
#include "store/catalog_variables.h"

#include <math.h>
#include <stdio.h>

/* The newest sample of each; one call to the store for all. */
static enum err fill_latest(struct device_service *s, int64_t org, struct variable_view *views,
                            size_t n, struct arena *arena)
{
    if (!n) return ERR_OK;
    int64_t *series = arena_array(arena, n, sizeof *series);
    struct sample *last = arena_array(arena, n, sizeof *last);
    if (!series || !last) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) series[i] = views[i].variable.id;
    enum err e = telemetry_latest(s->telemetry, org, series, n, last);
    for (size_t i = 0; !e && i < n; i++) views[i].last = last[i];
    return e;
}

static enum err list_in(struct sql_tx *tx, int64_t org, struct bytes device, struct arena *arena,
                        struct variable_view **ret, size_t *ret_n)
{
    struct device d;
    struct variable *variables = NULL;
    size_t n = 0;
    enum err e = device_state_find(tx, org, device, arena, &d);
    if (!e) e = catalog_variables_list(tx, org, d.id, arena, &variables, &n);
    if (e) return e;
    struct variable_view *views = arena_array(arena, n ? n : 1, sizeof *views);
    if (!views) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        views[i] = (struct variable_view){.variable = variables[i], .device = d};
        views[i].last.ts_ns = INT64_MIN;
    }
    *ret = views;
    *ret_n = n;
    return ERR_OK;
}

enum err variable_service_list(struct device_service *s, int64_t org, struct bytes device,
                               struct arena *arena, struct variable_view **ret, size_t *ret_n)
{
    struct sql_tx *tx;
    struct variable_view *views = NULL;
    size_t n = 0;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = sql_end(tx, list_in(tx, org, device, arena, &views, &n));
    if (!e) e = fill_latest(s, org, views, n, arena);
    if (e) return e;
    *ret = views;
    *ret_n = n;
    return ERR_OK;
}

/* Whose it is: from memory, where nearly every device is. */
static enum err fill_device(struct device_service *s, struct sql_tx *tx, struct arena *arena,
                            struct variable_view *v)
{
    const struct reg_device *d =
        registry_find_key(s->registry, v->variable.org, v->variable.device);
    if (!d) return catalog_devices_find(tx, v->variable.org, v->variable.device, arena, &v->device);
    v->device.id = d->id;
    v->device.uuid = d->uuid;
    v->device.external_id = d->external_id;
    return ERR_OK;
}

static enum err page_in(struct device_service *s, struct sql_tx *tx, int64_t org,
                        const struct catalog_page *page, struct arena *arena,
                        struct variable_view **ret, struct catalog_listing *ret_listing,
                        struct why *why)
{
    struct variable *variables = NULL;
    enum err e = catalog_variables_page(tx, org, page, arena, &variables, ret_listing, why);
    if (e) return e;
    struct variable_view *views =
        arena_array(arena, ret_listing->count ? ret_listing->count : 1, sizeof *views);
    if (!views) return ERR_NOMEM;
    for (size_t i = 0; i < ret_listing->count && !e; i++) {
        views[i] = (struct variable_view){.variable = variables[i]};
        views[i].last.ts_ns = INT64_MIN;
        e = fill_device(s, tx, arena, &views[i]);
    }
    *ret = views;
    return e;
}

enum err variable_service_page(struct device_service *s, int64_t org,
                               const struct catalog_page *page, struct arena *arena,
                               struct variable_view **ret, struct catalog_listing *ret_listing,
                               struct why *why)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = sql_end(tx, page_in(s, tx, org, page, arena, ret, ret_listing, why));
    return e ? e : fill_latest(s, org, *ret, ret_listing->count, arena);
}

/* A variable of a deleted device is as gone as the device. */
static enum err find_in(struct sql_tx *tx, int64_t org, int64_t variable, struct arena *arena,
                        struct variable_view *ret)
{
    enum err e = catalog_variables_find(tx, org, variable, arena, &ret->variable);
    if (e) return e;
    ret->last.ts_ns = INT64_MIN;
    return catalog_devices_find(tx, org, ret->variable.device, arena, &ret->device);
}

enum err variable_service_find(struct device_service *s, int64_t org, int64_t variable,
                               struct arena *arena, struct variable_view *ret)
{
    struct sql_tx *tx;
    struct variable_view v;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = sql_end(tx, find_in(tx, org, variable, arena, &v));
    if (!e) e = fill_latest(s, org, &v, 1, arena);
    if (!e) *ret = v;
    return e;
}

/* --- change ----------------------------------------------------------------------------------- */

static void apply_text(struct bytes *to, const struct device_text *t)
{
    if (t->set) *to = t->value;
}

static void apply(struct variable *v, const struct variable_change *c)
{
    apply_text(&v->display_name, &c->display_name);
    apply_text(&v->description, &c->description);
    apply_text(&v->unit, &c->unit);
    apply_text(&v->data_type, &c->data_type);
    apply_text(&v->icon, &c->icon);
    apply_text(&v->color, &c->color);
    if (c->min_value.set) v->min_value = c->min_value.value;
    if (c->max_value.set) v->max_value = c->max_value.value;
    if (c->decimal_places_set) v->decimal_places = c->decimal_places;
}

static enum err note(struct sql_tx *tx, const struct actor *actor, const char *type,
                     const char *title, const struct variable *v)
{
    char id[24];
    int n = snprintf(id, sizeof id, "%lld", (long long)v->id);
    const struct event_note event = {.type = type,
                                     .entity_type = "VARIABLE",
                                     .entity_id = bytes_of(id, (size_t)n),
                                     .title = title,
                                     .description = v->name,
                                     .device = v->device};
    return event_service_append(tx, v->updated_ns, actor, &event);
}

/* Clients send back what they read: the present name is fine. */
static void check_name(const struct variable *v, const struct variable_change *change,
                       struct refusal *refusal)
{
    if (change->name.set && !bytes_equal(change->name.value, v->name))
        refusal_field(refusal, "name",
                      "is the name that the device sends; change displayName instead");
}

static enum err update_in(struct device_service *s, struct sql_tx *tx, const struct actor *actor,
                          int64_t variable, const struct variable_change *change,
                          struct arena *arena, struct variable_view *ret, struct refusal *refusal)
{
    enum err e = find_in(tx, actor->org, variable, arena, ret);
    if (e) return e;
    struct variable *v = &ret->variable;
    check_name(v, change, refusal);
    apply(v, change);
    device_rules_check_variable(v, refusal);
    e = refusal_fields(refusal);
    if (e) return e;
    v->updated_ns = clock_wall_ns(s->clock);
    e = catalog_variables_update(tx, v);
    return e ? e : note(tx, actor, EVENT_VARIABLE_UPDATED, "Variable changed", v);
}

enum err variable_service_update(struct device_service *s, const struct actor *actor,
                                 int64_t variable, const struct variable_change *change,
                                 struct arena *arena, struct variable_view *ret,
                                 struct refusal *refusal)
{
    struct sql_tx *tx;
    struct variable_view v;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, update_in(s, tx, actor, variable, change, arena, &v, refusal));
    if (!e) e = fill_latest(s, actor->org, &v, 1, arena);
    if (!e) *ret = v;
    return e;
}

/* --- one that is not there yet --------------------------------------------------------------- */

static enum err create_in(struct sql_tx *tx, const struct actor *actor, struct bytes device,
                          struct arena *arena, struct variable_view *ret, struct refusal *refusal)
{
    struct variable *v = &ret->variable;
    struct variable same;
    int64_t used = 0;
    enum err e = device_state_find(tx, actor->org, device, arena, &ret->device);
    if (e) return e;
    v->device = ret->device.id;
    e = catalog_variables_find_name(tx, v->org, v->device, v->name, arena, &same);
    if (!e) return why_say(&refusal->why, ERR_EXISTS, "the device has a variable of this name");
    if (e != ERR_NOTFOUND) return e;
    e = catalog_variables_count(tx, v->org, v->device, &used);
    if (e) return e;
    if (used >= REGISTRY_VARIABLES_PER_DEVICE)
        return refusal_limit(refusal, "variables-per-device", REGISTRY_VARIABLES_PER_DEVICE, used);
    e = catalog_variables_insert(tx, v);
    return e ? e : note(tx, actor, EVENT_VARIABLE_CREATED, "Variable created", v);
}

static void check_new_name(const struct variable_change *given, struct refusal *refusal)
{
    const char *why = given->name.value.n ? raw_batch_name_error(given->name.value)
                                          : "is missing: the name that the device will send";
    if (why) refusal_field(refusal, "name", why);
}

enum err variable_service_create(struct device_service *s, const struct actor *actor,
                                 struct bytes device, const struct variable_change *given,
                                 struct arena *arena, struct variable_view *ret,
                                 struct refusal *refusal)
{
    struct sql_tx *tx;
    struct reg_variable *published;
    int64_t now_ns = clock_wall_ns(s->clock);
    struct variable_view view = {.variable = {.org = actor->org,
                                              .name = given->name.value,
                                              .data_source = BYTES("MANUAL"),
                                              .min_value = (double)NAN,
                                              .max_value = (double)NAN,
                                              .decimal_places = -1,
                                              .created_ns = now_ns,
                                              .updated_ns = now_ns},
                                 .last.ts_ns = INT64_MIN};
    check_new_name(given, refusal);
    apply(&view.variable, given);
    device_rules_check_variable(&view.variable, refusal);
    enum err e = refusal_fields(refusal);
    if (!e) e = sql_begin(s->db, SQL_WRITE, &tx);
    if (!e) e = sql_end(tx, create_in(tx, actor, device, arena, &view, refusal));
    if (e) return e;
    struct reg_device *d = registry_find_key(s->registry, actor->org, view.device.id);
    if (d) /* else it was deleted meanwhile */
        e = registry_publish_variable(s->registry, d, view.variable.id, view.variable.name,
                                      &published);
    if (!e) *ret = view;
    return e;
}

/* --- values ----------------------------------------------------------------------------------- */

/* [from, to] as the store's [from, to). */
static enum err scan_open(struct device_service *s, int64_t org, int64_t variable, int64_t from_ns,
                          int64_t to_ns, bool newest_first, struct scan_cursor **ret)
{
    struct reg_variable *v = registry_find_variable_id(s->registry, org, variable);
    if (!v) return ERR_NOTFOUND;
    const struct scan_range range = {.org = org,
                                     .device = v->device->id,
                                     .series = variable,
                                     .from_ns = from_ns,
                                     .to_ns = to_ns < INT64_MAX ? to_ns + 1 : to_ns,
                                     .descending = newest_first};
    return telemetry_scan_open(s->telemetry, &range, ret);
}

enum err variable_service_values(struct device_service *s, int64_t org, int64_t variable,
                                 int64_t from_ns, int64_t to_ns, size_t cap, struct arena *arena,
                                 struct sample **ret, size_t *ret_n, bool *ret_more)
{
    struct scan_cursor *cursor;
    if (cap > VARIABLE_VALUES_MAX) cap = VARIABLE_VALUES_MAX;
    struct sample *out = arena_array(arena, cap ? cap : 1, sizeof *out);
    if (!out) return ERR_NOMEM;
    enum err e = scan_open(s, org, variable, from_ns, to_ns, false, &cursor);
    if (e) return e;
    size_t n = 0;
    bool more = false;
    const struct sample *slice;
    size_t count;
    while (!more && !(e = telemetry_scan_next(cursor, &slice, &count))) {
        size_t take = count < cap - n ? count : cap - n;
        memcpy(out + n, slice, take * sizeof *out);
        n += take;
        more = take < count;
    }
    telemetry_scan_close(cursor);
    if (e && e != ERR_END) return e;
    *ret = out;
    *ret_n = n;
    *ret_more = more;
    return ERR_OK;
}

enum err variable_service_newest(struct device_service *s, int64_t org, int64_t variable,
                                 size_t cap, struct arena *arena, struct sample **ret,
                                 size_t *ret_n)
{
    struct scan_cursor *cursor;
    const struct sample *slice;
    size_t count, n = 0;
    if (cap > VARIABLE_VALUES_MAX) cap = VARIABLE_VALUES_MAX;
    struct sample *out = arena_array(arena, cap ? cap : 1, sizeof *out);
    if (!out) return ERR_NOMEM;
    enum err e = scan_open(s, org, variable, INT64_MIN, INT64_MAX, true, &cursor);
    if (e) return e;
    while (n < cap && !(e = telemetry_scan_next(cursor, &slice, &count))) {
        size_t take = count < cap - n ? count : cap - n;
        memcpy(out + n, slice, take * sizeof *out);
        n += take;
    }
    telemetry_scan_close(cursor);
    if (e && e != ERR_END) return e;
    *ret = out;
    *ret_n = n;
    return ERR_OK;
}

/* Neumaier's compensated sum (1974): exact to the last digit or two however many values there
 * are. */
struct total {
    double sum, lost;
};

static void total_add(struct total *t, double v)
{
    double sum = t->sum + v;
    t->lost += fabs(t->sum) >= fabs(v) ? (t->sum - sum) + v : (v - sum) + t->sum;
    t->sum = sum;
}

enum err variable_service_statistics(struct device_service *s, int64_t org, int64_t variable,
                                     int64_t from_ns, int64_t to_ns,
                                     const struct query_limit *limit,
                                     struct variable_statistics *ret)
{
    struct scan_cursor *cursor;
    enum err e = scan_open(s, org, variable, from_ns, to_ns, false, &cursor);
    if (e) return e;
    struct variable_statistics st = {.min = INFINITY, .max = -INFINITY};
    struct total total = {0, 0};
    const struct sample *slice;
    size_t count;
    while (!(e = query_limit_check(limit)) && !(e = telemetry_scan_next(cursor, &slice, &count))) {
        for (size_t i = 0; i < count; i++) {
            double v = slice[i].value;
            total_add(&total, v);
            if (v < st.min) st.min = v;
            if (v > st.max) st.max = v;
        }
        st.count += count;
    }
    telemetry_scan_close(cursor);
    if (e != ERR_END) return e;
    st.sum = st.count ? total.sum + total.lost : (double)NAN;
    if (!st.count) st.min = st.max = (double)NAN;
    *ret = st;
    return ERR_OK;
}
