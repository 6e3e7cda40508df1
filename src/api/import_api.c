/* Telemetry in as a file (variant H): CSV with a header, or JSON; raw or as multipart/form-data. */
#include "api/handlers.h"
#include "api/import_file.h"
#include "api/ingest_call.h"
#include "codec/csv.h"
#include "codec/json_telemetry.h"
#include "codec/json_write.h"
#include "codec/multipart.h"
#include "codec/number.h"
#include "codec/timestamp.h"

enum { NAMED_ERRORS_MAX = 1000, COLUMNS_MAX = 1024 };

enum err import_file_find(struct api_call *c, struct bytes *ret, struct why *why)
{
    struct bytes type = http_header(c->exchange, "Content-Type"), boundary;
    enum err e = multipart_boundary(type, &boundary, why);
    if (e == ERR_UNSUPPORTED) {
        *ret = c->request_body;
        return ERR_OK;
    }
    struct multipart_part part;
    if (!e) e = multipart_file(c->request_body, boundary, &part, why);
    if (!e) *ret = part.content;
    return e;
}

struct columns {
    struct bytes names[COLUMNS_MAX];
    size_t n, device, time; /* places; n: absent */
};

static enum err read_header(struct columns *h, const struct bytes *fields, size_t n,
                            struct arena *arena, struct why *why)
{
    if (n > COLUMNS_MAX) return why_say(why, ERR_TOOLARGE, "more than %d columns", COLUMNS_MAX);
    h->n = h->device = h->time = n;
    for (size_t i = 0; i < n; i++) {
        h->names[i] = arena_copy(arena, bytes_trim(fields[i]));
        if (!h->names[i].p) return ERR_NOMEM;
        if (bytes_is(h->names[i], "deviceId") || bytes_is(h->names[i], "externalId"))
            h->device = i;
        else if (bytes_is(h->names[i], "timestamp"))
            h->time = i;
        else {
            const char *bad = raw_batch_name_error(h->names[i]);
            if (bad) return why_say(why, ERR_INVALID, "column %zu: %s", i + 1, bad);
        }
    }
    if (h->device == n)
        return why_say(why, ERR_INVALID,
                       "the header names no deviceId column: deviceId,timestamp,…");
    return ERR_OK;
}

/* Values of one row; a bad one spoils the record. */
static enum err add_values(struct raw_batch *raw, const struct columns *h,
                           const struct bytes *fields, size_t n)
{
    struct raw_record *record = &raw->records[raw->record_count - 1];
    for (size_t i = 0; i < n; i++) {
        if (i == h->device || i == h->time || !bytes_trim(fields[i]).n) continue;
        double value;
        if (number_parse(fields[i], &value)) {
            raw_batch_spoil(raw, "a value is not a number");
            return ERR_OK;
        }
        enum err e = raw_batch_add_value(raw, h->names[i], value);
        if (e) return e;
        record->count++;
    }
    if (!record->count) raw_batch_spoil(raw, "the row holds no value");
    return ERR_OK;
}

static enum err add_row(struct ingest_call *k, const struct columns *h, const struct bytes *fields,
                        size_t n, uint64_t line)
{
    struct raw_record *record;
    enum err e = raw_batch_add_record(&k->raw, (uint32_t)line, &record);
    if (e) return e;
    if (n != h->n) {
        raw_batch_spoil(&k->raw, "the row has another number of fields than the header");
        return ERR_OK;
    }
    record->device_id = arena_copy(&k->arena, bytes_trim(fields[h->device]));
    if (!record->device_id.p) return ERR_NOMEM;
    if (h->time < n && bytes_trim(fields[h->time]).n) {
        record->has_time = true;
        if (timestamp_parse(fields[h->time], &record->ts_ns, NULL)) {
            raw_batch_spoil(&k->raw, "timestamp is neither RFC 3339 nor a number");
            return ERR_OK;
        }
    }
    return add_values(&k->raw, h, fields, n);
}

static enum err add_bad_row(struct ingest_call *k, uint64_t line, const struct why *why)
{
    struct raw_record *record;
    enum err e = raw_batch_add_record(&k->raw, (uint32_t)line, &record);
    char *text = arena_copy_str(&k->arena, why->text);
    if (!e && !text) e = ERR_NOMEM;
    if (!e) raw_batch_spoil(&k->raw, text);
    return e;
}

static enum err decode_csv(struct ingest_call *k, struct bytes file, struct why *why)
{
    struct columns *h = arena_zalloc(&k->arena, sizeof *h);
    if (!h) return ERR_NOMEM;
    struct csv_reader reader;
    csv_init(&reader, NULL);
    bool header = true;
    enum err e = ERR_OK;
    while (!e) {
        const struct bytes *fields;
        size_t used = 0, n;
        struct why bad = {""};
        enum err row = csv_read(&reader, file, true, &used, &fields, &n, &bad);
        if (row == ERR_END || row == ERR_NOMEM) {
            e = row;
        } else if (row == ERR_TOOLARGE) { /* where the next row begins is not known */
            e = why_say(why, ERR_INVALID, "%s", bad.text);
        } else if (header) {
            if (row) *why = bad;
            e = row ? row : read_header(h, fields, n, &k->arena, why);
            header = false;
        } else {
            e = row ? add_bad_row(k, reader.row_line, &bad)
                    : add_row(k, h, fields, n, reader.row_line);
        }
        file = bytes_of(file.p + used, file.n - used);
    }
    csv_done(&reader);
    if (header && e == ERR_END) return why_say(why, ERR_INVALID, "the file is empty");
    return e == ERR_END ? ERR_OK : e;
}

static enum err decode_json(struct ingest_call *k, struct bytes file, struct why *why)
{
    struct bytes text = bytes_trim(file);
    bool wrapped = text.n && text.p[0] == '{';
    return wrapped ? json_telemetry_wrapped(text, &k->arena, &k->raw, why)
                   : json_telemetry_array(text, &k->arena, &k->raw, why);
}

static void write_report(struct ingest_call *k)
{
    struct buf *b = k->c->body;
    const struct admission *a = &k->admission;
    size_t good = a->raw_count - a->refused, named = 0;
    json_write_open(b, '{');
    json_write_member_bool(b, "success", a->refused == 0);
    json_write_member_u64(b, "totalRecords", a->raw_count);
    json_write_member_u64(b, "successCount", good);
    json_write_member_u64(b, "failureCount", a->refused);
    json_write_key(b, "errors");
    json_write_open(b, '[');
    for (size_t i = 0; i < a->raw_count && named < NAMED_ERRORS_MAX; i++) {
        if (!a->verdicts[i].code) continue;
        char *text =
            arena_printf(&k->arena, "line %u: %s", k->raw.records[i].line, a->verdicts[i].why);
        json_write_string(b, bytes_str(text ? text : a->verdicts[i].why));
        named++;
    }
    json_write_close(b, ']');
    char *message = arena_printf(&k->arena, "%zu of %zu records imported", good, a->raw_count);
    json_write_member_text(b, "message", message);
    json_write_close(b, '}');
}

typedef enum err decode_file(struct ingest_call *k, struct bytes file, struct why *why);

static void import_file(struct api_call *c, decode_file *decode)
{
    struct ingest_call *k = ingest_call_new(c);
    if (!k) return;
    k->history = true;
    struct why why = {""};
    struct bytes file;
    enum err e = import_file_find(c, &file, &why);
    if (!e) e = decode(k, file, &why);
    if (e) {
        ingest_call_refuse(k, e, &why);
        return;
    }
    if (!ingest_call_admit(k, bytes_of(NULL, 0))) return;
    counter_add(&c->app->ingest_metrics->messages_import, 1);
    write_report(k);
    ingest_call_submit(k, 200, "application/json");
}

void import_csv(struct api_call *c)
{
    import_file(c, decode_csv);
}

void import_json(struct api_call *c)
{
    import_file(c, decode_json);
}
