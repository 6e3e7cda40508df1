/* The program while it grows (see expression_build.h). */
#include "rules/expression_build.h"

#include <stdarg.h>
#include <stdio.h>

/* --- errors ----------------------------------------------------------------------------------- */

static void locate(struct bytes text, size_t offset, struct expression_error *error)
{
    error->offset = offset;
    error->line = error->column = 1;
    for (size_t i = 0; i < offset && i < text.n; i++) {
        if (text.p[i] == '\n') {
            error->line++;
            error->column = 1;
        } else if (((unsigned char)text.p[i] & 0xc0) != 0x80) {
            error->column++;
        }
    }
}

void expression_build_fail(struct expression_build *b, size_t offset, const char *format, ...)
{
    if (b->failed) return;
    b->failed = true;
    locate(b->text, offset, b->error);
    va_list args;
    va_start(args, format);
    vsnprintf(b->error->text, sizeof b->error->text, format, args);
    va_end(args);
}

/* --- the program ------------------------------------------------------------------------------ */

size_t expression_build_emit(struct expression_build *b, enum expression_op_code code, size_t arg,
                             int grows, size_t offset)
{
    struct expression *x = b->out;
    if (b->failed) return 0;
    if (x->op_count == EXPRESSION_OPS_MAX) {
        expression_build_fail(b, offset, "this expression is too long: it may take %d operations",
                              EXPRESSION_OPS_MAX);
        return 0;
    }
    b->stack += grows;
    bug_if(b->stack < 0 || b->stack > EXPRESSION_STACK_MAX);
    x->ops[x->op_count] = (struct expression_op){
        .code = (uint8_t)code, .arg = (uint16_t)arg, .offset = (uint32_t)offset};
    return x->op_count++;
}

void expression_build_land(struct expression_build *b, size_t jump)
{
    if (!b->failed) b->out->ops[jump].arg = (uint16_t)b->out->op_count;
}

/* Jumps to the same end are chained through their arg until it is known; 0 ends the chain, for no
 * jump is the first op. */
size_t expression_build_chain(struct expression_build *b, enum expression_op_code code,
                              size_t before, size_t offset)
{
    return expression_build_emit(b, code, before, -1, offset);
}

void expression_build_land_chain(struct expression_build *b, size_t jump)
{
    while (jump && !b->failed) {
        size_t before = b->out->ops[jump].arg;
        expression_build_land(b, jump);
        jump = before;
    }
}

/* Writes the name without its escapes behind the ones before; the index of it among the names. */
size_t expression_build_name(struct expression_build *b, struct bytes text, bool escaped,
                             size_t offset)
{
    struct expression *x = b->out;
    char *name = b->names + b->names_used;
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        bool escape = escaped && text.p[i] == '\\' && i + 1 < text.n;
        name[n++] = text.p[escape ? ++i : i];
    }
    if (!n)
        expression_build_fail(b, offset,
                              "the name of a variable is missing between the quotation marks");
    if (n > EXPRESSION_NAME_MAX)
        expression_build_fail(b, offset, "the name of a variable has %d bytes at most",
                              EXPRESSION_NAME_MAX);
    if (b->failed) return 0;
    for (size_t i = 0; i < x->name_count; i++)
        if (bytes_equal(x->names[i].name, bytes_of(name, n))) return i;
    if (x->name_count == EXPRESSION_NAMES_MAX) {
        expression_build_fail(b, offset, "more than %d different variables", EXPRESSION_NAMES_MAX);
        return 0;
    }
    b->names_used += n;
    x->names[x->name_count] = (struct expression_named){.name = bytes_of(name, n)};
    return x->name_count++;
}

size_t expression_build_window(struct expression_build *b, const struct expression_window *w,
                               size_t offset)
{
    struct expression *x = b->out;
    for (size_t i = 0; i < x->window_count; i++) {
        const struct expression_window *o = &x->windows[i];
        if (o->statistic == w->statistic && o->name == w->name && o->span_ns == w->span_ns)
            return i;
    }
    if (x->window_count == EXPRESSION_WINDOWS_MAX) {
        expression_build_fail(b, offset, "more than %d different windows", EXPRESSION_WINDOWS_MAX);
        return 0;
    }
    x->windows[x->window_count] = *w;
    return x->window_count++;
}
