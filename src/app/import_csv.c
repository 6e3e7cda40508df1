/* CSV as records (see import_read.h). The header decides once what each column is; a row is then
 * walked column by column. */
#include "app/import_read.h"

#include "base/mem.h"
#include "codec/csv.h"
#include "codec/number.h"

#include <errno.h>
#include <stdio.h>

enum { WINDOW_BYTES = 1 << 20, SHOWN = 40 };

enum role { ROLE_IGNORED, ROLE_TIME, ROLE_DEVICE, ROLE_VALUE };

struct column {
    enum role role;
    char *name; /* owned: the variable, or the header's text */
};

struct table {
    const struct import_opts *opts;
    struct import_clock clock;
    import_visit *visit;
    void *ctx;
    struct import_seen *seen;
    struct why *why;
    struct csv_reader csv;
    struct column *columns;
    size_t column_count;
    bool has_time, has_device;
    struct bytes *names; /* of one record */
    double *values;
};

/* --- the header ------------------------------------------------------------------------------ */

/* Is `name` an item of the comma-separated list? With "a=b" items, *ret_as is what stands
 * behind. */
static bool in_list(const char *list, struct bytes name, struct bytes *ret_as)
{
    struct bytes item, rest = bytes_str(list);
    while (rest.p) {
        rest = bytes_cut(rest, ',', &item);
        struct bytes from, as = bytes_cut(item, '=', &from);
        if (!ret_as) from = item;
        if (!bytes_equal(bytes_trim(from), name)) continue;
        if (ret_as) *ret_as = as.p ? bytes_trim(as) : name;
        return true;
    }
    return false;
}

static bool is_any(struct bytes name, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes_equal_nocase(name, bytes_str(words[i]))) return true;
    return false;
}

static bool is_time_column(const struct table *t, struct bytes name)
{
    static const char *const usual[] = {"timestamp", "time", "ts"};
    if (t->opts->time_column) return bytes_is(name, t->opts->time_column);
    return !t->has_time && is_any(name, usual, 3);
}

static bool is_device_column(const struct table *t, struct bytes name)
{
    static const char *const usual[] = {"deviceId", "device_id", "device", "externalId"};
    return !t->opts->device && !t->has_device && is_any(name, usual, 4);
}

static enum err take_header_field(struct table *t, size_t i, struct bytes name)
{
    struct column *column = &t->columns[i];
    struct bytes as = name;
    const struct import_opts *o = t->opts;
    if (is_time_column(t, name)) {
        column->role = ROLE_TIME;
        t->has_time = true;
    } else if (o->skip && in_list(o->skip, name, NULL)) {
        column->role = ROLE_IGNORED;
    } else if (is_device_column(t, name)) {
        column->role = ROLE_DEVICE;
        t->has_device = true;
    } else if (!o->columns || in_list(o->columns, name, &as)) {
        column->role = ROLE_VALUE;
    }
    if (column->role == ROLE_VALUE && !as.n)
        return why_say(t->why, ERR_INVALID, "column %zu has no name; --skip \"\" leaves it out",
                       i + 1);
    column->name = mem_copy(as.p ? as.p : "", as.n);
    return column->name ? ERR_OK : ERR_NOMEM;
}

/* Every name in --columns must stand in the header: a typo would silently import nothing. */
static enum err check_wanted(const struct table *t, const struct bytes *fields, size_t n)
{
    struct bytes item, rest = bytes_str(t->opts->columns);
    while (rest.p) {
        rest = bytes_cut(rest, ',', &item);
        struct bytes from;
        (void)bytes_cut(item, '=', &from);
        from = bytes_trim(from);
        size_t i = 0;
        while (i < n && !bytes_equal(bytes_trim(fields[i]), from)) i++;
        if (i == n)
            return why_say(t->why, ERR_INVALID, "--columns: the header has no column '%.*s'",
                           (int)(from.n < SHOWN ? from.n : SHOWN), from.p);
    }
    return ERR_OK;
}

static enum err take_header(struct table *t, const struct bytes *fields, size_t n)
{
    t->columns = mem_array(n, sizeof *t->columns);
    t->names = mem_array(n, sizeof *t->names);
    t->values = mem_array(n, sizeof *t->values);
    if (!t->columns || !t->names || !t->values) return ERR_NOMEM;
    t->column_count = n;
    enum err e = t->opts->columns ? check_wanted(t, fields, n) : ERR_OK;
    for (size_t i = 0; !e && i < n; i++) e = take_header_field(t, i, bytes_trim(fields[i]));
    if (e) return e;
    if (!t->has_time)
        return why_say(t->why, ERR_INVALID, "the header has no column '%s'; --time-column names it",
                       t->opts->time_column ? t->opts->time_column : "timestamp");
    if (!t->opts->device && !t->has_device)
        return why_say(t->why, ERR_INVALID, "no --device, and the header has no column 'deviceId'");
    return ERR_OK;
}

/* --- rows ------------------------------------------------------------------------------------ */

static bool is_missing(struct bytes text)
{
    static const char *const words[] = {"", "NA", "N/A", "null", "NaN", "?"};
    return is_any(text, words, 6);
}

static enum err refuse_field(const struct table *t, size_t i, struct bytes text, const char *what)
{
    return why_say(t->why, ERR_INVALID, "line %llu, column %s: '%.*s' %s",
                   (unsigned long long)t->csv.row_line, t->columns[i].name,
                   (int)(text.n < SHOWN ? text.n : SHOWN), text.p, what);
}

static enum err take_value(struct table *t, size_t i, struct bytes text, struct import_record *r)
{
    double value = 0;
    if (is_missing(text)) {
        t->seen->missing++;
        return ERR_OK;
    }
    if (bytes_equal_nocase(text, BYTES("true")))
        value = 1;
    else if (!bytes_equal_nocase(text, BYTES("false")) && number_parse(text, &value))
        return refuse_field(t, i, text, "is not a number; --skip leaves the column out");
    t->names[r->n] = bytes_str(t->columns[i].name);
    t->values[r->n++] = value;
    return ERR_OK;
}

static enum err take_time(struct table *t, size_t i, struct bytes text, struct import_record *r)
{
    struct why inner = {""};
    r->timed = true;
    if (!import_clock_read(&t->clock, text, &r->ts_ns, &inner)) return ERR_OK;
    char what[160];
    snprintf(what, sizeof what, "is not a time: %.120s", inner.text);
    return refuse_field(t, i, text, what);
}

static enum err take_row(struct table *t, const struct bytes *fields, size_t n)
{
    struct import_record r = {.line = t->csv.row_line,
                              .device = bytes_str(t->opts->device),
                              .names = t->names,
                              .values = t->values};
    if (r.line < t->opts->from_line) return ERR_OK;
    if (n != t->column_count)
        return why_say(t->why, ERR_INVALID, "line %llu has %zu fields where the header has %zu",
                       (unsigned long long)r.line, n, t->column_count);
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < n; i++) {
        struct bytes text = bytes_trim(fields[i]);
        if (t->columns[i].role == ROLE_TIME) e = take_time(t, i, text, &r);
        if (t->columns[i].role == ROLE_VALUE) e = take_value(t, i, text, &r);
        if (t->columns[i].role == ROLE_DEVICE) r.device = text;
    }
    if (!e && !r.device.n)
        e = why_say(t->why, ERR_INVALID, "line %llu names no device", (unsigned long long)r.line);
    if (e) return e;
    if (r.n) return t->visit(t->ctx, &r);
    t->seen->empty_records++;
    return ERR_OK;
}

/* All whole rows of the window; what is left of it is moved to the front. */
static enum err take_window(struct table *t, struct buf *window, bool final)
{
    size_t at = 0;
    enum err e;
    do {
        const struct bytes *fields;
        size_t used = 0, n = 0;
        e = csv_read(&t->csv, bytes_of(window->p + at, window->n - at), final, &used, &fields, &n,
                     t->why);
        if (e) break;
        at += used;
        t->seen->bytes += used;
        e = t->columns ? take_row(t, fields, n) : take_header(t, fields, n);
    } while (!e);
    buf_shift(window, at);
    return e;
}

static enum err read_rows(struct table *t, FILE *f)
{
    struct buf window;
    buf_init(&window, 4 * WINDOW_BYTES);
    enum err e = ERR_MORE;
    while (e == ERR_MORE) {
        char *room = buf_reserve(&window, WINDOW_BYTES);
        if (!room) {
            e = window.err;
            break;
        }
        buf_advance(&window, fread(room, 1, WINDOW_BYTES, f));
        e = ferror(f) ? ERR_IO : take_window(t, &window, feof(f));
    }
    buf_done(&window);
    return e == ERR_END ? ERR_OK : e;
}

enum err import_csv_read(const char *path, const struct import_opts *opts, import_visit *visit,
                         void *ctx, struct import_seen *seen, struct why *why)
{
    struct table t = {.opts = opts, .visit = visit, .ctx = ctx, .seen = seen, .why = why};
    enum err e = import_clock_init(&t.clock, opts, why);
    if (e) return e;
    FILE *f = fopen(path, "rb");
    if (!f) return why_say(why, err_from_errno(errno), "%.150s: %s", path, strerror(errno));
    csv_init(&t.csv, &(struct csv_opts){.max_fields = IMPORT_COLUMNS_MAX});
    e = read_rows(&t, f);
    if (!e && !t.columns) e = why_say(why, ERR_INVALID, "%.150s is empty", path);
    csv_done(&t.csv);
    fclose(f);
    for (size_t i = 0; t.columns && i < t.column_count; i++) mem_free(t.columns[i].name);
    mem_free(t.columns);
    mem_free(t.names);
    mem_free(t.values);
    return e;
}
