/* Times of any written form, read by a strptime-like pattern (see timestamp.h). */
#include "base/clock.h"
#include "codec/timestamp.h"
#include "codec/timestamp_fields.h"

struct pattern {
    const char *at, *end; /* text not yet read */
    struct timestamp_fields f;
    bool zoned, twelve, evening; /* twelve: %I was used */
    bool whole;                  /* %s gave the instant */
    int64_t ns;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool take_month_name(struct pattern *x)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (x->end - x->at < 3) return false;
    for (int m = 0; m < 12; m++) {
        if (!bytes_equal_nocase(bytes_of(names + m * 3, 3), bytes_of(x->at, 3))) continue;
        x->f.month = m + 1;
        x->at += 3;
        return true;
    }
    return false;
}

static bool take_half_day(struct pattern *x)
{
    if (x->end - x->at < 2) return false;
    struct bytes word = bytes_of(x->at, 2);
    x->evening = bytes_equal_nocase(word, BYTES("pm"));
    if (!x->evening && !bytes_equal_nocase(word, BYTES("am"))) return false;
    x->at += 2;
    return true;
}

static bool take_instant(struct pattern *x)
{
    const char *p = x->at;
    while (p < x->end && !is_blank(*p)) p++;
    if (timestamp_from_number(bytes_of(x->at, (size_t)(p - x->at)), &x->ns, NULL)) return false;
    x->at = p;
    x->whole = x->zoned = true;
    return true;
}

static bool take_digits(struct pattern *x, int min, int max, int *ret)
{
    const char *p = timestamp_fields_digits(x->at, x->end, min, max, ret);
    if (p) x->at = p;
    return p != NULL;
}

static bool take_short_year(struct pattern *x)
{
    if (!take_digits(x, 2, 2, &x->f.year)) return false;
    x->f.year += x->f.year < 70 ? 2000 : 1900;
    return true;
}

static bool take_offset(struct pattern *x)
{
    const char *p = timestamp_fields_offset(x->at, x->end, &x->f.offset_s);
    if (p) x->at = p;
    x->zoned = p != NULL;
    return x->zoned;
}

static bool take_fraction(struct pattern *x)
{
    const char *p = timestamp_fields_fraction(x->at, x->end, &x->f.fraction_ns);
    if (p) x->at = p;
    return p != NULL;
}

static bool take_hour_of_twelve(struct pattern *x)
{
    x->twelve = true;
    return take_digits(x, 1, 2, &x->f.hour) && x->f.hour >= 1 && x->f.hour <= 12;
}

/* 1 taken, 0 the text differs, -1 no such directive. */
static int take_directive(struct pattern *x, char directive)
{
    switch (directive) {
    case 'Y':
        return take_digits(x, 4, 4, &x->f.year);
    case 'y':
        return take_short_year(x);
    case 'm':
        return take_digits(x, 1, 2, &x->f.month);
    case 'b':
        return take_month_name(x);
    case 'd':
        return take_digits(x, 1, 2, &x->f.day);
    case 'H':
        return take_digits(x, 1, 2, &x->f.hour);
    case 'I':
        return take_hour_of_twelve(x);
    case 'p':
        return take_half_day(x);
    case 'M':
        return take_digits(x, 1, 2, &x->f.minute);
    case 'S':
        return take_digits(x, 1, 2, &x->f.second);
    case 'f':
        return take_fraction(x);
    case 'z':
        return take_offset(x);
    case 's':
        return take_instant(x);
    case '%':
        return x->at < x->end && *x->at++ == '%';
    default:
        return -1;
    }
}

static bool take_literal(struct pattern *x, char c)
{
    if (!is_blank(c)) return x->at < x->end && *x->at++ == c;
    if (x->at == x->end || !is_blank(*x->at)) return false;
    while (x->at < x->end && is_blank(*x->at)) x->at++;
    return true;
}

static enum err take_all(struct pattern *x, struct bytes text, const char *format, struct why *why)
{
    for (const char *f = format; *f; f++) {
        int taken = *f == '%' ? take_directive(x, *++f) : take_literal(x, *f);
        if (taken < 0)
            return why_say(
                why, ERR_IMPOSSIBLE,
                "the time format '%.60s' is not understood at '%%%.1s'; there are %%Y %%y "
                "%%m %%b %%d %%H %%I %%p %%M %%S %%f %%z %%s %%%%",
                format, f);
        if (!taken) goto differs;
    }
    if (x->at == x->end) return ERR_OK;
differs:
    return why_say(why, ERR_INVALID, "'%.*s' does not look like '%.60s'",
                   text.n > 60 ? 60 : (int)text.n, text.n ? text.p : "", format);
}

enum err timestamp_parse_format(struct bytes text, const char *format, int64_t *ret_ns,
                                bool *ret_zoned, struct why *why)
{
    text = bytes_trim(text);
    struct pattern x = {
        .at = text.p, .end = text.p + text.n, .f = {.year = 1970, .month = 1, .day = 1}};
    enum err e = take_all(&x, text, format, why);
    if (e) return e;
    if (x.twelve) x.f.hour = x.f.hour % 12 + (x.evening ? 12 : 0);
    struct why part;
    e = x.whole ? ERR_OK : timestamp_fields_join(&x.f, &x.ns, &part);
    if (e)
        return why_say(why, e, "'%.*s' is not a time: %s", text.n > 60 ? 60 : (int)text.n, text.p,
                       part.text);
    *ret_ns = x.ns;
    *ret_zoned = x.zoned;
    return ERR_OK;
}
