#pragma once
/* rules/expression_program.h -- what a text becomes: ops for a machine with a stack of doubles.
 *
 *   if(c, a, b)   c  JUMP_IF_ZERO else  a  JUMP end  else: b  end:
 *   and(a, b)     a  AND end  b  TRUTH  end:          AND leaves the 0 there when it jumps
 *
 * P1  jumps go forward only.   P2  the parser counts the stack: it never passes
 * EXPRESSION_STACK_MAX and holds one value at the end, whatever way was taken.
 * Used by the files expression_*.c.   Memory: names and ops lie in the expression's own block. */
#include "rules/expression.h"

enum expression_op_code {
    OP_NUMBER,
    OP_VARIABLE, /* arg: name */
    OP_WINDOW,   /* arg: window */
    OP_NEGATE,
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_REMAINDER,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_EQ,
    OP_NE,
    OP_JUMP_IF_ZERO, /* pops; arg: where to */
    OP_JUMP,         /* arg: where to */
    OP_AND,          /* top is 0: jumps, else pops; arg: where to */
    OP_OR,           /* top is not 0: makes it 1 and jumps, else pops; arg: where to */
    OP_TRUTH,        /* 0 stays 0, all else becomes 1 */
    OP_NOT,
    OP_POWER,
    OP_SMALLER,
    OP_LARGER,
    OP_SQRT,
    OP_ABS,
    OP_LOG,
    OP_LOG10,
    OP_EXP,
    OP_SIN,
    OP_COS,
    OP_TAN,
    OP_ASIN,
    OP_ACOS,
    OP_ATAN,
    OP_ROUND,
    OP_FLOOR,
    OP_CEIL,
};

struct expression_op {
    uint8_t code;
    uint16_t arg;
    uint32_t offset; /* in the text, for whoever asks why there is no result */
    double number;   /* of OP_NUMBER */
};

/* Of one level of depth: a comparison, a sum, a product and a call's first argument wait. */
enum { EXPRESSION_STACK_MAX = 4 * (EXPRESSION_DEPTH_MAX + 2) };

struct expression_named {
    struct bytes name;
    bool plain;
};

struct expression {
    size_t op_count, name_count, window_count;
    struct expression_op *ops;
    struct expression_named names[EXPRESSION_NAMES_MAX];
    struct expression_window windows[EXPRESSION_WINDOWS_MAX];
};
