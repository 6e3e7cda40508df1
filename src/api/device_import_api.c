/* Devices from a CSV file: externalId,name,location,sensorType,firmwareVersion,status,latitude,
 * longitude,altitude in any order. */
#include "api/app.h"
#include "api/handlers_device_fleet.h"
#include "api/import_file.h"
#include "api/service_call.h"
#include "codec/csv.h"
#include "codec/json_write.h"
#include "codec/number.h"
#include "service/device_import.h"

#include <math.h>

enum column {
    COLUMN_EXTERNAL_ID,
    COLUMN_NAME,
    COLUMN_DESCRIPTION,
    COLUMN_LOCATION,
    COLUMN_SENSOR_TYPE,
    COLUMN_FIRMWARE_VERSION,
    COLUMN_STATUS,
    COLUMN_LATITUDE,
    COLUMN_LONGITUDE,
    COLUMN_ALTITUDE,
    COLUMNS
};
enum { FIELDS_MAX = 64 };

static const char *const column_names[COLUMNS] = {
    "externalId",      "name",   "description", "location",  "sensorType",
    "firmwareVersion", "status", "latitude",    "longitude", "altitude"};

struct import_table {
    struct api_call *c;
    enum column columns[FIELDS_MAX]; /* what the fields of a row are */
    size_t column_n;
    struct device_import_row *rows;
    size_t n, cap;
};

static enum err read_header(struct import_table *t, const struct bytes *fields, size_t n,
                            struct why *why)
{
    unsigned seen = 0;
    if (n > FIELDS_MAX) return why_say(why, ERR_INVALID, "the header has too many columns");
    for (size_t i = 0; i < n; i++) {
        int at = 0;
        struct bytes name = bytes_trim(fields[i]);
        while (at < COLUMNS && !bytes_equal_nocase(name, bytes_str(column_names[at]))) at++;
        if (at == COLUMNS || (seen & 1u << at))
            return why_say(why, ERR_INVALID, "column %zu, \"%.*s\", is %s", i + 1,
                           (int)(name.n < 60 ? name.n : 60), name.p,
                           at == COLUMNS ? "not known" : "there twice");
        seen |= 1u << at;
        t->columns[i] = (enum column)at;
    }
    t->column_n = n;
    if (seen & 1u << COLUMN_EXTERNAL_ID) return ERR_OK;
    return why_say(why, ERR_INVALID, "the header names no externalId column");
}

static struct device_import_row *next_row(struct import_table *t, uint64_t line)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 64;
        struct device_import_row *rows = arena_array(t->c->arena, cap, sizeof *rows);
        if (!rows) return NULL;
        if (t->n) memcpy(rows, t->rows, t->n * sizeof *rows);
        t->rows = rows;
        t->cap = cap;
    }
    struct device_import_row *row = &t->rows[t->n++];
    *row = (struct device_import_row){.line = line};
    return row;
}

/* Whether a device can be heard is not for a file to say; ACTIVE and INACTIVE are. */
static void read_status(struct device_import_row *row, struct bytes text)
{
    static const char *const heard[] = {"ONLINE", "OFFLINE", "UNKNOWN"};
    bool active = bytes_equal_nocase(text, BYTES("ACTIVE"));
    if (active || bytes_equal_nocase(text, BYTES("INACTIVE"))) {
        row->change.active_set = true;
        row->change.active = active;
        return;
    }
    for (size_t i = 0; i < sizeof heard / sizeof *heard; i++)
        if (bytes_equal_nocase(text, bytes_str(heard[i]))) return;
    row->why = "status must be ACTIVE or INACTIVE";
}

static void read_place(struct device_import_row *row, struct device_place *place, struct bytes text,
                       const char *why)
{
    place->set = true;
    if (number_parse(text, &place->value) || !isfinite(place->value)) row->why = why;
}

static void read_field(struct device_import_row *row, enum column column, struct bytes text)
{
    struct device_change *c = &row->change;
    struct device_text *texts[COLUMNS] = {
        [COLUMN_NAME] = &c->name,
        [COLUMN_DESCRIPTION] = &c->description,
        [COLUMN_LOCATION] = &c->location,
        [COLUMN_SENSOR_TYPE] = &c->sensor_type,
        [COLUMN_FIRMWARE_VERSION] = &c->firmware_version,
    };
    if (texts[column])
        *texts[column] = (struct device_text){true, text};
    else if (column == COLUMN_EXTERNAL_ID)
        row->external_id = text;
    else if (column == COLUMN_STATUS)
        read_status(row, text);
    else if (column == COLUMN_LATITUDE)
        read_place(row, &c->latitude, text, "latitude is not a number");
    else if (column == COLUMN_LONGITUDE)
        read_place(row, &c->longitude, text, "longitude is not a number");
    else
        read_place(row, &c->altitude, text, "altitude is not a number");
}

static enum err add_row(struct import_table *t, const struct bytes *fields, size_t n, uint64_t line)
{
    struct device_import_row *row = next_row(t, line);
    if (!row) return ERR_NOMEM;
    if (n != t->column_n) {
        row->why = "the row has another number of fields than the header";
        return ERR_OK;
    }
    for (size_t i = 0; i < n && !row->why; i++) {
        struct bytes text = bytes_trim(fields[i]);
        if (!text.n) continue;
        text = arena_copy(t->c->arena, text);
        if (!text.p) return ERR_NOMEM;
        read_field(row, t->columns[i], text);
    }
    if (!row->why && !row->external_id.n) row->why = "externalId is missing";
    return ERR_OK;
}

static enum err add_bad_row(struct import_table *t, uint64_t line, const struct why *why)
{
    struct device_import_row *row = next_row(t, line);
    if (row) row->why = arena_copy_str(t->c->arena, why->text);
    return row && row->why ? ERR_OK : ERR_NOMEM;
}

static enum err add(struct import_table *t, const struct csv_reader *reader, enum err read,
                    const struct bytes *fields, size_t n, const struct why *bad, struct why *why)
{
    if (read == ERR_TOOLARGE) return why_say(why, ERR_INVALID, "%s", bad->text);
    if (!t->column_n && read) return why_say(why, read, "%s", bad->text);
    if (!t->column_n) return read_header(t, fields, n, why);
    if (t->n == IMPORT_ROWS_MAX)
        return why_say(why, ERR_TOOLARGE, "The file may have %d rows at most.", IMPORT_ROWS_MAX);
    return read ? add_bad_row(t, reader->row_line, bad) : add_row(t, fields, n, reader->row_line);
}

static enum err read_table(struct import_table *t, struct bytes file, struct why *why)
{
    struct csv_reader reader;
    enum err e = ERR_OK;
    csv_init(&reader, NULL);
    while (!e) {
        const struct bytes *fields = NULL;
        size_t used = 0, n = 0;
        struct why bad = {""};
        enum err read = csv_read(&reader, file, true, &used, &fields, &n, &bad);
        e = read == ERR_END || read == ERR_NOMEM ? read
                                                 : add(t, &reader, read, fields, n, &bad, why);
        file = bytes_of(file.p + used, file.n - used);
    }
    csv_done(&reader);
    if (e == ERR_END && !t->column_n) return why_say(why, ERR_INVALID, "the file is empty");
    return e == ERR_END ? ERR_OK : e;
}

static void write_row(struct buf *b, const struct device_import_row *row)
{
    json_write_open(b, '{');
    json_write_member_u64(b, "line", row->line);
    json_write_member_str(b, "externalId", row->external_id);
    json_write_member_text(b, "result", row->why ? "failed" : row->created ? "created" : "updated");
    json_write_member_text(b, "error", row->why);
    json_write_close(b, '}');
}

static void write_report(struct api_call *c, const struct import_table *t)
{
    struct buf *b = c->body;
    size_t failed = 0;
    for (size_t i = 0; i < t->n; i++) failed += t->rows[i].why != NULL;
    json_write_open(b, '{');
    json_write_member_bool(b, "success", failed == 0);
    json_write_member_u64(b, "totalRecords", t->n);
    json_write_member_u64(b, "successCount", t->n - failed);
    json_write_member_u64(b, "failureCount", failed);
    json_write_key(b, "errors");
    json_write_open(b, '[');
    for (size_t i = 0; i < t->n; i++) {
        const struct device_import_row *row = &t->rows[i];
        if (!row->why) continue;
        char *text =
            arena_printf(c->arena, "line %llu: %s", (unsigned long long)row->line, row->why);
        json_write_string(b, bytes_str(text ? text : row->why));
    }
    json_write_close(b, ']');
    json_write_key(b, "results");
    json_write_open(b, '[');
    for (size_t i = 0; i < t->n; i++) write_row(b, &t->rows[i]);
    json_write_close(b, ']');
    json_write_member_text(
        b, "message", arena_printf(c->arena, "%zu of %zu devices imported", t->n - failed, t->n));
    json_write_close(b, '}');
    api_ok(c, 200);
}

/* For the ledger: one request, so many devices. */
static void note_limited(struct api_call *c, const struct import_table *t)
{
    int64_t n = 0;
    for (size_t i = 0; i < t->n; i++) n += t->rows[i].limited;
    if (n) service_call_note_refusal(c, limit_key(LIMIT_DEVICES), n);
}

void device_import_api_csv(struct api_call *c)
{
    struct import_table *t = arena_zalloc(c->arena, sizeof *t);
    struct actor actor = service_call_actor(c);
    struct why why = {""};
    struct bytes file;
    enum err e = t ? import_file_find(c, &file, &why) : ERR_NOMEM;
    if (!e) t->c = c;
    if (!e) e = read_table(t, file, &why);
    if (!e) e = device_import_run(c->app->devices, &actor, t->rows, t->n, c->arena);
    if (t) note_limited(c, t);
    if (e)
        api_fail(c, e, &why);
    else
        write_report(c, t);
}
