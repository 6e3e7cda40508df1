/* Instants as text and numbers (see timestamp.h). */
#include "codec/timestamp.h"

#include "base/clock.h"
#include "codec/timestamp_fields.h"

static const char *const RANGE_WHY = "times reach from 1677-09-21 to 2262-04-11";

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Days by counting in years that begin in March, so that a leap day is the last day of its year. */
int64_t timestamp_days(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t m = month > 2 ? (int64_t)month - 3 : (int64_t)month + 9;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * m + 2) / 5 + (int64_t)day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468; /* 719468: 0000-03-01 to 1970-01-01 */
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Is there such a date and time? The sentence names the first field that is wrong. */
static enum err check(const struct timestamp_fields *f, struct why *why)
{
    if (f->month < 1 || f->month > 12)
        return why_say(why, ERR_INVALID, "there is no month %d", f->month);
    if (f->day < 1 || f->day > days_in_month(f->year, f->month))
        return why_say(why, ERR_INVALID, "there is no day %d in %04d-%02d", f->day, f->year,
                       f->month);
    if (f->hour > 23) return why_say(why, ERR_INVALID, "there is no hour %d", f->hour);
    if (f->minute > 59) return why_say(why, ERR_INVALID, "there is no minute %d", f->minute);
    if (f->second == 60)
        return why_say(why, ERR_INVALID, "second 60: leap seconds are not part of this time scale");
    if (f->second > 59) return why_say(why, ERR_INVALID, "there is no second %d", f->second);
    return ERR_OK;
}

enum err timestamp_fields_join(const struct timestamp_fields *f, int64_t *ret_ns, struct why *why)
{
    enum err e = check(f, why);
    if (e) return e;
    int64_t seconds = timestamp_days(f->year, (unsigned)f->month, (unsigned)f->day) * 86400 +
                      f->hour * 3600 + f->minute * 60 + f->second - f->offset_s;
    __int128 ns = (__int128)seconds * NS_PER_S + f->fraction_ns;
    if (ns < INT64_MIN || ns > INT64_MAX) return why_say(why, ERR_INVALID, "%s", RANGE_WHY);
    *ret_ns = (int64_t)ns;
    return ERR_OK;
}

const char *timestamp_fields_digits(const char *p, const char *end, int min, int max, int *ret)
{
    int v = 0, n = 0;
    for (; n < max && p < end && is_digit(*p); n++, p++) v = v * 10 + (*p - '0');
    if (n < min) return NULL;
    *ret = v;
    return p;
}

const char *timestamp_fields_fraction(const char *p, const char *end, int64_t *ret_ns)
{
    int64_t v = 0;
    int n = 0;
    for (; p < end && is_digit(*p); p++, n++)
        if (n < 9) v = v * 10 + (*p - '0');
    if (!n) return NULL;
    for (; n < 9; n++) v *= 10;
    *ret_ns = v;
    return p;
}

const char *timestamp_fields_offset(const char *p, const char *end, int *ret_s)
{
    if (p < end && (*p | 0x20) == 'z') {
        *ret_s = 0;
        return p + 1;
    }
    if (p == end || (*p != '+' && *p != '-')) return NULL;
    int sign = *p == '-' ? -1 : 1, hours, minutes = 0;
    p = timestamp_fields_digits(p + 1, end, 2, 2, &hours);
    if (!p || hours > 23) return NULL;
    bool colon = p < end && *p == ':';
    if (colon || (p < end && is_digit(*p)))
        p = timestamp_fields_digits(p + colon, end, 2, 2, &minutes);
    if (!p || minutes > 59) return NULL;
    *ret_s = sign * (hours * 3600 + minutes * 60);
    return p;
}

static const char *literal(const char *p, const char *end, char c)
{
    return p && p < end && *p == c ? p + 1 : NULL;
}

/* HH:MM[:SS[.fraction]] */
static const char *read_clock(const char *p, const char *end, struct timestamp_fields *f)
{
    p = timestamp_fields_digits(p, end, 2, 2, &f->hour);
    p = literal(p, end, ':');
    p = p ? timestamp_fields_digits(p, end, 2, 2, &f->minute) : NULL;
    if (!p || p == end || *p != ':') return p;
    p = timestamp_fields_digits(p + 1, end, 2, 2, &f->second);
    if (!p || p == end || (*p != '.' && *p != ',')) return p;
    return timestamp_fields_fraction(p + 1, end, &f->fraction_ns);
}

/* Where reading ended, NULL when the text has another shape. */
static const char *read_date_time(struct bytes text, struct timestamp_fields *f, bool *ret_zoned)
{
    const char *p = text.p, *end = text.p + text.n;
    *ret_zoned = false;
    p = timestamp_fields_digits(p, end, 4, 4, &f->year);
    p = literal(p, end, '-');
    p = p ? timestamp_fields_digits(p, end, 2, 2, &f->month) : NULL;
    p = literal(p, end, '-');
    p = p ? timestamp_fields_digits(p, end, 2, 2, &f->day) : NULL;
    if (!p || p == end) return p;
    if (*p != 'T' && *p != 't' && *p != ' ') return NULL;
    p = read_clock(p + 1, end, f);
    if (!p || p == end) return p;
    *ret_zoned = true;
    return timestamp_fields_offset(p, end, &f->offset_s);
}

static bool looks_like_date(struct bytes t)
{
    if (t.n < 5 || t.p[4] != '-') return false;
    for (size_t i = 0; i < 4; i++)
        if (!is_digit(t.p[i])) return false;
    return true;
}

enum err timestamp_parse_zoned(struct bytes text, int64_t *ret_ns, bool *ret_zoned, struct why *why)
{
    struct bytes t = bytes_trim(text);
    if (!looks_like_date(t)) {
        enum err e = timestamp_from_number(t, ret_ns, why);
        if (!e) *ret_zoned = true;
        return e;
    }
    struct timestamp_fields f = {.month = 1, .day = 1};
    bool zoned;
    if (read_date_time(t, &f, &zoned) != t.p + t.n)
        return why_say(why, ERR_INVALID,
                       "'%.*s' is not a time; write it like 2024-05-31T12:30:00.250Z",
                       t.n > 40 ? 40 : (int)t.n, t.p);
    struct why part;
    enum err e = timestamp_fields_join(&f, ret_ns, &part);
    if (e)
        return why_say(why, e, "'%.*s' is not a time: %s", t.n > 40 ? 40 : (int)t.n, t.p,
                       part.text);
    *ret_zoned = zoned;
    return ERR_OK;
}

enum err timestamp_parse(struct bytes text, int64_t *ret_ns, struct why *why)
{
    bool zoned;
    return timestamp_parse_zoned(text, ret_ns, &zoned, why);
}

/* --- numbers ------------------------------------------------------------------------------------
 */

/* sign * mantissa * 10^exponent, mantissa of `digits` digits without leading zeros, at most 19. */
struct scaled {
    uint64_t mantissa;
    int64_t exponent;
    int digits;
    bool negative;
};

static const char *take_digits(const char *p, const char *end, bool fraction, struct scaled *s)
{
    for (; p < end && is_digit(*p); p++) {
        if (s->digits == 19) { /* below a nanosecond, or out of range anyway */
            s->exponent += fraction ? 0 : 1;
            continue;
        }
        s->mantissa = s->mantissa * 10 + (uint64_t)(*p - '0');
        if (s->mantissa) s->digits++;
        s->exponent -= fraction ? 1 : 0;
    }
    return p;
}

static bool read_scaled(struct bytes t, struct scaled *s)
{
    const char *p = t.p, *end = t.p + t.n;
    *s = (struct scaled){.negative = p < end && *p == '-'};
    if (s->negative) p++;
    const char *start = p;
    p = take_digits(p, end, false, s);
    if (p == start) return false;
    if (p < end && *p == '.') {
        start = p + 1;
        p = take_digits(start, end, true, s);
        if (p == start) return false;
    }
    if (p == end) return true;
    if ((*p | 0x20) != 'e') return false;
    p++;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    int v = 0;
    p = timestamp_fields_digits(p, end, 1, 6, &v);
    s->exponent += negative ? -v : v;
    return p == end;
}

enum err timestamp_from_number(struct bytes text, int64_t *ret_ns, struct why *why)
{
    struct scaled s;
    if (!read_scaled(text, &s))
        return why_say(
            why, ERR_INVALID,
            "'%.*s' is not a time; write it like 2024-05-31T12:30:00.250Z or as a number",
            text.n > 40 ? 40 : (int)text.n, text.n ? text.p : "");
    int64_t integer_digits = s.digits + s.exponent;
    int unit = integer_digits <= 11 ? 9 : integer_digits <= 14 ? 6 : integer_digits <= 17 ? 3 : 0;
    int64_t shift = s.exponent + unit;
    unsigned __int128 v = s.mantissa;
    if (s.mantissa && integer_digits + unit > 20) return why_say(why, ERR_INVALID, "%s", RANGE_WHY);
    for (; s.mantissa && shift > 0; shift--) v *= 10; /* at most 20 digits in all */
    for (; v && shift < 0; shift++) v /= 10;
    if (v > (unsigned __int128)INT64_MAX) return why_say(why, ERR_INVALID, "%s", RANGE_WHY);
    *ret_ns = s.negative ? -(int64_t)v : (int64_t)v;
    return ERR_OK;
}

/* --- out ----------------------------------------------------------------------------------------
 */

static char *put_digits(char *p, uint32_t v, int width)
{
    for (int i = width - 1; i >= 0; i--, v /= 10) p[i] = (char)('0' + v % 10);
    return p + width;
}

/* The inverse of timestamp_days(). */
static char *put_date(char *p, int64_t days)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t m = (5 * day_of_year + 2) / 153;
    int64_t month = m < 10 ? m + 3 : m - 9;
    int64_t year = year_of_era + era * 400 + (month <= 2);
    p = put_digits(p, (uint32_t)year, 4);
    *p++ = '-';
    p = put_digits(p, (uint32_t)month, 2);
    *p++ = '-';
    return put_digits(p, (uint32_t)(day_of_year - (153 * m + 2) / 5 + 1), 2);
}

size_t timestamp_format(int64_t ns, char out[TIMESTAMP_TEXT_MAX])
{
    int64_t days = ns / NS_PER_DAY, rest = ns % NS_PER_DAY;
    if (rest < 0) {
        rest += NS_PER_DAY;
        days--;
    }
    uint32_t second = (uint32_t)(rest / NS_PER_S), fraction = (uint32_t)(rest % NS_PER_S);
    char *p = put_date(out, days);
    *p++ = 'T';
    p = put_digits(p, second / 3600, 2);
    *p++ = ':';
    p = put_digits(p, second / 60 % 60, 2);
    *p++ = ':';
    p = put_digits(p, second % 60, 2);
    *p++ = '.';
    if (fraction % 1000)
        p = put_digits(p, fraction, 9);
    else if (fraction % 1000000)
        p = put_digits(p, fraction / 1000, 6);
    else
        p = put_digits(p, fraction / 1000000, 3);
    *p++ = 'Z';
    return (size_t)(p - out);
}
