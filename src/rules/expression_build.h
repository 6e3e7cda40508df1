#pragma once
/* rules/expression_build.h -- a program while it grows: ops, names and windows within their limits,
 * and the first error with its place. After an error every call does nothing.
 * Used by expression_parser.c and expression.c.   Memory: borrows the expression that it fills. */
#include "rules/expression_program.h"

struct expression_build {
    struct bytes text;
    struct expression *out; /* with room for all ops */
    char *names;            /* room for EXPRESSION_TEXT_MAX bytes of names */
    size_t names_used;
    int stack; /* values that the program holds here */
    bool failed;
    struct expression_error *error;
};

void expression_build_fail(struct expression_build *b, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* grows: values on the stack after the op, less those before. Gives the op's index. */
size_t expression_build_emit(struct expression_build *b, enum expression_op_code code, size_t arg,
                             int grows, size_t offset);
/* The jump goes to the next op. */
void expression_build_land(struct expression_build *b, size_t jump);
/* A jump to an end that is not known yet, behind `before` in its chain (0: the first of it). */
size_t expression_build_chain(struct expression_build *b, enum expression_op_code code,
                              size_t before, size_t offset);
void expression_build_land_chain(struct expression_build *b, size_t jump);
/* The index of that variable; escaped: backslashes in the text stand before a character. */
size_t expression_build_name(struct expression_build *b, struct bytes text, bool escaped,
                             size_t offset);
size_t expression_build_window(struct expression_build *b, const struct expression_window *w,
                               size_t offset);
