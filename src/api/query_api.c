/* Telemetry out: ranges, newest values, and the newest rows of a device. */
#include "api/deadline.h"
#include "api/handlers.h"
#include "api/recent_rows.h"
#include "api/series.h"
#include "codec/json_write.h"
#include "codec/timestamp.h"
#include "query/rows.h"
#include "query/thin.h"
#include "store/registry_properties.h"

#include <math.h>

enum {
    ROWS_DEFAULT = 10000,
    ROWS_MAX = 100000,
    POINTS_MAX = 100000,
    THINNED_MAX = 400000,
    DEVICES_MAX = 10000
};

struct row_query {
    struct reg_device *device;
    struct series_list list;
    struct series_range range;
    uint64_t limit;
    bool descending;
    bool continued; /* from a cursor on */
};

/* The cursor is the time of the last row given, in hexadecimal: opaque, and stable under inserts.
 * */
static bool read_after(struct api_call *c, struct row_query *q)
{
    struct bytes text = api_query(c, "after");
    if (!text.p) return true;
    uint64_t ts = 0;
    bool good = text.n == 16;
    for (size_t i = 0; i < text.n && good; i++) {
        const char *digits = "0123456789abcdef", *at = memchr(digits, text.p[i], 16);
        good = at != NULL;
        if (good) ts = ts << 4 | (uint64_t)(at - digits);
    }
    if (!good) {
        api_problem(c, 400, "after must be a cursor of an earlier answer.");
        return false;
    }
    q->continued = true;
    if ((int64_t)ts >= q->range.from_ns) q->range.from_ns = clock_add((int64_t)ts, 1);
    return true;
}

/* The same request again, with the cursor and a fixed end in front: the first of a name counts. */
static void say_next(struct api_call *c, const struct row_query *q, int64_t last_ns)
{
    const struct http1_head *head = http_head(c->exchange);
    char *link = arena_printf(c->arena, "<%.*s?after=%016llx&to=%lld&%.*s>; rel=\"next\"",
                              (int)head->path.n, head->path.p, (unsigned long long)last_ns,
                              (long long)q->range.to_ns, (int)head->query.n, head->query.p);
    if (link) http_add_header(c->exchange, "Link", bytes_str(link));
}

static enum err write_rows(struct api_call *c, struct row_query *q)
{
    const struct rows_spec spec = {
        .org = q->device->org,
        .device = q->device->id,
        .series = q->list.ids,
        .n = q->list.n,
        .from_ns = q->range.from_ns,
        .to_ns = q->range.to_ns == INT64_MAX ? INT64_MAX : q->range.to_ns + 1,
        .descending = q->descending,
        .limit = deadline_of(c, DEADLINE_ROWS),
    };
    struct rows *rows;
    enum err e = rows_open(&rows, c->app->telemetry, &spec);
    if (e) return e;
    int64_t ts = 0, last = 0;
    const double *values;
    uint64_t n = 0;
    json_write_open(c->body, '[');
    while (!(e = rows_next(rows, &ts, &values))) {
        if (n == q->limit) break;
        series_write_row(c->body, q->device->external_id, ts, &q->list, values, true);
        last = ts;
        n++;
    }
    json_write_close(c->body, ']');
    rows_close(rows);
    if (!e && !q->descending) say_next(c, q, last); /* stopped at the limit: there is more */
    return e == ERR_END ? ERR_OK : e;
}

/* From the cache where one keeps it: what follows a cursor is asked once. */
static enum err answer_rows(struct api_call *c, struct row_query *q)
{
    const struct recent_rows_question question = {q->device,      &q->list, q->range.from_ns,
                                                  q->range.to_ns, q->limit, q->descending};
    bool done = false;
    int64_t next_ns = INT64_MIN;
    enum err e = q->continued ? ERR_OK : recent_rows_answer(c, &question, &done, &next_ns);
    if (e) return e;
    if (!done) return write_rows(c, q);
    if (next_ns != INT64_MIN) say_next(c, q, next_ns);
    return ERR_OK;
}

static bool start_query(struct api_call *c, struct row_query *q, struct bytes device)
{
    q->device = series_device(c, device);
    return q->device && series_choose(c, q->device, api_query(c, "variables"), &q->list) &&
           series_read_range(c, &q->range) &&
           series_read_count(c, "limit", ROWS_DEFAULT, 1, ROWS_MAX, &q->limit);
}

struct thinned {
    struct sample *samples;
    size_t n, at;
};

/* Thins each variable on its own, then puts the samples side by side by time. */
static enum err write_thinned(struct api_call *c, struct row_query *q, size_t points)
{
    struct thinned *columns = arena_array(c->arena, q->list.n, sizeof *columns);
    double *values = arena_array(c->arena, q->list.n, sizeof *values);
    enum err e = columns && values ? ERR_OK : ERR_NOMEM;
    for (size_t i = 0; i < q->list.n && !e; i++) {
        const struct scan_range range = {
            .org = q->device->org,
            .device = q->device->id,
            .series = q->list.ids[i],
            .from_ns = q->range.from_ns,
            .to_ns = q->range.to_ns == INT64_MAX ? INT64_MAX : q->range.to_ns + 1,
        };
        e = thin_series(c->app->telemetry, &range, points, deadline_of(c, DEADLINE_ROWS), c->arena,
                        &columns[i].samples, &columns[i].n);
    }
    if (e) return e;
    json_write_open(c->body, '[');
    for (;;) {
        int64_t ts = INT64_MAX;
        bool any = false;
        for (size_t i = 0; i < q->list.n; i++) {
            if (columns[i].at == columns[i].n) continue;
            int64_t t = columns[i].samples[columns[i].at].ts_ns;
            if (!any || t < ts) ts = t;
            any = true;
        }
        if (!any) break;
        for (size_t i = 0; i < q->list.n; i++) {
            struct thinned *t = &columns[i];
            bool here = t->at < t->n && t->samples[t->at].ts_ns == ts;
            values[i] = here ? t->samples[t->at++].value : (double)NAN;
        }
        series_write_row(c->body, q->device->external_id, ts, &q->list, values, true);
    }
    json_write_close(c->body, ']');
    return ERR_OK;
}

/* GET /data/query */
void query_range(struct api_call *c)
{
    struct row_query q = {0};
    struct bytes device = api_query(c, "deviceId");
    if (!device.n) {
        api_problem(c, 400, "Say which device: deviceId is missing.");
        return;
    }
    uint64_t points;
    if (!start_query(c, &q, device) || !read_after(c, &q) ||
        !series_read_count(c, "maxPoints", 0, 4, POINTS_MAX, &points))
        return;
    if (points && q.list.n > THINNED_MAX / points) {
        api_problem(
            c, 422,
            "maxPoints counts for each of %zu variables, and at most %d points are given in "
            "one answer; maxPoints=%zu fits.",
            q.list.n, THINNED_MAX, (size_t)THINNED_MAX / q.list.n);
        return;
    }
    enum err e = points ? write_thinned(c, &q, (size_t)points) : answer_rows(c, &q);
    if (e)
        deadline_fail(c, e, NULL);
    else
        api_ok(c, 200);
}

/* GET /devices/{id}/telemetry: newest first. */
void query_device_telemetry(struct api_call *c)
{
    struct row_query q = {.descending = true};
    if (!start_query(c, &q, c->params[0])) return;
    if (!q.range.from_said) q.range.from_ns = INT64_MIN;
    if (!q.range.to_said) q.range.to_ns = INT64_MAX;
    enum err e = answer_rows(c, &q);
    if (e)
        deadline_fail(c, e, NULL);
    else
        api_ok(c, 200);
}

/* The newest sample of every listed variable; *ret_ts is the newest of all, INT64_MIN for none. */
static enum err read_latest(struct api_call *c, struct reg_device *d,
                            const struct series_list *list, double **ret_values, int64_t *ret_ts)
{
    struct sample *samples = arena_array(c->arena, list->n, sizeof *samples);
    double *values = arena_array(c->arena, list->n, sizeof *values);
    if (!samples || !values) return ERR_NOMEM;
    enum err e = telemetry_latest(c->app->telemetry, d->org, list->ids, list->n, samples);
    if (e) return e;
    *ret_ts = INT64_MIN;
    for (size_t i = 0; i < list->n; i++) {
        bool none = samples[i].ts_ns == INT64_MIN;
        values[i] = none ? (double)NAN : samples[i].value;
        if (samples[i].ts_ns > *ret_ts) *ret_ts = samples[i].ts_ns;
    }
    *ret_values = values;
    return ERR_OK;
}

/* GET /data/latest/{deviceId} */
void query_latest_device(struct api_call *c)
{
    if (c->on_loop && c->app->telemetry->ops->remote) {
        api_offload(c, ON_ASYNC);
        return;
    }
    struct reg_device *d = series_device(c, c->params[0]);
    struct series_list list;
    if (!d || !series_choose(c, d, api_query(c, "variables"), &list)) return;
    double *values;
    int64_t ts;
    enum err e = read_latest(c, d, &list, &values, &ts);
    if (e) {
        api_fail(c, e, NULL);
    } else if (ts == INT64_MIN) {
        api_problem(c, 404, "This device has sent nothing yet.");
    } else {
        series_write_row(c->body, d->external_id, ts, &list, values, true);
        api_ok(c, 200);
    }
}

/* One element of GET /data/latest: externalId, deviceId (the uuid), timestamp, values, metadata. */
static enum err write_latest(struct api_call *c, struct reg_device *d, struct bytes names)
{
    struct series_list list;
    if (!series_choose(c, d, names, &list)) return ERR_INVALID;
    double *values;
    int64_t ts;
    enum err e = read_latest(c, d, &list, &values, &ts);
    if (e || ts == INT64_MIN) return e;
    char uuid[UUID_TEXT + 1];
    uuid_format(&d->uuid, uuid);
    struct buf *b = c->body;
    json_write_open(b, '{');
    json_write_member_str(b, "externalId", d->external_id);
    json_write_member_text(b, "deviceId", uuid);
    json_write_member_time(b, "timestamp", ts);
    for (size_t i = 0; i < list.n; i++) {
        if (isnan(values[i])) continue;
        json_write_key_bytes(b, list.variables[i]->name);
        json_write_number(b, values[i]);
    }
    json_write_key(b, "metadata");
    json_write_open(b, '{');
    registry_properties_members(c->app->registry, d->id, b);
    json_write_close(b, '}');
    json_write_close(b, '}');
    return ERR_OK;
}

/* variables= names that a device lacks are left out here: the list spans devices of many kinds. */
static struct bytes names_of_device(struct api_call *c, struct reg_device *d, struct bytes names,
                                    bool *ret_none)
{
    struct buf kept;
    buf_init(&kept, names.n + 1);
    struct bytes rest = names;
    while (rest.p && names.n) {
        struct bytes name;
        rest = bytes_cut(rest, ',', &name);
        if (!series_variable(c->app, d, bytes_trim(name))) continue;
        if (kept.n) buf_add_char(&kept, ',');
        buf_add_bytes(&kept, bytes_trim(name));
    }
    *ret_none = names.n && !kept.n;
    struct bytes copy = arena_copy(c->arena, buf_bytes(&kept));
    buf_done(&kept);
    return copy;
}

static enum err write_latest_of(struct api_call *c, struct reg_device *d, struct bytes names)
{
    bool none;
    struct bytes own = names_of_device(c, d, names, &none);
    return none ? ERR_OK : write_latest(c, d, own);
}

static enum err write_all_latest(struct api_call *c, struct bytes names)
{
    enum { PAGE = 256 };
    struct reg_device *page[PAGE];
    int64_t after = 0;
    size_t n;
    enum err e = ERR_OK;
    while (!e && (n = registry_list_devices(c->app->registry, c->who.org, after, page, PAGE))) {
        for (size_t i = 0; i < n && !e; i++) e = write_latest_of(c, page[i], names);
        after = page[n - 1]->id;
    }
    return e;
}

static enum err write_named_latest(struct api_call *c, struct bytes ids, struct bytes names)
{
    enum err e = ERR_OK;
    for (int n = 0; ids.p && !e && n < DEVICES_MAX; n++) {
        struct bytes id;
        ids = bytes_cut(ids, ',', &id);
        struct reg_device *d = registry_find_device(c->app->registry, c->who.org, bytes_trim(id));
        if (d) e = write_latest_of(c, d, names); /* an unknown one has no newest value */
    }
    return e;
}

/* GET /data/latest?deviceIds=a,b&variables= */
void query_latest(struct api_call *c)
{
    struct bytes ids = api_query(c, "deviceIds"), names = api_query(c, "variables");
    json_write_open(c->body, '[');
    enum err e = ids.n ? write_named_latest(c, ids, names) : write_all_latest(c, names);
    json_write_close(c->body, ']');
    if (e)
        api_fail(c, e, NULL);
    else
        api_ok(c, 200);
}
