/* Lines, fields and values of line protocol (see line_protocol.h). */
#include "codec/line_protocol.h"

#include "codec/line_series.h"
#include "codec/number.h"

struct decoder {
    const char *at, *end;
    uint32_t line; /* of `at`, from 1 */
    int64_t unit_ns;
    struct raw_batch *batch;
    struct line_series series;
    struct bytes blamed; /* the word an error is about, empty: none */
    bool unclosed;       /* quotes were open at the end of the body: breaks inside them count */
    enum err e;          /* NOMEM or TOOLARGE: the body ends here */
};

bool line_protocol_unit(struct bytes precision, int64_t *ret_unit_ns)
{
    static const struct {
        const char *name;
        int64_t unit_ns;
    } units[] = {
        {"", 1},
        {"ns", 1},
        {"n", 1},
        {"us", 1000},
        {"u", 1000},
        {"\xc2\xb5", 1000}, /* micro sign */
        {"\xc2\xb5s", 1000},
        {"\xce\xbc", 1000}, /* Greek mu, which looks the same */
        {"\xce\xbcs", 1000},
        {"ms", 1000000},
        {"s", 1000000000},
        {"m", INT64_C(60000000000)},
        {"h", INT64_C(3600000000000)},
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (bytes_is(precision, units[i].name)) {
            *ret_unit_ns = units[i].unit_ns;
            return true;
        }
    return false;
}

/* --- values ----------------------------------------------------------------------------------- */

static inline bool ends_value(const struct decoder *d, const char *p)
{
    return p == d->end || *p == ',' || *p == ' ' || *p == '\n' || *p == '\r';
}

/* d->at stands behind the opening quote. */
static const char *take_string(struct decoder *d)
{
    for (const char *p = d->at; p < d->end; p++) {
        if (*p == '\n') d->line++;
        if (*p == '\\' && p + 1 < d->end && (p[1] == '"' || p[1] == '\\')) {
            p++;
        } else if (*p == '"') {
            d->at = p + 1;
            return ends_value(d, d->at) ? NULL : "a string is followed by ',' or a blank";
        }
    }
    return "the quotes of a string are never closed";
}

static bool read_boolean(struct bytes word, double *ret)
{
    static const char *const words[] = {"t", "T", "true",  "True",  "TRUE",
                                        "f", "F", "false", "False", "FALSE"};
    for (size_t i = 0; i < 10; i++)
        if (bytes_is(word, words[i])) {
            *ret = i < 5;
            return true;
        }
    return false;
}

/* 42i and 42u: whole numbers of 64 bits; the suffix is cut off already. */
static bool read_integer(struct bytes digits, char suffix, double *ret)
{
    int64_t i;
    uint64_t u;
    if (suffix == 'i' && bytes_to_i64(digits, &i))
        *ret = (double)i;
    else if (suffix == 'u' && bytes_to_u64(digits, &u))
        *ret = (double)u;
    else
        return false;
    return true;
}

/* Anything that is not a plain float: the word up to the next delimiter. */
static const char *take_word_value(struct decoder *d, double *ret)
{
    const char *p = d->at;
    while (!ends_value(d, p)) p++;
    struct bytes word = bytes_of(d->at, (size_t)(p - d->at));
    d->blamed = word;
    if (!word.n) return "a field without a value";
    d->at = p;
    if (read_boolean(word, ret)) return NULL;
    struct bytes body = bytes_of(word.p, word.n - 1);
    char suffix = word.p[body.n];
    if (suffix == 'i' || suffix == 'u')
        return read_integer(body, suffix, ret) ? NULL : "is not a 64-bit integer";
    const char *at = body.p, *end = body.p + body.n;
    if (suffix == 'f' && !number_read_loose(&at, end, ret) && at == end) return NULL;
    return "is neither a number, a boolean nor a quoted string";
}

/* The value of a field; *ret_stored false: a string. */
static inline const char *take_value(struct decoder *d, bool *ret_stored, double *ret)
{
    *ret_stored = true;
    if (d->at < d->end && *d->at == '"') {
        *ret_stored = false;
        d->at++;
        return take_string(d);
    }
    const char *p = d->at;
    enum err e = number_read_loose(&p, d->end, ret);
    if (e == ERR_INVALID || !ends_value(d, p)) return take_word_value(d, ret);
    d->blamed = bytes_of(d->at, (size_t)(p - d->at));
    d->at = p;
    return e ? "is too large for a double" : NULL;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* All fields of the line into the batch. */
static const char *take_fields(struct decoder *d)
{
    bool settled = false;
    for (;; d->at++) {
        struct line_word key =
            line_word_take(&d->at, d->end, LINE_EQUALS | LINE_COMMA | LINE_BLANK | LINE_BREAK);
        d->blamed = key.raw;
        if (d->at == d->end || *d->at != '=')
            return key.raw.n ? "is a field without '='" : "a field is missing";
        d->at++;
        bool stored;
        double v;
        const char *error = take_value(d, &stored, &v);
        if (error) return error;
        bool more = d->at < d->end && *d->at == ',';
        if (!settled) {
            bool variable_names = d->series.variable.p && !more && bytes_is(key.raw, "value");
            d->blamed = bytes_of(NULL, 0);
            error = line_series_settle(&d->series, variable_names);
            if (error) return error;
            if (variable_names) key = (struct line_word){.raw = d->series.variable, .odd = true};
            settled = true;
        }
        struct bytes name;
        d->blamed = key.raw;
        error = line_series_name(&d->series, &key, &name, &d->e);
        if (error) return error;
        if (!stored)
            d->batch->skipped_fields++;
        else if ((d->e = raw_batch_add_value(d->batch, name, v)))
            return "no room";
        if (!more) return NULL;
    }
}

static inline void skip_blanks(struct decoder *d)
{
    while (d->at < d->end && (*d->at == ' ' || *d->at == '\t')) d->at++;
}

/* At the end of the line, the break itself not taken? */
static bool at_break(const struct decoder *d)
{
    return d->at == d->end || *d->at == '\n' ||
           (*d->at == '\r' && (d->at + 1 == d->end || d->at[1] == '\n'));
}

static const char *take_timestamp(struct decoder *d, struct raw_record *r)
{
    skip_blanks(d);
    if (at_break(d)) return NULL;
    const char *start = d->at;
    while (d->at < d->end && *d->at != ' ' && *d->at != '\n' && *d->at != '\r') d->at++;
    d->blamed = bytes_of(start, (size_t)(d->at - start));
    int64_t v;
    if (!bytes_to_i64(d->blamed, &v) || __builtin_mul_overflow(v, d->unit_ns, &r->ts_ns))
        return "is not a timestamp of the stated precision";
    r->has_time = true;
    skip_blanks(d);
    return at_break(d) ? NULL : "there is something behind the timestamp";
}

static bool stands_before(const struct line_series *s, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (s->tags[k].role == LINE_TAG_PROPERTY && bytes_equal(s->tags[k].key, s->tags[i].key))
            return true;
    return false;
}

static const char *add_properties(struct decoder *d, struct raw_record *r)
{
    const struct line_series *s = &d->series;
    for (size_t i = 0; i < s->tag_count && !d->e; i++) {
        const struct line_tag *t = &s->tags[i];
        if (t->role != LINE_TAG_PROPERTY) continue;
        d->blamed = t->key;
        const char *error = raw_batch_text_error(t->value);
        if (error) return error;
        if (stands_before(s, i)) return "a tag stands twice";
        if (raw_batch_set_metadata(r, t->key, t->value)) continue;
        d->e = raw_batch_add_property(d->batch, t->key, t->value);
        r->property_count++;
    }
    return NULL;
}

static const char *take_line(struct decoder *d, struct raw_record *r)
{
    d->blamed = bytes_of(NULL, 0);
    const char *error = line_series_read(&d->series, &d->at, d->end, &d->e);
    if (error) return error;
    r->device_id = d->series.device;
    if (d->at == d->end || *d->at != ' ') return "there are no fields";
    skip_blanks(d);
    error = take_fields(d);
    if (error) return error;
    r->count = (uint32_t)(d->batch->value_count - r->first);
    error = take_timestamp(d, r);
    return error ? error : add_properties(d, r);
}

/* The break that ends the bad line at `start`, breaks inside quoted field values not counted. When
 * quotes stay open to the end of the body it is the first break of all, now and for every later bad
 * line: looking for the end again and again would take quadratic time. */
static const char *find_break(struct decoder *d, const char *start)
{
    bool quoted = false, fields = false;
    const char *end = d->end, *first = memchr(start, '\n', (size_t)(end - start));
    if (!first || d->unclosed) return first ? first : end;
    uint32_t breaks = 0;
    for (const char *p = start; p < end; p++) {
        if (*p == '\\' && p + 1 < end && p[1] != '\n') {
            p++;
        } else if (*p == '"' && fields && (quoted || p[-1] == '=')) {
            quoted = !quoted;
        } else if (*p == '\n' && !quoted) {
            d->line += breaks;
            return p;
        }
        breaks += *p == '\n';
        fields |= *p == ' ' && p > start;
    }
    d->unclosed = quoted;
    return quoted ? first : end;
}

/* "'12x' is neither …"; falls back to the bare sentence without memory for it. */
static const char *sentence(struct decoder *d, const char *error)
{
    if (!d->blamed.n) return error;
    int n = d->blamed.n > 60 ? 60 : (int)d->blamed.n;
    const char *text = arena_printf(d->series.arena, "'%.*s'%s%s", n, d->blamed.p,
                                    strncmp(error, "is ", 3) == 0 ? " " : ": ", error);
    return text ? text : error;
}

/* One line that is neither blank nor a comment. */
static void decode_line(struct decoder *d)
{
    const char *start = d->at;
    uint32_t line = d->line;
    size_t skipped = d->batch->skipped_fields;
    struct raw_record *r;
    d->e = raw_batch_add_record(d->batch, line, &r);
    if (d->e) return;
    const char *error = take_line(d, r);
    if (d->e) return;
    if (error) {
        d->batch->skipped_fields = skipped;
        r->has_time = false;
        raw_batch_spoil(d->batch, sentence(d, error));
        d->line = line;
        d->at = find_break(d, start);
    } else if (!r->count) { /* strings only: keeps L4 */
        d->batch->property_count = r->first_property;
        d->batch->record_count--;
    }
}

/* Goes to the first byte of the next line that says something; false at the end. */
static bool next_line(struct decoder *d)
{
    for (;; d->at++) {
        while (d->at < d->end && (*d->at == ' ' || *d->at == '\t' || *d->at == '\r')) d->at++;
        if (d->at < d->end && *d->at == '#') {
            const char *end = memchr(d->at, '\n', (size_t)(d->end - d->at));
            d->at = end ? end : d->end;
        }
        if (d->at == d->end) return false;
        if (*d->at != '\n') return true;
        d->line++;
    }
}

enum err line_protocol_decode(struct bytes body, const struct line_protocol_opts *opts,
                              struct arena *arena, struct raw_batch *batch, struct why *why)
{
    struct decoder d; /* most of it is the tags of a line, which need no zeroing */
    d.at = body.p;
    d.end = body.p + body.n;
    d.line = 1;
    d.unit_ns = opts->unit_ns ? opts->unit_ns : 1;
    d.batch = batch;
    d.series.arena = arena;
    d.series.property_tags = opts->property_tags;
    d.series.property_tag_count = opts->property_tag_count;
    d.series.names = NULL;
    d.unclosed = false;
    d.e = ERR_OK;
    while (!d.e && next_line(&d)) decode_line(&d);
    if (d.e == ERR_TOOLARGE)
        return why_say(why, d.e, "the body holds more than %zu lines or %zu values",
                       batch->record_max, batch->value_max);
    if (d.e) return why_say(why, d.e, "not enough memory to read the body");
    return ERR_OK;
}
