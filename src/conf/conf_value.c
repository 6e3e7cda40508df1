/* Values by unit (see conf_value.h). Numbers are decimal with an optional suffix from the unit's
 * table; fractions are refused but for ratios, because 0.5 batches is a mistake, not a wish. */
#include "conf/conf_value.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX_BYTES = 4096, LIST_MAX_ITEMS = 1000 };

struct suffix {
    const char *text;
    int64_t factor;
};

/* As Java's Duration style of Spring: 5000, 5s, 5m. */
static const struct suffix time_suffixes[] = {
    {"ns", 1},          {"us", NS_PER_US}, {"ms", NS_PER_MS}, {"s", NS_PER_S}, {"m", NS_PER_MINUTE},
    {"h", NS_PER_HOUR}, {"d", NS_PER_DAY},
};
/* Powers of 1024 however they are spelled, as Spring's DataSize. */
static const struct suffix byte_suffixes[] = {
    {"B", 1},        {"K", 1 << 10},   {"KB", 1 << 10}, {"KiB", 1 << 10}, {"M", 1 << 20},
    {"MB", 1 << 20}, {"MiB", 1 << 20}, {"G", 1 << 30},  {"GB", 1 << 30},  {"GiB", 1 << 30},
};

static bool find_factor(struct bytes text, const struct suffix *table, size_t n, int64_t *ret)
{
    for (size_t i = 0; i < n; i++)
        if (bytes_equal_nocase(text, bytes_str(table[i].text))) {
            *ret = table[i].factor;
            return true;
        }
    return false;
}

/* Digits, blanks, suffix; a bare number counts in `bare`. */
static bool parse_scaled(struct bytes text, const struct suffix *table, size_t n, int64_t bare,
                         int64_t *ret)
{
    size_t digits = 0;
    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9') digits++;
    int64_t number, factor = bare;
    if (!bytes_to_i64(bytes_of(text.p, digits), &number)) return false;
    struct bytes rest = bytes_trim(bytes_of(text.p + digits, text.n - digits));
    if (rest.n && !find_factor(rest, table, n, &factor)) return false;
    return !__builtin_mul_overflow(number, factor, ret);
}

static int64_t unit_ns(enum conf_unit unit)
{
    return unit == CONF_MS ? NS_PER_MS : unit == CONF_S ? NS_PER_S : 1;
}

static bool parse_bool(struct bytes text, int64_t *ret)
{
    static const char *const words[] = {"false", "no", "off", "0", "true", "yes", "on", "1"};
    for (int i = 0; i < 8; i++)
        if (bytes_equal_nocase(text, bytes_str(words[i]))) {
            *ret = i >= 4;
            return true;
        }
    return false;
}

static bool parse_choice(struct bytes text, const char *words, int64_t *ret)
{
    struct bytes rest = bytes_str(words), word;
    for (int64_t i = 0; rest.p; i++) {
        rest = bytes_cut(rest, '|', &word);
        if (bytes_equal_nocase(word, text)) {
            *ret = i;
            return true;
        }
    }
    return false;
}

/* A plain decimal: digits with a point, no exponent, no "nan". */
static bool parse_ratio(struct bytes text, double *ret)
{
    char copy[40];
    if (!text.n || text.n >= sizeof copy) return false;
    for (size_t i = 0; i < text.n; i++)
        if (!strchr("0123456789.", text.p[i])) return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    char *end;
    *ret = strtod(copy, &end);
    return end == copy + text.n;
}

static size_t count_items(struct bytes text)
{
    size_t n = 0;
    for (struct bytes item; text.p && text.n;) {
        text = bytes_cut(text, ',', &item);
        if (bytes_trim(item).n) n++;
    }
    return n;
}

/* Items without blanks around them; empty ones are left out. */
static enum err parse_list(struct bytes text, struct arena *arena, struct conf_value *ret,
                           size_t *ret_n)
{
    size_t n = 0, count = count_items(text);
    const char **list = arena_array(arena, count + 1, sizeof *list);
    if (!list) return ERR_NOMEM;
    for (struct bytes item; text.p && text.n;) {
        text = bytes_cut(text, ',', &item);
        item = bytes_trim(item);
        if (!item.n) continue;
        list[n] = arena_copy(arena, item).p;
        if (!list[n++]) return ERR_NOMEM;
    }
    list[n] = NULL;
    ret->list = list;
    *ret_n = n;
    return ERR_OK;
}

static bool in_range(const struct conf_entry *entry, double v)
{
    if ((entry->flags & CONF_NO_ZERO) && v == 0) return true;
    return v >= entry->min && v <= entry->max;
}

static bool in_count(const struct conf_entry *entry, size_t n, double most)
{
    double max = entry->max > 0 ? entry->max : most;
    return in_range(&(struct conf_entry){.min = entry->min, .max = max, .flags = entry->flags},
                    (double)n);
}

static enum err parse_text(const struct conf_entry *entry, struct bytes s, struct arena *arena,
                           struct conf_value *v)
{
    v->text = arena_copy(arena, s).p;
    if (!v->text) return ERR_NOMEM;
    return in_count(entry, s.n, TEXT_MAX_BYTES) ? ERR_OK : ERR_INVALID;
}

enum err conf_value_parse(const struct conf_entry *entry, const char *text, struct arena *arena,
                          struct conf_value *ret)
{
    struct conf_value v = {0, 0, "", NULL};
    struct bytes raw = bytes_str(text), s = bytes_trim(raw);
    enum err e = ERR_OK;
    size_t n = 0;
    bool ok = true;
    switch (entry->unit) {
    case CONF_COUNT:
        ok = bytes_to_i64(s, &v.integer) && in_range(entry, (double)v.integer);
        break;
    case CONF_MS:
    case CONF_S:
        ok = parse_scaled(s, time_suffixes, sizeof time_suffixes / sizeof time_suffixes[0],
                          unit_ns(entry->unit), &v.integer) &&
             in_range(entry, (double)v.integer / (double)unit_ns(entry->unit));
        break;
    case CONF_BYTES:
        ok = parse_scaled(s, byte_suffixes, sizeof byte_suffixes / sizeof byte_suffixes[0], 1,
                          &v.integer) &&
             in_range(entry, (double)v.integer);
        break;
    case CONF_RATIO:
        ok = parse_ratio(s, &v.real) && in_range(entry, v.real);
        break;
    case CONF_BOOL:
        ok = parse_bool(s, &v.integer);
        break;
    case CONF_CHOICE:
        ok = parse_choice(s, entry->more, &v.integer);
        break;
    case CONF_TEXT:
        e = parse_text(entry, entry->flags & CONF_SECRET ? raw : s, arena, &v);
        break;
    case CONF_LIST:
        e = parse_list(s, arena, &v, &n);
        ok = in_count(entry, n, LIST_MAX_ITEMS);
        break;
    }
    if (e) return e;
    if (!ok) return ERR_INVALID;
    *ret = v;
    return ERR_OK;
}

void conf_value_store(const struct conf_entry *entry, const struct conf_value *v, void *at)
{
    switch (entry->unit) {
    case CONF_COUNT:
    case CONF_MS:
    case CONF_S:
    case CONF_BYTES:
        *(int64_t *)at = v->integer;
        return;
    case CONF_RATIO:
        *(double *)at = v->real;
        return;
    case CONF_BOOL:
        *(bool *)at = v->integer != 0;
        return;
    case CONF_CHOICE:
        *(int *)at = (int)v->integer;
        return;
    case CONF_TEXT:
        *(const char **)at = v->text;
        return;
    case CONF_LIST:
        *(const char *const **)at = v->list;
        return;
    }
}

static void say_choices(const char *words, struct buf *out)
{
    struct bytes rest = bytes_str(words), word;
    buf_add_str(out, "one of ");
    for (bool first = true; rest.p; first = false) {
        rest = bytes_cut(rest, '|', &word);
        if (!first) buf_add_str(out, ", ");
        buf_add_bytes(out, word);
    }
}

void conf_say_range(const struct conf_entry *entry, struct buf *out)
{
    static const char *const names[] = {
        [CONF_COUNT] = "a whole number",
        [CONF_MS] = "milliseconds (5000) or a duration (5s, 5m)",
        [CONF_S] = "seconds (300) or a duration (5m, 1h)",
        [CONF_BYTES] = "bytes (1048576, 64KiB, 64MiB, 1GiB)",
        [CONF_RATIO] = "a decimal number",
        [CONF_BOOL] = "true or false",
        [CONF_TEXT] = "text",
        [CONF_LIST] = "a comma-separated list",
    };
    if (entry->unit == CONF_CHOICE) {
        say_choices(entry->more, out);
        return;
    }
    buf_add_str(out, names[entry->unit]);
    if (entry->max <= 0) return;
    buf_printf(out, " from %.15g to %.15g", entry->min, entry->max);
    if (entry->unit == CONF_MS) buf_add_str(out, " ms");
    if (entry->unit == CONF_S) buf_add_str(out, " s");
    if (entry->unit == CONF_TEXT) buf_add_str(out, " bytes long");
    if (entry->unit == CONF_LIST) buf_add_str(out, " items");
    if (entry->flags & CONF_NO_ZERO) buf_add_str(out, ", or 0");
}
