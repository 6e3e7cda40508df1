/* The expression language: what a text means, where a wrong one is wrong. */
#include "base/clock.h"
#include "base/mem.h"
#include "rules/expression.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* x = 2, y = -3.5, z = 0; "a b" = 7; every window gives 100 + its number; all else is missing. */
static struct expression *running;

static bool variable(void *ctx, size_t name, double *ret)
{
    static const struct {
        const char *name;
        double value;
    } known[] = {{"x", 2},     {"y", -3.5},           {"z", 0},     {"a b", 7},
                 {"count", 5}, {"motor.speed", 1500}, {"größe", 9}, {"and", 4},
                 {"it's", 6},  {"nan", NAN}};
    (void)ctx;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!bytes_is(expression_name(running, name), known[i].name)) continue;
        *ret = known[i].value;
        return true;
    }
    return false;
}

static bool window(void *ctx, size_t i, double *ret)
{
    (void)ctx;
    if (bytes_is(expression_name(running, expression_window_at(running, i).name), "nothing"))
        return false;
    *ret = 100 + (double)i;
    return true;
}

static const struct expression_inputs inputs = {NULL, variable, window};

static struct expression *compile(const char *text)
{
    struct expression_error error = {0};
    struct expression *x = NULL;
    enum err e = expression_compile(&x, bytes_str(text), &error);
    if (e) fail_msg("%s: %zu: %s", text, error.offset, error.text);
    return x;
}

static enum expression_outcome run(struct expression *x, double *ret, size_t *ret_offset)
{
    running = x;
    return expression_run(x, &inputs, ret, ret_offset);
}

static const struct {
    const char *text;
    double value;
} value_cases[] = {
    {"1", 1},
    {"1.5e2", 150},
    {"0.25", 0.25},
    {".5", 0.5},
    {"007", 7},
    {"2E-2", 0.02},
    {"x", 2},
    {"x + y", -1.5},
    {"x - y - 1", 4.5},
    {"2 + 3 * 4", 14},
    {"(2 + 3) * 4", 20},
    {"12 / 4 / 3", 1},
    {"7 % 4", 3},
    {"-7 % 4", -3},
    {"-x * 3", -6},
    {"--x", 2},
    {"+x", 2},
    {"2 - -x", 4},
    {"-z", 0},
    {"1 < 2", 1},
    {"2 <= 1", 0},
    {"x >= 2", 1},
    {"x > 2", 0},
    {"x == 2", 1},
    {"x != 2", 0},
    {"1 + 1 == 2", 1},
    {"(1 < 2) + (3 > 2)", 2},
    {"x > 1 and y < 0", 1},
    {"x > 1 and y > 0", 0},
    {"x > 9 or y < 0", 1},
    {"1 or 0 and 0", 1},
    {"0 AND missing", 0},
    {"5 or missing", 1},
    {"and(x, y)", 1},
    {"and(x, z, missing)", 0},
    {"or(z, z, 3)", 1},
    {"or(z, 0)", 0},
    {"not(z)", 1},
    {"not(x)", 0},
    {"not(x) == 0", 1},
    {"and(x > 1, y < 0) and (z == 0)", 1},
    {"if(x > 1, 10, 20)", 10},
    {"IF(z, 10, 20)", 20},
    {"if(z == 0, 0, x / z)", 0},
    {"if(x, 1, missing)", 1},
    {"if(x > 5, 1, if(x > 1, 2, 3)) + 1", 3},
    {"1 + if(0, 1, 2) * 3", 7},
    {"sqrt(16)", 4},
    {"pow(2, 10)", 1024},
    {"pow(-2, 3)", -8},
    {"abs(y)", 3.5},
    {"log(1)", 0},
    {"LOG10(1000)", 3},
    {"exp(0)", 1},
    {"sin(0) + cos(0) + tan(0)", 1},
    {"asin(0) + acos(1) + atan(0)", 0},
    {"round(2.5)", 3},
    {"round(-2.5)", -3},
    {"round(2.4)", 2},
    {"floor(-2.5)", -3},
    {"ceil(2.1)", 3},
    {"min(3)", 3},
    {"min(3, x, 5)", 2},
    {"max(3, x, 5)", 5},
    {"max(x, y) - min(x, y)", 5.5},
    {"\"a b\" * 2", 14},
    {"'a b' * 2", 14},
    {"'it\\'s'", 6},
    {"\"and\" + 1", 5},
    {"count + 1", 6},
    {"motor.speed / 2", 750},
    {"größe", 9},
    {"avg(x, 5m)", 100},
    {"avg(\"x\", \"5m\") + avg(x, 5M)", 200},
    {"avg(x, 5m) + stddev(x, 5m) + avg(x, 15m)", 303},
    {"movingAvg(x, 1h) - AVG(x, 1h)", 0},
    {"minTime(x, 24h) - min(x, 24h)", 0},
    {"maxtime('x', ' 24h ') - max(x, '24H')", 0},
    {"count(x, 7d) + sum(y, 30d)", 201},
    {"rate(x, 1h)+percentChange(x, 1h)+median(x, 1h)", 303},
    {" \t\r\n1\n+\n2 ", 3},
};

static void values_are_computed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof value_cases / sizeof *value_cases; i++) {
        struct expression *x = compile(value_cases[i].text);
        double v = NAN;
        size_t at = 0;
        enum expression_outcome o = run(x, &v, &at);
        if (o || v != value_cases[i].value || signbit(v) != signbit(value_cases[i].value))
            fail_msg("%s: outcome %d, %.17g", value_cases[i].text, o, v);
        expression_free(x);
    }
}

static const struct {
    const char *text;
    enum expression_outcome outcome;
    size_t offset;
} reason_cases[] = {
    {"missing", EXPRESSION_MISSING, 0},
    {"x + missing * 0", EXPRESSION_MISSING, 4},
    {"avg(nothing, 5m)", EXPRESSION_MISSING, 0},
    {"missing == missing", EXPRESSION_MISSING, 0},
    {"and(1, missing)", EXPRESSION_MISSING, 7},
    {"or(0, missing)", EXPRESSION_MISSING, 6},
    {"if(missing, 1, 2)", EXPRESSION_MISSING, 3},
    {"max(1, missing)", EXPRESSION_MISSING, 7},
    {"x / z", EXPRESSION_DIVISION, 2},
    {"x % z", EXPRESSION_DIVISION, 2},
    {"z / z", EXPRESSION_DIVISION, 2},
    {"pow(0, -1)", EXPRESSION_DIVISION, 0},
    {"1 + sqrt(y)", EXPRESSION_DOMAIN, 4},
    {"log(z)", EXPRESSION_DOMAIN, 0},
    {"log10(y)", EXPRESSION_DOMAIN, 0},
    {"asin(x)", EXPRESSION_DOMAIN, 0},
    {"acos(y)", EXPRESSION_DOMAIN, 0},
    {"pow(-2, 0.5)", EXPRESSION_DOMAIN, 0},
    {"nan", EXPRESSION_DOMAIN, 0},
    {"exp(1000)", EXPRESSION_OVERFLOW, 0},
    {"1e308 * 10", EXPRESSION_OVERFLOW, 6},
    {"1e308 + 1e308", EXPRESSION_OVERFLOW, 6},
};

static void without_a_number_there_is_a_reason_and_a_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof reason_cases / sizeof *reason_cases; i++) {
        struct expression *x = compile(reason_cases[i].text);
        double v = 4711;
        size_t at = 99;
        enum expression_outcome o = run(x, &v, &at);
        if (o != reason_cases[i].outcome || at != reason_cases[i].offset || v != 4711)
            fail_msg("%s: outcome %d at %zu, %g", reason_cases[i].text, o, at, v);
        assert_true(expression_outcome_sentence(o)[0]);
        expression_free(x);
    }
}

static const struct {
    const char *text;
    size_t offset;
    unsigned line, column;
    const char *says; /* part of the message */
} wrong_cases[] = {
    {"", 0, 1, 1, "but the text ends"},
    {"   ", 3, 1, 4, "but the text ends"},
    {"1 +", 3, 1, 4, "expected a number"},
    {"1 + * 2", 4, 1, 5, "found \"*\""},
    {"1 2", 2, 1, 3, "expected an operator or the end of the text, found \"2\""},
    {"(1 + 2", 6, 1, 7, "expected an operator or \")\""},
    {"1 + 2)", 5, 1, 6, "found \")\""},
    {"x +\n  y y", 8, 2, 5, "found \"y\""},
    {"größe größe", 8, 1, 7, "found \"größe\""},
    {"foo(1)", 0, 1, 1, "there is no function \"foo\""},
    {"2 + percentile(x, 95, 5m)", 4, 1, 5, "there is no function \"percentile\""},
    {"1 = 2", 2, 1, 3, "=="},
    {"1 & 2", 2, 1, 3, "and"},
    {"1 || 2", 2, 1, 3, "or"},
    {"!x", 0, 1, 1, "not(...)"},
    {"2 ^ 3", 2, 1, 3, "pow"},
    {"x # y", 2, 1, 3, "no meaning"},
    {"1 < 2 < 3", 6, 1, 7, "and(a < b, b < c)"},
    {"1 == 2 != 3", 7, 1, 8, "do not follow"},
    {"and", 0, 1, 1, "quotation marks"},
    {"1 + if", 4, 1, 5, "quotation marks"},
    {"not x", 0, 1, 1, "quotation marks"},
    {"and(1)", 5, 1, 6, "a second condition"},
    {"and(1, )", 7, 1, 8, "expected a number"},
    {"if(1, 2)", 7, 1, 8, "when it does not"},
    {"if(1)", 4, 1, 5, "when the condition holds"},
    {"if(1, 2, 3, 4)", 10, 1, 11, "three arguments"},
    {"pow(2)", 5, 1, 6, "the exponent"},
    {"pow(2, 3, 4)", 8, 1, 9, "two arguments"},
    {"sqrt()", 5, 1, 6, "expected a number"},
    {"sqrt(1, 2)", 6, 1, 7, "one argument"},
    {"min()", 4, 1, 5, "expected a number"},
    {"avg(x)", 5, 1, 6, "a window behind the variable"},
    {"avg(x, 5)", 7, 1, 8, "expected a window: 5m, 15m, 1h, 24h, 7d or 30d, found \"5\""},
    {"avg(x, 6h)", 7, 1, 8, "found \"6h\""},
    {"avg(x, \"6h\")", 7, 1, 8, "expected a window"},
    {"avg(x + 1, 5m)", 6, 1, 7, "a window behind the variable"},
    {"avg(avg(x, 5m), 5m)", 7, 1, 8, "a window behind the variable"},
    {"avg(5m, x)", 4, 1, 5, "expected the name of a variable"},
    {"avg(x, 5m, 1)", 9, 1, 10, "\")\""},
    {"max(x, 2h)", 7, 1, 8, "expected a window"},
    {"max(x, 1, 5m)", 10, 1, 11, "expected a number"},
    {"5m", 0, 1, 1, "found \"5m\""},
    {"1.", 0, 1, 1, "behind the point"},
    {".", 0, 1, 1, "a digit is missing"},
    {"1e999", 0, 1, 1, "too large"},
    {"\"x", 0, 1, 1, "never closed"},
    {"1 + 'x\\'", 4, 1, 5, "never closed"},
    {"''", 0, 1, 1, "missing between"},
    {"x\xff", 0, 1, 1, "UTF-8"},
};

static void wrong_texts_are_refused_with_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong_cases / sizeof *wrong_cases; i++) {
        struct expression_error error = {0};
        struct expression *x = NULL;
        enum err e = expression_compile(&x, bytes_str(wrong_cases[i].text), &error);
        if (e != ERR_INVALID) fail_msg("%s was taken: %s", wrong_cases[i].text, err_name(e));
        assert_null(x);
        bool there = error.offset == wrong_cases[i].offset && error.line == wrong_cases[i].line &&
                     error.column == wrong_cases[i].column;
        if (!there || !strstr(error.text, wrong_cases[i].says))
            fail_msg("%s: %zu %u:%u %s", wrong_cases[i].text, error.offset, error.line,
                     error.column, error.text);
    }
}

/* --- limits ----------------------------------------------------------------------------------- */

/* head, then n times part (with a number at %d), then n times tail. */
static char *repeat(const char *head, const char *part, const char *tail, int n)
{
    size_t cap = 64 + strlen(head) + (size_t)n * (strlen(part) + strlen(tail) + 12);
    char *text = mem_alloc(cap);
    size_t at = (size_t)snprintf(text, cap, "%s", head);
    for (int i = 0; i < n; i++) {
        const char *digits = strchr(part, '#');
        if (digits)
            at += (size_t)snprintf(text + at, cap - at, "%.*s%d%s", (int)(digits - part), part, i,
                                   digits + 1);
        else
            at += (size_t)snprintf(text + at, cap - at, "%s", part);
    }
    if (tail[0] == '1') at += (size_t)snprintf(text + at, cap - at, "1"), tail++;
    for (int i = 0; i < n; i++) at += (size_t)snprintf(text + at, cap - at, "%s", tail);
    return text;
}

static void at_limit(char *text, bool taken, const char *says)
{
    struct expression_error error = {0};
    struct expression *x = NULL;
    enum err e = expression_compile(&x, bytes_str(text), &error);
    if (taken && e) fail_msg("refused: %s", error.text);
    if (!taken && !e) fail_msg("taken: %.60s", text);
    if (!taken && !strstr(error.text, says)) fail_msg("says: %s", error.text);
    expression_free(x);
    mem_free(text);
}

static void every_limit_holds_at_it_and_one_past_it(void **state)
{
    (void)state;
    at_limit(repeat("", "(", "1)", EXPRESSION_DEPTH_MAX - 1), true, "");
    at_limit(repeat("", "(", "1)", EXPRESSION_DEPTH_MAX), false, "nested deeper");
    at_limit(repeat("1", "-", "", 0), true, "");
    at_limit(repeat("", "-", "1", EXPRESSION_DEPTH_MAX - 1), true, "");
    at_limit(repeat("", "-", "1", EXPRESSION_DEPTH_MAX), false, "nested deeper");
    at_limit(repeat("", "sqrt(", "1)", EXPRESSION_DEPTH_MAX), false, "nested deeper");
    at_limit(repeat("", "if(1,2,", "1)", EXPRESSION_DEPTH_MAX), false, "nested deeper");
    at_limit(repeat("v", "+v#", "", EXPRESSION_NAMES_MAX - 1), true, "");
    at_limit(repeat("v", "+v#", "", EXPRESSION_NAMES_MAX), false, "different variables");
    at_limit(repeat("0", "+avg(v#, 5m)", "", EXPRESSION_WINDOWS_MAX), true, "");
    at_limit(repeat("0", "+avg(v#, 5m)", "", EXPRESSION_WINDOWS_MAX + 1), false,
             "different windows");
    /* 1+1+…: n numbers and n - 1 operators; one more sign makes the number even */
    at_limit(repeat("-1", "+1", "", EXPRESSION_OPS_MAX / 2 - 1), true, "");
    at_limit(repeat("--1", "+1", "", EXPRESSION_OPS_MAX / 2 - 1), false, "too long");
    at_limit(repeat("1", " ", "", EXPRESSION_TEXT_MAX - 1), true, "");
    at_limit(repeat("1", " ", "", EXPRESSION_TEXT_MAX), false, "longer than");
    at_limit(repeat("", "n", "", EXPRESSION_NAME_MAX), true, "");
    at_limit(repeat("", "n", "", EXPRESSION_NAME_MAX + 1), false, "bytes at most");
    at_limit(repeat("", "ö", "", EXPRESSION_NAME_MAX / 2), true, "");
}

static void deep_programs_stay_within_the_stack(void **state)
{
    (void)state;
    /* of each level a comparison, a sum, a product and a first argument wait */
    struct expression *x =
        compile("0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,"
                "0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,"
                "0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,"
                "0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,"
                "0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,0<1+2*max(3,4"
                "))))))))))))))))))))))))))))))");
    double v = 0;
    size_t at;
    assert_int_equal(run(x, &v, &at), EXPRESSION_VALUE);
    assert_true(v == 1);
    expression_free(x);
}

static void inputs_are_listed_once_and_told_apart(void **state)
{
    (void)state;
    struct expression *x = compile("b + a * avg(c, 5m) + b - avg('a', 1h) + avg(\"c\", 5m)");
    assert_int_equal(expression_name_count(x), 3);
    assert_true(bytes_is(expression_name(x, 0), "b") && expression_name_is_plain(x, 0));
    assert_true(bytes_is(expression_name(x, 1), "a") && expression_name_is_plain(x, 1));
    assert_true(bytes_is(expression_name(x, 2), "c") && !expression_name_is_plain(x, 2));
    assert_int_equal(expression_window_count(x), 2);
    assert_int_equal(expression_window_at(x, 1).name, 1);
    assert_int_equal(expression_window_at(x, 1).span_ns, NS_PER_HOUR);
    expression_free(x);
}

static void no_memory_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    int64_t before = mem_blocks();
    for (int n = 1; n <= 2; n++) {
        struct expression_error error;
        struct expression *x = NULL;
        mem_fail_at(n);
        assert_int_equal(expression_compile(&x, BYTES("x + 1"), &error), ERR_NOMEM);
        mem_fail_at(0);
        assert_null(x);
    }
    assert_int_equal(mem_blocks(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_computed),
        cmocka_unit_test(without_a_number_there_is_a_reason_and_a_place),
        cmocka_unit_test(wrong_texts_are_refused_with_their_place),
        cmocka_unit_test(every_limit_holds_at_it_and_one_past_it),
        cmocka_unit_test(deep_programs_stay_within_the_stack),
        cmocka_unit_test(inputs_are_listed_once_and_told_apart),
        cmocka_unit_test(no_memory_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
