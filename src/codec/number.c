/* Decimal text <-> double (see number.h).
 *
 * A text is cut into sign, digits and exponent: v = mantissa * 10^exp10. Three ways lead to the
 * double: exact    mantissa <= 2^53, |exp10| <= 22: both are doubles, one IEEE operation rounds
 * once (Clinger, "How to Read Floating Point Numbers Accurately", 1990) wide     up to 19 digits,
 * |exp10| <= 27: 5^27 fits 63 bits, so a 128-bit product is exact, and a 128-bit quotient of 63
 * bits or more with its remainder folded into the lowest bit rounds as the exact one would library
 * anything else: strtod in the C locale on at most 800 digits, enough because no double needs more
 * than 767 to be told from its neighbours' midpoints; a digit 1 stands for what was cut */
#include "codec/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXACT_EXP = 22, WIDE_EXP = 27, MANTISSA_DIGITS = 19, LIBRARY_DIGITS = 800 };
static const uint64_t MANTISSA_EXACT = UINT64_C(1) << 53;

static const double power10[EXACT_EXP + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                              1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                              1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static const uint64_t power5[WIDE_EXP + 1] = {1,
                                              5,
                                              25,
                                              125,
                                              625,
                                              3125,
                                              15625,
                                              78125,
                                              390625,
                                              1953125,
                                              9765625,
                                              48828125,
                                              244140625,
                                              1220703125,
                                              6103515625,
                                              30517578125,
                                              152587890625,
                                              762939453125,
                                              3814697265625,
                                              19073486328125,
                                              95367431640625,
                                              476837158203125,
                                              2384185791015625,
                                              11920928955078125,
                                              59604644775390625,
                                              298023223876953125,
                                              1490116119384765625,
                                              7450580596923828125};

/* glibc hands out its static C locale here: nothing is allocated, nothing need be freed. */
static locale_t c_locale(void)
{
    return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

struct decimal {
    const char *integer, *fraction; /* their digits */
    size_t integer_n, fraction_n;
    int64_t exponent;  /* as written after e */
    uint64_t mantissa; /* of all digits; meaningful up to 19 of them */
    bool negative;
};

/* Passes digits, adding them to *mantissa. */
static inline const char *take_digits(const char *p, const char *end, uint64_t *mantissa)
{
    uint64_t m = *mantissa;
    for (; p < end && is_digit(*p); p++) m = m * 10 + (uint64_t)(*p - '0');
    *mantissa = m;
    return p;
}

/* The exponent part at p, if a whole one stands there; p otherwise. Saturates far beyond any
 * double. */
static const char *take_exponent(const char *p, const char *end, int64_t *ret)
{
    const char *q = p + 1;
    bool negative = q < end && *q == '-';
    if (q < end && (*q == '-' || *q == '+')) q++;
    if (q == end || !is_digit(*q)) return p;
    int64_t v = 0;
    for (; q < end && is_digit(*q); q++)
        if (v < 1000000000) v = v * 10 + (*q - '0');
    *ret = negative ? -v : v;
    return q;
}

/* The end of the longest number at p, NULL when there is none. */
static inline const char *scan(const char *p, const char *end, bool loose, struct decimal *d)
{
    d->mantissa = 0;
    d->exponent = 0;
    d->fraction_n = 0;
    d->fraction = NULL;
    d->negative = p < end && *p == '-';
    if (d->negative || (loose && p < end && *p == '+')) p++;
    d->integer = p;
    if (!loose && p < end && *p == '0')
        p++; /* nothing of the integer part may follow a leading zero */
    else
        p = take_digits(p, end, &d->mantissa);
    d->integer_n = (size_t)(p - d->integer);
    if (!d->integer_n && !loose) return NULL;
    if (p < end && *p == '.') {
        d->fraction = p + 1;
        const char *q = take_digits(d->fraction, end, &d->mantissa);
        d->fraction_n = (size_t)(q - d->fraction);
        if (d->fraction_n || (loose && d->integer_n)) p = q;
    }
    if (!d->integer_n && !d->fraction_n) return NULL;
    if (p < end && (*p | 0x20) == 'e') p = take_exponent(p, end, &d->exponent);
    return p;
}

/* m * 10^e, m > 0, |e| <= WIDE_EXP. */
static double wide(uint64_t m, int e)
{
    if (e >= 0) return ldexp((double)((unsigned __int128)m * power5[e]), e);
    int shift = __builtin_clzll(m);
    unsigned __int128 numerator = (unsigned __int128)(m << shift) << 63;
    uint64_t divisor = power5[-e];
    unsigned __int128 quotient = numerator / divisor;
    if (quotient * divisor != numerator) quotient |= 1;
    return ldexp((double)quotient, e - shift - 63);
}

/* Copies digits into out[n .. LIBRARY_DIGITS), leading zeros left out; *cut: a digit other than 0
 * did not fit. Returns the new n. */
static size_t keep_digits(char *out, size_t n, const char *p, size_t count, bool *cut)
{
    for (size_t i = 0; i < count; i++) {
        if (!n && p[i] == '0') continue;
        if (n < LIBRARY_DIGITS)
            out[n++] = p[i];
        else
            *cut |= p[i] != '0';
    }
    return n;
}

/* Leading zeros of both runs of digits taken as one. */
static size_t leading_zeros(const struct decimal *d)
{
    size_t n = 0;
    while (n < d->integer_n && d->integer[n] == '0') n++;
    if (n < d->integer_n) return n;
    size_t f = 0;
    while (f < d->fraction_n && d->fraction[f] == '0') f++;
    return n + f;
}

static double library(const struct decimal *d)
{
    char text[LIBRARY_DIGITS + 32];
    bool cut = false;
    size_t n = keep_digits(text, 0, d->integer, d->integer_n, &cut);
    if (d->fraction_n) n = keep_digits(text, n, d->fraction, d->fraction_n, &cut);
    if (!n) return 0;
    /* 0.DIGITS * 10^point */
    int64_t point = (int64_t)d->integer_n - (int64_t)leading_zeros(d) + d->exponent;
    if (point > 400) return (double)INFINITY;
    if (point < -400) return 0;
    point -= (int64_t)n;
    if (cut) {
        text[n++] = '1';
        point--;
    }
    snprintf(text + n, sizeof text - n, "e%d", (int)point);
    return strtod_l(text, NULL, c_locale());
}

static double compose(const struct decimal *d)
{
    int64_t e = d->exponent - (int64_t)d->fraction_n;
    if (d->integer_n + d->fraction_n > MANTISSA_DIGITS) return library(d);
    if (!d->mantissa) return 0;
    if (d->mantissa <= MANTISSA_EXACT && e >= -EXACT_EXP && e <= EXACT_EXP)
        return e < 0 ? (double)d->mantissa / power10[-e] : (double)d->mantissa * power10[e];
    if (e >= -WIDE_EXP && e <= WIDE_EXP) return wide(d->mantissa, (int)e);
    return library(d);
}

static inline enum err read_number(const char **at, const char *end, bool loose, double *ret)
{
    struct decimal d;
    const char *behind = scan(*at, end, loose, &d);
    if (!behind) return ERR_INVALID;
    *at = behind;
    double v = compose(&d);
    if (v > DBL_MAX) return ERR_TOOLARGE;
    *ret = d.negative ? -v : v;
    return ERR_OK;
}

enum err number_read_json(const char **at, const char *end, double *ret)
{
    return read_number(at, end, false, ret);
}

enum err number_read_loose(const char **at, const char *end, double *ret)
{
    return read_number(at, end, true, ret);
}

enum err number_parse(struct bytes text, double *ret)
{
    text = bytes_trim(text);
    const char *at = text.p, *end = text.p + text.n;
    double v = 0;
    if (!text.n) return ERR_INVALID;
    enum err e = number_read_loose(&at, end, &v);
    if (e == ERR_INVALID || at != end) return ERR_INVALID;
    if (!e) *ret = v;
    return e;
}

/* --- writing ------------------------------------------------------------------------------------
 */

/* digits * 10^-decimals as plain text. */
static size_t write_plain(char *out, bool negative, uint64_t digits, int decimals)
{
    char reversed[24];
    size_t n = 0, length = 0;
    for (; digits || n <= (size_t)decimals; digits /= 10) reversed[n++] = (char)('0' + digits % 10);
    if (negative) out[length++] = '-';
    while (n > (size_t)decimals) out[length++] = reversed[--n];
    if (!n) return length;
    out[length++] = '.';
    while (n) out[length++] = reversed[--n];
    return length;
}

/* v with exactly `decimals` decimals, rounded; exact while 1e-5 <= v < 1e15 and it has at most 17
 * digits: a 53-bit mantissa times 5^22 stays below 2^105. */
static uint64_t scale(double v, int decimals)
{
    int exponent;
    uint64_t mantissa = (uint64_t)ldexp(frexp(v, &exponent), 53);
    int shift = 53 - exponent - decimals; /* v * 10^decimals = mantissa * 5^decimals / 2^shift */
    unsigned __int128 product = (unsigned __int128)mantissa * power5[decimals];
    if (shift <= 0) return (uint64_t)(product << -shift);
    if (shift > 120) return 0;
    unsigned __int128 half = (unsigned __int128)1 << (shift - 1);
    return (uint64_t)((product + half) >> shift);
}

/* 15 digits and less by one multiplication and one division, both exact enough to be proved by the
 * comparison; 16 and 17 digits by integers. 0: not in plain reach. */
static size_t format_plain(double v, bool negative, char *out)
{
    for (int decimals = 0; decimals <= EXACT_EXP; decimals++) {
        double scaled = v * power10[decimals];
        if (scaled >= 1e15) break;
        double whole = rint(scaled);
        if (whole / power10[decimals] == v)
            return write_plain(out, negative, (uint64_t)whole, decimals);
    }
    int magnitude = 0; /* digits before the point, or minus the zeros behind it */
    while (magnitude < EXACT_EXP && v >= power10[magnitude]) magnitude++;
    while (magnitude <= 0 && magnitude > -5 && v < 1 / power10[1 - magnitude]) magnitude--;
    for (int digits = 16; digits <= 17; digits++) {
        int decimals = digits - magnitude;
        uint64_t scaled = scale(v, decimals);
        if (scaled && wide(scaled, -decimals) == v)
            return write_plain(out, negative, scaled, decimals);
    }
    return 0;
}

/* The C library in its C locale; a subnormal has few digits to offer, so it starts at one. */
static size_t format_library(double v, char *out)
{
    char text[NUMBER_TEXT_MAX];
    locale_t previous = uselocale(c_locale());
    int n = 0;
    for (int precision = fabs(v) < DBL_MIN ? 1 : 15; precision <= 17; precision++) {
        n = snprintf(text, sizeof text, "%.*g", precision, v);
        if (strtod_l(text, NULL, c_locale()) == v) break;
    }
    uselocale(previous);
    memcpy(out, text, (size_t)n);
    return (size_t)n;
}

size_t number_format(double v, char out[NUMBER_TEXT_MAX])
{
    bug_if(!isfinite(v));
    bool negative = signbit(v) != 0;
    double magnitude = fabs(v);
    if (magnitude == 0) return write_plain(out, negative, 0, 0);
    if (magnitude >= 1e-5 && magnitude < 1e15) {
        size_t n = format_plain(magnitude, negative, out);
        if (n) return n;
    }
    return format_library(v, out);
}
