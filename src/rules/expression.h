#pragma once
/* rules/expression.h -- the language of synthetic variables: a text is compiled once into a small
 * program for a stack machine and run for every reading. docs/expressions.md defines the grammar
 * and every function.
 *
 *   text ── lexer ── parser (recursive descent) ──> ops, names, windows ── run ──> a number, or why
 *                       └ offset, line, column, what was expected            there is none
 *
 * E1  compiling is bounded: text, depth, ops, names and windows each have a limit below, and a
 *     text past one is refused with its position like any other error.
 * E2  running is bounded: jumps go forward only, so a program takes at most EXPRESSION_OPS_MAX
 *     steps; it allocates nothing.
 * E3  a result is finite. What has no number (an input that is missing, a division by zero, …)
 *     ends the run with its reason; it never becomes a zero. What `if`, `and` and `or` do not need
 *     is not run.
 * Pure: no clock, no store.   Threads: a compiled expression is immutable, any may run it.
 * Memory: expression_compile gives a block of its own, expression_free takes it back. */
#include "base/bytes.h"
#include "base/err.h"

enum {
    EXPRESSION_TEXT_MAX = 4000,  /* bytes */
    EXPRESSION_DEPTH_MAX = 32,   /* parentheses, calls and signs inside each other */
    EXPRESSION_OPS_MAX = 1000,   /* of the program, about one for each name, number and operator */
    EXPRESSION_NAMES_MAX = 32,   /* different variables */
    EXPRESSION_WINDOWS_MAX = 16, /* different (function, variable, window) */
    EXPRESSION_NAME_MAX = 100,   /* bytes, as a variable's name */
};

/* What is computed over (t - window, t]. */
enum expression_statistic {
    EXPRESSION_AVG, /* movingAvg too */
    EXPRESSION_STDDEV,
    EXPRESSION_SUM,
    EXPRESSION_COUNT,
    EXPRESSION_MIN, /* minTime too */
    EXPRESSION_MAX, /* maxTime too */
    EXPRESSION_RATE,
    EXPRESSION_PERCENT_CHANGE,
    EXPRESSION_MEDIAN,
    EXPRESSION_STATISTICS
};

struct expression_window {
    enum expression_statistic statistic;
    uint16_t name;   /* index of the variable */
    int64_t span_ns; /* one of the six windows */
};

/* Where a text stops making sense: a message for a person, without the position. */
struct expression_error {
    size_t offset;         /* bytes, from 0 */
    unsigned line, column; /* from 1; the column counts characters */
    char text[200];
};

enum expression_outcome {
    EXPRESSION_VALUE,
    EXPRESSION_MISSING,  /* an input has no value yet, or a window holds too few readings */
    EXPRESSION_DIVISION, /* by zero */
    EXPRESSION_DOMAIN,   /* sqrt(-1), log(0), asin(2), pow(-1, 0.5) */
    EXPRESSION_OVERFLOW, /* beyond what a number holds */
};
const char *expression_outcome_sentence(enum expression_outcome o);

/* Where inputs come from; asked only for what the run needs. False: there is none. */
struct expression_inputs {
    void *ctx;
    bool (*variable)(void *ctx, size_t name, double *ret);
    bool (*window)(void *ctx, size_t window, double *ret);
};

struct expression;
/* ERR_INVALID: see *error; ERR_NOMEM. The text is not kept. */
enum err expression_compile(struct expression **ret, struct bytes text,
                            struct expression_error *error) MUST_CHECK;
void expression_free(struct expression *x); /* NULL is fine */

size_t expression_name_count(const struct expression *x);
struct bytes expression_name(const struct expression *x, size_t i); /* borrowed from x */
/* Is the newest value of that variable asked for, not only windows of it? */
bool expression_name_is_plain(const struct expression *x, size_t i);
size_t expression_window_count(const struct expression *x);
struct expression_window expression_window_at(const struct expression *x, size_t i);

/* *ret_value only with EXPRESSION_VALUE, else *ret_offset: which byte of the text gave up. */
enum expression_outcome expression_run(const struct expression *x,
                                       const struct expression_inputs *inputs, double *ret_value,
                                       size_t *ret_offset);
