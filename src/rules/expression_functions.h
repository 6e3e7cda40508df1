#pragma once
/* rules/expression_functions.h -- the one list of functions: the parser looks names up in it, the
 * API shows it.   Threads: immutable.   Memory: static. */
#include "rules/expression.h"

enum expression_call {
    CALL_ONE,   /* one number */
    CALL_POWER, /* two */
    CALL_FOLD,  /* min, max: one or more numbers, or a variable and a window */
    CALL_IF,    /* three, of which two are run */
    CALL_AND,   /* two or more, up to the first that decides */
    CALL_OR,
    CALL_NOT,
    CALL_WINDOW, /* a variable and a window */
};

struct expression_function {
    const char *name;     /* any case is understood */
    const char *category; /* "Math", "Logic", "Statistical" */
    const char *description;
    enum expression_call call;
    uint8_t code;                        /* the op of CALL_ONE and CALL_FOLD */
    enum expression_statistic statistic; /* of CALL_WINDOW and CALL_FOLD */
};

extern const struct expression_function expression_functions[];
extern const size_t expression_functions_count;

const struct expression_function *expression_function_find(struct bytes name); /* NULL: none */
/* "5m", "15m", "1h", "24h", "7d", "30d", any case, blanks around it left out. */
bool expression_span_parse(struct bytes text, int64_t *ret_ns);
const char *expression_span_name(int64_t span_ns); /* "5m", …; NULL for another length */
