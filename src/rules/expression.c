/* Expressions as their users see them (see expression.h). */
#include "base/mem.h"
#include "rules/expression_parser.h"

/* The program as it was built has room for every op; this one has room for its own. */
static enum err shrink(const struct expression *x, const struct expression_build *b,
                       struct expression **ret)
{
    size_t ops = x->op_count * sizeof *x->ops;
    struct expression *small = mem_alloc(sizeof *x + ops + b->names_used);
    if (!small) return ERR_NOMEM;
    *small = *x;
    small->ops = (struct expression_op *)(small + 1);
    char *names = (char *)small->ops + ops;
    memcpy(small->ops, x->ops, ops);
    memcpy(names, b->names, b->names_used);
    for (size_t i = 0; i < x->name_count; i++)
        small->names[i].name.p = names + (x->names[i].name.p - b->names);
    *ret = small;
    return ERR_OK;
}

enum err expression_compile(struct expression **ret, struct bytes text,
                            struct expression_error *error)
{
    size_t ops = EXPRESSION_OPS_MAX * sizeof(struct expression_op);
    struct expression *x = mem_zalloc(sizeof *x + ops + EXPRESSION_TEXT_MAX);
    if (!x) return ERR_NOMEM;
    x->ops = (struct expression_op *)(x + 1);
    struct expression_build b = {.text = text, .error = error, .out = x};
    b.names = (char *)x->ops + ops;
    expression_parser_run(&b);
    enum err e = b.failed ? ERR_INVALID : shrink(x, &b, ret);
    mem_free(x);
    return e;
}

void expression_free(struct expression *x)
{
    mem_free(x);
}

size_t expression_name_count(const struct expression *x)
{
    return x->name_count;
}

struct bytes expression_name(const struct expression *x, size_t i)
{
    return x->names[i].name;
}

bool expression_name_is_plain(const struct expression *x, size_t i)
{
    return x->names[i].plain;
}

size_t expression_window_count(const struct expression *x)
{
    return x->window_count;
}

struct expression_window expression_window_at(const struct expression *x, size_t i)
{
    return x->windows[i];
}
