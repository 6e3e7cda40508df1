/* Whole devices out as files, streamed row by row: any length, constant memory. */
#include "api/handlers.h"
#include "api/series.h"
#include "codec/csv.h"
#include "codec/json_write.h"
#include "codec/timestamp.h"
#include "query/rows.h"

#include <math.h>

enum { PART_BYTES = 32 * 1024 };

struct export
{
    struct api_call *c;
    struct reg_device *device;
    struct series_list list;
    struct rows *rows;
    struct buf part;
    bool first, electrical; /* electrical: the five in camelCase too, as /data/query has them */
};

static bool export_open(struct export *x, struct api_call *c)
{
    struct series_range range;
    if (!(x->device = series_device(c, c->params[0]))) return false;
    if (!series_choose(c, x->device, api_query(c, "variables"), &x->list)) return false;
    if (!series_read_range(c, &range)) return false;
    const struct rows_spec spec = {
        .org = x->device->org,
        .device = x->device->id,
        .series = x->list.ids,
        .n = x->list.n,
        .from_ns = range.from_said ? range.from_ns : INT64_MIN,
        .to_ns = range.to_said && range.to_ns < INT64_MAX ? range.to_ns + 1 : INT64_MAX,
    };
    enum err e = rows_open(&x->rows, c->app->telemetry, &spec);
    if (e) {
        api_fail(c, e, NULL);
        return false;
    }
    buf_init(&x->part, 64 << 20);
    return true;
}

/* names=exact: as they are stored, so that what was exported can be imported again. */
static bool read_names(struct export *x)
{
    struct bytes names = api_query(x->c, "names");
    x->electrical = !bytes_is(names, "exact");
    if (!names.n || bytes_is(names, "both") || !x->electrical) return true;
    api_problem(x->c, 400, "names must be both or exact.");
    return false;
}

static void write_csv_header(struct export *x)
{
    buf_add_str(&x->part, "deviceId,timestamp");
    for (size_t i = 0; i < x->list.n; i++) {
        buf_add_char(&x->part, ',');
        csv_write_field(&x->part, x->list.variables[i]->name);
    }
    buf_add_str(&x->part, "\r\n");
}

static void write_csv_row(struct export *x, int64_t ts, const double *values)
{
    char text[TIMESTAMP_TEXT_MAX];
    csv_write_field(&x->part, x->device->external_id);
    buf_add_char(&x->part, ',');
    buf_add(&x->part, text, timestamp_format(ts, text));
    for (size_t i = 0; i < x->list.n; i++) {
        buf_add_char(&x->part, ',');
        if (!isnan(values[i])) csv_write_number(&x->part, values[i]);
    }
    buf_add_str(&x->part, "\r\n");
}

static void write_json_row(struct export *x, int64_t ts, const double *values)
{
    buf_add_str(&x->part, x->first ? "[\n" : ",\n");
    series_write_row(&x->part, x->device->external_id, ts, &x->list, values, x->electrical);
    x->first = false;
}

static void write_json_end(struct export *x)
{
    buf_add_str(&x->part, x->first ? "[]\n" : "\n]\n");
}

struct form {
    const char *content_type, *extension;
    void (*begin)(struct export *);
    void (*row)(struct export *, int64_t ts, const double *values);
    void (*end)(struct export *);
};
static const struct form csv = {"text/csv; charset=utf-8", "csv", write_csv_header, write_csv_row,
                                NULL};
static const struct form json = {"application/json", "json", NULL, write_json_row, write_json_end};

static enum err flush(struct export *x, size_t at_least)
{
    if (x->part.err) return x->part.err;
    if (x->part.n < at_least || !x->part.n) return ERR_OK;
    enum err e = http_stream_write(x->c->exchange, buf_bytes(&x->part));
    buf_clear(&x->part);
    return e;
}

static enum err stream_rows(struct export *x, const struct form *form)
{
    int64_t ts;
    const double *values;
    enum err e = ERR_OK;
    if (form->begin) form->begin(x);
    while (!e && !(e = rows_next(x->rows, &ts, &values))) {
        form->row(x, ts, values);
        e = flush(x, PART_BYTES);
    }
    if (e != ERR_END) return e;
    if (form->end) form->end(x);
    return flush(x, 1);
}

static void run_export(struct api_call *c, const struct form *form)
{
    struct export x = {.c = c, .first = true};
    if (!read_names(&x) || !export_open(&x, c)) return;
    char *name = arena_printf(c->arena, "attachment; filename=\"telemetry.%s\"", form->extension);
    if (name) http_add_header(c->exchange, "Content-Disposition", bytes_str(name));
    http_add_header(c->exchange, "Cache-Control", BYTES("no-store"));
    enum err e = http_stream_open(c->exchange, 200, form->content_type);
    if (e) {
        rows_close(x.rows);
        api_fail(c, e, NULL);
        return;
    }
    c->kept = true; /* the stream is the answer */
    c->status = 200;
    e = stream_rows(&x, form);
    rows_close(x.rows);
    buf_done(&x.part);
    http_stream_close(c->exchange, !e);
}

void export_csv(struct api_call *c)
{
    run_export(c, &csv);
}

void export_json(struct api_call *c)
{
    run_export(c, &json);
}
