/* Names in a request to devices, series and ranges (see series.h). */
#include "api/series.h"

#include "codec/json_write.h"
#include "codec/timestamp.h"
#include "model/alias.h"

#include <math.h>

/* The five variables of the Java platform's smart meters, by the name its clients read and the name
 * its database had. */
static const struct {
    const char *camel, *snake;
} electrical[] = {
    {"kwConsumption", "kw_consumption"}, {"voltage", "voltage"},     {"current", "current"},
    {"powerFactor", "power_factor"},     {"frequency", "frequency"},
};
enum { ELECTRICAL = sizeof electrical / sizeof *electrical };

struct reg_device *series_device(struct api_call *c, struct bytes id)
{
    struct reg_device *d = registry_find_device(c->app->registry, c->who.org, id);
    if (!d) api_not_found(c, "device");
    return d;
}

struct reg_variable *series_variable(struct app *app, struct reg_device *d, struct bytes name)
{
    struct reg_variable *v = registry_find_variable(app->registry, d, name);
    struct bytes alias = v ? bytes_of(NULL, 0) : alias_of(name);
    return alias.p ? registry_find_variable(app->registry, d, alias) : v;
}

static bool alloc_list(struct api_call *c, size_t n, struct series_list *ret)
{
    ret->n = 0;
    ret->variables = arena_alloc(c->arena, n * sizeof(struct reg_variable *));
    ret->ids = arena_alloc(c->arena, n * sizeof *ret->ids);
    if (ret->variables && ret->ids) return true;
    api_fail(c, ERR_NOMEM, NULL);
    return false;
}

static void push(struct series_list *list, struct reg_variable *v)
{
    list->variables[list->n] = v;
    list->ids[list->n++] = v->id;
}

static bool choose_all(struct api_call *c, struct reg_device *d, struct series_list *ret)
{
    size_t n = atomic_load(&d->variable_count);
    if (!alloc_list(c, n, ret)) return false;
    struct reg_variable *v = atomic_load_explicit(&d->variables, memory_order_acquire);
    for (; v && ret->n < n; v = v->next) push(ret, v);
    return true;
}

bool series_choose(struct api_call *c, struct reg_device *d, struct bytes names,
                   struct series_list *ret)
{
    if (!names.n) return choose_all(c, d, ret);
    size_t n = 1;
    for (size_t i = 0; i < names.n; i++) n += names.p[i] == ',';
    if (!alloc_list(c, n, ret)) return false;
    while (names.p) {
        struct bytes name;
        names = bytes_cut(names, ',', &name);
        name = bytes_trim(name);
        struct reg_variable *v = series_variable(c->app, d, name);
        if (!v) {
            api_problem(c, 400, "This device has no variable \"%.*s\".",
                        (int)(name.n < 100 ? name.n : 100), name.p);
            return false;
        }
        push(ret, v);
    }
    return true;
}

/* The first of the aliases that is there. False: answered. */
static bool read_time(struct api_call *c, const char *const *names, int64_t *ret, bool *ret_said)
{
    *ret_said = false;
    for (; *names; names++) {
        struct bytes text = api_query(c, *names);
        if (!text.p) continue;
        struct why why = {""};
        if (timestamp_parse(text, ret, &why)) {
            api_problem(c, 400, "%s: %s", *names, why.text);
            return false;
        }
        *ret_said = true;
        return true;
    }
    return true;
}

bool series_read_range(struct api_call *c, struct series_range *ret)
{
    static const char *const from[] = {"from", "start", "startTime", NULL};
    static const char *const to[] = {"to", "end", "endTime", NULL};
    *ret = (struct series_range){0};
    if (!read_time(c, from, &ret->from_ns, &ret->from_said)) return false;
    if (!read_time(c, to, &ret->to_ns, &ret->to_said)) return false;
    if (!ret->to_said) ret->to_ns = clock_wall_ns(c->app->clock);
    if (!ret->from_said) ret->from_ns = clock_add(ret->to_ns, -NS_PER_DAY);
    if (ret->from_ns <= ret->to_ns) return true;
    api_problem(c, 400, "The range ends before it begins: from must not be later than to.");
    return false;
}

bool series_read_count(struct api_call *c, const char *name, uint64_t absent, uint64_t low,
                       uint64_t high, uint64_t *ret)
{
    struct bytes text = api_query(c, name);
    *ret = absent;
    if (!text.p) return true;
    if (bytes_to_u64(text, ret) && *ret >= low && *ret <= high) return true;
    api_problem(c, 400, "%s must be a whole number from %llu to %llu.", name,
                (unsigned long long)low, (unsigned long long)high);
    return false;
}

static void write_value(struct buf *b, double value)
{
    if (isnan(value))
        json_write_null(b);
    else
        json_write_number(b, value);
}

/* Place of the series that stands for an electrical name; n when there is none. */
static size_t find_electrical(const struct series_list *list, int which)
{
    size_t i = 0;
    while (i < list->n && !bytes_is(list->variables[i]->name, electrical[which].camel) &&
           !bytes_is(list->variables[i]->name, electrical[which].snake))
        i++;
    return i;
}

static bool is_camel(struct bytes name)
{
    for (int i = 0; i < ELECTRICAL; i++)
        if (bytes_is(name, electrical[i].camel)) return true;
    return false;
}

void series_write_row(struct buf *b, struct bytes device_id, int64_t ts_ns,
                      const struct series_list *list, const double *values, bool with_electrical)
{
    json_write_open(b, '{');
    json_write_member_str(b, "deviceId", device_id);
    json_write_member_time(b, "timestamp", ts_ns);
    for (int i = 0; i < ELECTRICAL && with_electrical; i++) {
        size_t at = find_electrical(list, i);
        json_write_key(b, electrical[i].camel);
        write_value(b, at < list->n ? values[at] : (double)NAN);
    }
    for (size_t i = 0; i < list->n; i++) {
        if (isnan(values[i])) continue;
        if (with_electrical && is_camel(list->variables[i]->name))
            continue; /* stands there already */
        json_write_key_bytes(b, list->variables[i]->name);
        json_write_number(b, values[i]);
    }
    json_write_close(b, '}');
}
