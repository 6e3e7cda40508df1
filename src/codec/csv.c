/* CSV rows (see csv.h). A row is read twice: once to find its end, the only thing that can run into
 * missing bytes, and once to cut its fields, with room for the whole row reserved beforehand, so
 * that fields may point into the scratch while it fills. */
#include "codec/csv.h"

#include "base/mem.h"
#include "codec/number.h"

enum { ROW_BYTES = 1 << 20, FIELDS = 1024, FIELDS_FIRST = 16 };

void csv_init(struct csv_reader *r, const struct csv_opts *opts)
{
    *r = (struct csv_reader){.line = 1, .row_line = 1};
    if (opts) r->opts = *opts;
    if (!r->opts.separator) r->opts.separator = ',';
    if (!r->opts.max_row_bytes) r->opts.max_row_bytes = ROW_BYTES;
    if (!r->opts.max_fields) r->opts.max_fields = FIELDS;
    buf_init(&r->scratch, r->opts.max_row_bytes);
}

void csv_done(struct csv_reader *r)
{
    buf_done(&r->scratch);
    mem_free(r->fields);
    r->fields = NULL;
    r->field_cap = 0;
}

/* --- the end of a row ------------------------------------------------------------------------- */

struct row {
    size_t n;     /* bytes of the row without its line break */
    size_t used;  /* with it */
    size_t lines; /* breaks in it, its own included */
};

enum place { START, BARE, QUOTED, CLOSED }; /* START: of a field; CLOSED: behind a quote */

static enum place step(enum place at, char c, char separator)
{
    if (at == QUOTED) return c == '"' ? CLOSED : QUOTED;
    if (c == separator) return START;
    if (c == '"' && at != BARE) return QUOTED; /* from CLOSED: a doubled quote */
    return BARE;
}

/* A break that is not inside quotes. false: there is none in the window. */
static bool find_end(const struct csv_reader *r, struct bytes w, struct row *row)
{
    enum place at = START;
    *row = (struct row){.n = w.n, .used = w.n};
    for (size_t i = 0; i < w.n; i++) {
        if (w.p[i] != '\n') {
            at = step(at, w.p[i], r->opts.separator);
            continue;
        }
        row->lines++;
        if (at == QUOTED) continue;
        row->n = i && w.p[i - 1] == '\r' ? i - 1 : i;
        row->used = i + 1;
        return true;
    }
    return false;
}

/* --- the fields of a row ---------------------------------------------------------------------- */

static enum err add_field(struct csv_reader *r, size_t *n, struct bytes field, struct why *why)
{
    if (*n == r->opts.max_fields)
        return why_say(why, ERR_TOOLARGE, "line %llu: more than %zu fields",
                       (unsigned long long)r->row_line, r->opts.max_fields);
    if (*n == r->field_cap) {
        size_t cap = r->field_cap ? r->field_cap * 2 : FIELDS_FIRST;
        struct bytes *p = mem_realloc(r->fields, cap * sizeof *p);
        if (!p) return ERR_NOMEM;
        r->fields = p;
        r->field_cap = cap;
    }
    r->fields[(*n)++] = field;
    return ERR_OK;
}

static enum err bad(const struct csv_reader *r, size_t field, const char *what, struct why *why)
{
    return why_say(why, ERR_INVALID, "line %llu, field %zu: %s", (unsigned long long)r->row_line,
                   field + 1, what);
}

/* NUL and CR stand in no field that is not quoted, a quote only at its start. */
static const char *take_bare(const char *p, const char *end, char separator, const char **ret_error)
{
    *ret_error = NULL;
    for (; p < end && *p != separator; p++) {
        if (*p == '"') *ret_error = "a quote inside a field that does not begin with one";
        if (*p == '\r') *ret_error = "a carriage return without a line feed";
        if (*p == 0) *ret_error = "a NUL byte";
    }
    return p;
}

/* p stands behind the opening quote. Without doubled quotes the field stays in the window. */
static const char *take_quoted(struct csv_reader *r, const char *p, const char *end,
                               struct bytes *ret, const char **ret_error)
{
    size_t from = r->scratch.n;
    const char *start = p;
    bool doubled = false;
    *ret_error = NULL;
    for (;; p++) {
        const char *quote = p < end ? memchr(p, '"', (size_t)(end - p)) : NULL;
        const char *stop = quote ? quote : end;
        bool twice = quote && quote + 1 < end && quote[1] == '"';
        if (doubled || twice) buf_add(&r->scratch, p, (size_t)(stop - p) + twice);
        doubled |= twice;
        p = stop + twice;
        if (twice) continue;
        if (!quote) *ret_error = "the quotes are never closed";
        *ret = doubled ? bytes_of(r->scratch.p + from, r->scratch.n - from)
                       : bytes_of(start, (size_t)(stop - start));
        return quote ? quote + 1 : end;
    }
}

static enum err cut_fields(struct csv_reader *r, struct bytes row, size_t *ret_n, struct why *why)
{
    const char *p = row.p, *end = row.p + row.n, *error;
    size_t n = 0;
    buf_clear(&r->scratch);
    if (!buf_reserve(&r->scratch, row.n)) return r->scratch.err;
    for (;; p++) {
        struct bytes field;
        if (p < end && *p == '"') {
            p = take_quoted(r, p + 1, end, &field, &error);
            if (!error && p < end && *p != r->opts.separator)
                error = "something stands behind the closing quote";
        } else {
            const char *start = p;
            p = take_bare(p, end, r->opts.separator, &error);
            field = bytes_of(start, (size_t)(p - start));
        }
        if (error) return bad(r, n, error, why);
        enum err e = add_field(r, &n, field, why);
        if (e) return e;
        if (p == end) break;
    }
    *ret_n = n;
    return ERR_OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* Bytes in front of the next row: byte order mark and empty lines. */
static size_t pass_blank(struct csv_reader *r, struct bytes w, bool final)
{
    const struct bytes mark = BYTES("\xef\xbb\xbf");
    size_t at = 0;
    bool undecided = !final && w.n < mark.n && bytes_starts(mark, w);
    if (!r->begun && !undecided) {
        r->begun = true;
        if (bytes_starts(w, mark)) at = mark.n;
    }
    for (; r->begun && at < w.n; r->line++) {
        if (w.p[at] == '\r' && w.n - at >= 2 && w.p[at + 1] == '\n')
            at += 2;
        else if (w.p[at] == '\n')
            at++;
        else
            break;
    }
    return at;
}

enum err csv_read(struct csv_reader *r, struct bytes window, bool final, size_t *ret_used,
                  const struct bytes **ret_fields, size_t *ret_n, struct why *why)
{
    uint64_t line = r->line;
    bool begun = r->begun;
    size_t blank = pass_blank(r, window, final);
    struct bytes rest = bytes_of(window.p + blank, window.n - blank);
    struct row row;
    if (final && !rest.n) {
        *ret_used = window.n;
        return ERR_END;
    }
    bool whole = find_end(r, rest, &row);
    if (row.n > r->opts.max_row_bytes)
        return why_say(why, ERR_TOOLARGE, "line %llu: the row is longer than %zu bytes",
                       (unsigned long long)r->line, r->opts.max_row_bytes);
    if (!whole && !final) { /* all of it comes again: forget what was passed */
        r->line = line;
        r->begun = begun;
        return ERR_MORE;
    }
    r->row_line = r->line;
    r->line += row.lines;
    *ret_used = blank + row.used;
    enum err e = cut_fields(r, bytes_of(rest.p, row.n), ret_n, why);
    if (!e) *ret_fields = r->fields;
    return e;
}

/* --- out -------------------------------------------------------------------------------------- */

void csv_write_field(struct buf *b, struct bytes field)
{
    bool quotes = field.n && (field.p[0] == ' ' || field.p[field.n - 1] == ' ');
    for (size_t i = 0; i < field.n && !quotes; i++)
        quotes = memchr("\",\r\n;\t", field.p[i], 6) != NULL;
    if (!quotes) {
        buf_add_bytes(b, field);
        return;
    }
    buf_add_char(b, '"');
    while (field.p) {
        struct bytes head;
        field = bytes_cut(field, '"', &head);
        buf_add_bytes(b, head);
        if (field.p) buf_add_str(b, "\"\"");
    }
    buf_add_char(b, '"');
}

void csv_write_number(struct buf *b, double v)
{
    char *p = buf_reserve(b, NUMBER_TEXT_MAX);
    if (p) buf_advance(b, number_format(v, p));
}
