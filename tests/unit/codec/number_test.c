/* Numbers: every text reads as the C library reads it, every double comes back from its text. */
#include "base/mem.h"
#include "base/rnd.h"
#include "codec/number.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SEED UINT64_C(20240531)

static uint64_t bits(double v)
{
    uint64_t b;
    memcpy(&b, &v, sizeof b);
    return b;
}

/* Reads the text in an exact block of its own, so that a sanitizer sees a read past its end. */
static enum err read_exact(const char *text, size_t n, double *ret)
{
    char *p = mem_copy(text, n);
    char *exact = mem_alloc(n);
    memcpy(exact, p, n);
    mem_free(p);
    enum err e = number_parse(bytes_of(exact, n), ret);
    mem_free(exact);
    return e;
}

static void same_as_strtod(const char *text)
{
    double expected = strtod(text, NULL), v = 0;
    enum err e = read_exact(text, strlen(text), &v);
    if (isinf(expected)) {
        if (e != ERR_TOOLARGE) fail_msg("%s: %s", text, err_name(e));
        return;
    }
    if (e || bits(v) != bits(expected))
        fail_msg("%s: %s %.17g %.17g", text, err_name(e), v, expected);
}

static void any_bit_pattern_round_trips(void **state)
{
    (void)state;
    struct rnd r;
    rnd_seed(&r, SEED);
    print_message("seed %" PRIu64 "\n", SEED);
    for (int i = 0; i < 1000000; i++) {
        uint64_t pattern = rnd_u64(&r);
        double v, back = 0;
        memcpy(&v, &pattern, sizeof v);
        if (!isfinite(v)) continue;
        char text[NUMBER_TEXT_MAX];
        size_t n = number_format(v, text);
        if (number_parse(bytes_of(text, n), &back) || bits(back) != pattern)
            fail_msg("%016" PRIx64 " became %.*s", pattern, (int)n, text);
    }
}

static void any_printed_double_reads_as_strtod_reads_it(void **state)
{
    (void)state;
    struct rnd r;
    rnd_seed(&r, SEED + 1);
    for (int i = 0; i < 200000; i++) {
        uint64_t pattern = rnd_u64(&r);
        double v;
        memcpy(&v, &pattern, sizeof v);
        if (!isfinite(v)) continue;
        char text[64];
        snprintf(text, sizeof text, "%.*e", (int)rnd_below(&r, 25), v);
        same_as_strtod(text);
    }
}

/* Digits and exponents where the ways to a double meet: 15 to 22 digits, exponents -30 to 30. */
static void any_short_decimal_reads_as_strtod_reads_it(void **state)
{
    (void)state;
    struct rnd r;
    rnd_seed(&r, SEED + 2);
    for (int i = 0; i < 300000; i++) {
        char text[80];
        size_t n = 0, digits = 1 + rnd_below(&r, 22), point = rnd_below(&r, digits + 1);
        for (size_t k = 0; k < digits; k++) {
            if (k == point && k) text[n++] = '.';
            text[n++] = (char)('0' + (k ? rnd_below(&r, 10) : 1 + rnd_below(&r, 9)));
        }
        snprintf(text + n, sizeof text - n, "e%d", (int)rnd_below(&r, 61) - 30);
        same_as_strtod(text);
    }
}

/* Exactly between two doubles, and a hair beside: the midpoint has up to 54 bits of mantissa. */
static void midpoints_round_to_even(void **state)
{
    (void)state;
    struct rnd r;
    rnd_seed(&r, SEED + 3);
    for (int i = 0; i < 100000; i++) {
        uint64_t low = (UINT64_C(1) << 53) + (rnd_u64(&r) >> 11);
        char text[1200];
        snprintf(text, sizeof text, "%" PRIu64, low * 2 + 1);
        same_as_strtod(text);
        snprintf(text, sizeof text, "%" PRIu64 ".0000000000000000000000000001", low * 2 + 1);
        same_as_strtod(text);
    }
    char text[1200];
    int n = snprintf(text, sizeof text, "%.1074f", 5e-324); /* the smallest subnormal, in full */
    same_as_strtod(text);
    text[n - 1] = '6';
    same_as_strtod(text);
    /* the tie between 1 and its neighbour, decided by a digit far behind the 800 that are kept */
    memset(text, '0', sizeof text);
    memcpy(text, "1.00000000000000011102230246251565404236316680908203125", 55);
    text[1000] = 0;
    same_as_strtod(text);
    text[999] = '1';
    same_as_strtod(text);
}

static void the_known_hard_ones_are_right(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "1e309",
        "1e-400",
        "0e999999999999",
        "9007199254740993",
        "9007199254740992.999",
        "8.5e22",
        "1e23",
        "9.5e21",
        "123456789012345678901",
        "0.30000000000000004",
        "7.2057594037927933e16",
        "1e22",
        "1e27",
        "1e28",
        "1e-27",
        "1e-28",
        "18446744073709551615",
        "18446744073709551616",
        "00000000000000000000000000001.5",
        "0.00000000000000000000000000000000000000000000000000000000000000000000000000001e77",
        "-0",
        "-0.0",
        "+7",
        ".5",
        "5.",
        "-.5e-3",
        "  42\t",
        "6.9294956446009195e15",
        "3.7455744005952583e15",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) same_as_strtod(texts[i]);
}

static void a_million_digits_are_read(void **state)
{
    (void)state;
    enum { DIGITS = 1000000 };
    char *text = mem_alloc(DIGITS + 16);
    memset(text, '3', DIGITS);
    text[1] = '.';
    double v = 0;
    assert_int_equal(number_parse(bytes_of(text, DIGITS), &v), ERR_OK);
    assert_true(bits(v) == bits(10.0 / 3));
    memset(text, '0', DIGITS);
    int n = snprintf(text + DIGITS, 16, "1.5");
    assert_int_equal(number_parse(bytes_of(text, DIGITS + (size_t)n), &v), ERR_OK);
    assert_true(bits(v) == bits(1.5));
    text[1] = '.'; /* 0.000…01.5 stops at the second point */
    assert_int_equal(number_parse(bytes_of(text, DIGITS + (size_t)n), &v), ERR_INVALID);
    n = snprintf(text + DIGITS, 16, "1e%d", DIGITS - 1);
    assert_int_equal(number_parse(bytes_of(text, DIGITS + (size_t)n), &v), ERR_OK);
    assert_true(bits(v) == bits(1.0));
    mem_free(text);
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",      " ",    "-",   "+",   ".",     "-.",       "e5",  "1e",       "1e+",
        "1.5.2", "0x10", "nan", "NaN", "inf",   "Infinity", "1,5", "1 2",      "--1",
        "+-1",   "1e5e", "1f",  "0b1", "1_000", "-inf",     ".e1", "\xc2\xb2", "1e1.5"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double v = 42;
        if (read_exact(texts[i], strlen(texts[i]), &v) != ERR_INVALID) fail_msg("%s", texts[i]);
        assert_true(bits(v) == bits(42));
    }
    double v;
    assert_int_equal(number_parse(bytes_of("1\0", 2), &v), ERR_INVALID);
}

/* How many bytes of the text the JSON grammar takes; 0: none. */
static size_t json_takes(const char *text)
{
    const char *at = text;
    double v;
    enum err e = number_read_json(&at, text + strlen(text), &v);
    assert_true(e == ERR_OK || (e == ERR_INVALID && at == text));
    return (size_t)(at - text);
}

static void json_takes_only_its_own_grammar(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t taken;
    } rows[] = {{"0", 1},     {"-0", 2},   {"01", 1},    {"-01", 2},   {"+1", 0},  {".5", 0},
                {"1.", 1},    {"1.e5", 1}, {"1.5e", 3},  {"1e+", 1},   {"1e5", 3}, {"1E-05", 5},
                {"-", 0},     {"-.5", 0},  {"12.50", 5}, {"1e5.5", 3}, {"0e0", 3}, {"0.0", 3},
                {"1.5,2", 3}, {"x", 0},    {"", 0},      {"00", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (json_takes(rows[i].text) != rows[i].taken) fail_msg("%s", rows[i].text);
}

static void assert_written(double v, const char *expected)
{
    char text[NUMBER_TEXT_MAX];
    size_t n = number_format(v, text);
    if (!bytes_is(bytes_of(text, n), expected)) fail_msg("%.*s, not %s", (int)n, text, expected);
}

static void numbers_are_written_short(void **state)
{
    (void)state;
    assert_written(0, "0");
    assert_written(-0.0, "-0");
    assert_written(100, "100");
    assert_written(-23.5, "-23.5");
    assert_written(0.1, "0.1");
    assert_written(0.1 + 0.2, "0.30000000000000004");
    assert_written(74.93588199999998, "74.93588199999998");
    assert_written(999999999999999, "999999999999999");
    assert_written(1e15, "1e+15");
    assert_written(0.00001, "0.00001");
    assert_written(0.000001, "1e-06");
    assert_written(1.0 / 3, "0.3333333333333333");
    assert_written(2.0 / 3, "0.6666666666666666");
    assert_written(5e-324, "5e-324");
    assert_written(DBL_MAX, "1.7976931348623157e+308");
    assert_written(123456.789, "123456.789");
    assert_written(1e300, "1e+300");
}

/* No decimal of fewer digits may read back as the same double. */
static void no_shorter_text_round_trips(void **state)
{
    (void)state;
    struct rnd r;
    rnd_seed(&r, SEED + 4);
    for (int i = 0; i < 50000; i++) {
        double v = (rnd_unit(&r) - 0.5) * pow(10, (double)rnd_below(&r, 17));
        if (rnd_below(&r, 2)) v = nearbyint(v * 1000) / 1000;
        if (fabs(v) < 1e-5 || fabs(v) >= 1e15) continue; /* written with an exponent */
        char text[NUMBER_TEXT_MAX], shorter[64];
        size_t n = number_format(v, text);
        int digits = 0;
        for (size_t k = 0; k < n; k++) digits += text[k] >= '0' && text[k] <= '9';
        if (text[0] == '0' || (text[0] == '-' && text[1] == '0')) continue; /* leading zeros */
        if (!memchr(text, '.', n) || digits < 2) continue;
        snprintf(shorter, sizeof shorter, "%.*e", digits - 2, v);
        if (bits(strtod(shorter, NULL)) == bits(v)) fail_msg("%.*s: %s", (int)n, text, shorter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bit_pattern_round_trips),
        cmocka_unit_test(any_printed_double_reads_as_strtod_reads_it),
        cmocka_unit_test(any_short_decimal_reads_as_strtod_reads_it),
        cmocka_unit_test(midpoints_round_to_even),
        cmocka_unit_test(the_known_hard_ones_are_right),
        cmocka_unit_test(a_million_digits_are_read),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(json_takes_only_its_own_grammar),
        cmocka_unit_test(numbers_are_written_short),
        cmocka_unit_test(no_shorter_text_round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
