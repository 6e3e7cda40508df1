/* The functions of the expression language and its six windows (see expression_functions.h). */
#include "rules/expression_functions.h"

#include "base/clock.h"
#include "rules/expression_program.h"

#define MATH  "Math"
#define LOGIC "Logic"
#define STATS "Statistical"

const struct expression_function expression_functions[] = {
    {"sqrt", MATH, "sqrt(x): square root", CALL_ONE, OP_SQRT, 0},
    {"pow", MATH, "pow(base, exponent): power", CALL_POWER, OP_POWER, 0},
    {"abs", MATH, "abs(x): distance from zero", CALL_ONE, OP_ABS, 0},
    {"log", MATH, "log(x): natural logarithm", CALL_ONE, OP_LOG, 0},
    {"log10", MATH, "log10(x): logarithm to base 10", CALL_ONE, OP_LOG10, 0},
    {"exp", MATH, "exp(x): e to the power of x", CALL_ONE, OP_EXP, 0},
    {"sin", MATH, "sin(x): sine, x in radians", CALL_ONE, OP_SIN, 0},
    {"cos", MATH, "cos(x): cosine, x in radians", CALL_ONE, OP_COS, 0},
    {"tan", MATH, "tan(x): tangent, x in radians", CALL_ONE, OP_TAN, 0},
    {"asin", MATH, "asin(x): arc sine in radians", CALL_ONE, OP_ASIN, 0},
    {"acos", MATH, "acos(x): arc cosine in radians", CALL_ONE, OP_ACOS, 0},
    {"atan", MATH, "atan(x): arc tangent in radians", CALL_ONE, OP_ATAN, 0},
    {"round", MATH, "round(x): nearest integer, halves away from zero", CALL_ONE, OP_ROUND, 0},
    {"floor", MATH, "floor(x): largest integer not above x", CALL_ONE, OP_FLOOR, 0},
    {"ceil", MATH, "ceil(x): smallest integer not below x", CALL_ONE, OP_CEIL, 0},
    {"min", MATH, "min(x, y, ...): smallest; min(variable, 5m): smallest in a window", CALL_FOLD,
     OP_SMALLER, EXPRESSION_MIN},
    {"max", MATH, "max(x, y, ...): largest; max(variable, 5m): largest in a window", CALL_FOLD,
     OP_LARGER, EXPRESSION_MAX},

    {"if", LOGIC, "if(condition, then, else): one of the two", CALL_IF, 0, 0},
    {"and", LOGIC, "and(x, y, ...): 1 when none is zero", CALL_AND, OP_AND, 0},
    {"or", LOGIC, "or(x, y, ...): 1 when one is not zero", CALL_OR, OP_OR, 0},
    {"not", LOGIC, "not(x): 1 when x is zero", CALL_NOT, OP_NOT, 0},

    {"avg", STATS, "avg(variable, 5m): mean of a window", CALL_WINDOW, 0, EXPRESSION_AVG},
    {"stddev", STATS, "stddev(variable, 1h): standard deviation of a window (population)",
     CALL_WINDOW, 0, EXPRESSION_STDDEV},
    {"sum", STATS, "sum(variable, 24h): sum of a window", CALL_WINDOW, 0, EXPRESSION_SUM},
    {"count", STATS, "count(variable, 1h): readings in a window", CALL_WINDOW, 0, EXPRESSION_COUNT},
    {"minTime", STATS, "minTime(variable, 7d): smallest of a window", CALL_WINDOW, 0,
     EXPRESSION_MIN},
    {"maxTime", STATS, "maxTime(variable, 7d): largest of a window", CALL_WINDOW, 0,
     EXPRESSION_MAX},
    {"rate", STATS, "rate(variable, 1h): change per hour between a window's first and last reading",
     CALL_WINDOW, 0, EXPRESSION_RATE},
    {"movingAvg", STATS, "movingAvg(variable, 15m): the same as avg", CALL_WINDOW, 0,
     EXPRESSION_AVG},
    {"percentChange", STATS,
     "percentChange(variable, 1h): percent from a window's first reading to its last", CALL_WINDOW,
     0, EXPRESSION_PERCENT_CHANGE},
    {"median", STATS, "median(variable, 1h): middle of a window", CALL_WINDOW, 0,
     EXPRESSION_MEDIAN},
};
const size_t expression_functions_count =
    sizeof expression_functions / sizeof *expression_functions;

const struct expression_function *expression_function_find(struct bytes name)
{
    for (size_t i = 0; i < expression_functions_count; i++)
        if (bytes_equal_nocase(name, bytes_str(expression_functions[i].name)))
            return &expression_functions[i];
    return NULL;
}

static const struct {
    const char *name;
    int64_t ns;
} spans[] = {
    {"5m", 5 * NS_PER_MINUTE}, {"15m", 15 * NS_PER_MINUTE}, {"1h", NS_PER_HOUR},
    {"24h", NS_PER_DAY},       {"7d", 7 * NS_PER_DAY},      {"30d", 30 * NS_PER_DAY},
};

bool expression_span_parse(struct bytes text, int64_t *ret_ns)
{
    text = bytes_trim(text);
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        if (!bytes_equal_nocase(text, bytes_str(spans[i].name))) continue;
        *ret_ns = spans[i].ns;
        return true;
    }
    return false;
}

const char *expression_span_name(int64_t span_ns)
{
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++)
        if (spans[i].ns == span_ns) return spans[i].name;
    return NULL;
}
