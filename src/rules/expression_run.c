/* The stack machine of the expression language (see expression_program.h). */
#include "rules/expression_program.h"

#include <math.h>

struct machine {
    const struct expression_inputs *inputs;
    double stack[EXPRESSION_STACK_MAX];
    size_t n;  /* values on the stack */
    size_t at; /* the next op */
};

const char *expression_outcome_sentence(enum expression_outcome o)
{
    switch (o) {
    case EXPRESSION_VALUE:
        return "there is a result";
    case EXPRESSION_MISSING:
        return "there is no reading for it";
    case EXPRESSION_DIVISION:
        return "division by zero";
    case EXPRESSION_DOMAIN:
        return "the function has no value there";
    case EXPRESSION_OVERFLOW:
        return "the result is too large";
    }
    return "";
}

/* Replaces the top n values by v. */
static enum expression_outcome give(struct machine *m, size_t n, double v)
{
    m->n -= n;
    m->stack[m->n++] = v;
    if (isnan(v)) return EXPRESSION_DOMAIN;
    return isinf(v) ? EXPRESSION_OVERFLOW : EXPRESSION_VALUE;
}

static enum expression_outcome run_input(struct machine *m, const struct expression_op *op)
{
    double v = 0;
    const struct expression_inputs *in = m->inputs;
    if (op->code == OP_NUMBER) return give(m, 0, op->number);
    bool there = op->code == OP_VARIABLE ? in->variable(in->ctx, op->arg, &v)
                                         : in->window(in->ctx, op->arg, &v);
    return there ? give(m, 0, v) : EXPRESSION_MISSING;
}

static enum expression_outcome run_two(struct machine *m, const struct expression_op *op)
{
    double a = m->stack[m->n - 2], b = m->stack[m->n - 1];
    switch (op->code) {
    case OP_ADD:
        return give(m, 2, a + b);
    case OP_SUBTRACT:
        return give(m, 2, a - b);
    case OP_MULTIPLY:
        return give(m, 2, a * b);
    case OP_DIVIDE:
        return b == 0 ? EXPRESSION_DIVISION : give(m, 2, a / b);
    case OP_REMAINDER:
        return b == 0 ? EXPRESSION_DIVISION : give(m, 2, fmod(a, b));
    case OP_POWER:
        return a == 0 && b < 0 ? EXPRESSION_DIVISION : give(m, 2, pow(a, b));
    case OP_SMALLER:
        return give(m, 2, a < b ? a : b);
    default:
        return give(m, 2, a > b ? a : b);
    }
}

static enum expression_outcome run_comparison(struct machine *m, const struct expression_op *op)
{
    double a = m->stack[m->n - 2], b = m->stack[m->n - 1];
    switch (op->code) {
    case OP_LT:
        return give(m, 2, a < b);
    case OP_LE:
        return give(m, 2, a <= b);
    case OP_GT:
        return give(m, 2, a > b);
    case OP_GE:
        return give(m, 2, a >= b);
    case OP_EQ:
        return give(m, 2, a == b);
    default:
        return give(m, 2, a != b);
    }
}

static enum expression_outcome run_logarithm(struct machine *m, const struct expression_op *op)
{
    double a = m->stack[m->n - 1];
    if (a <= 0) return EXPRESSION_DOMAIN;
    return give(m, 1, op->code == OP_LOG ? log(a) : log10(a));
}

static enum expression_outcome run_one(struct machine *m, const struct expression_op *op)
{
    double a = m->stack[m->n - 1];
    switch (op->code) {
    case OP_NEGATE:
        return give(m, 1, -a);
    case OP_TRUTH:
        return give(m, 1, a != 0);
    case OP_NOT:
        return give(m, 1, a == 0);
    case OP_SQRT:
        return give(m, 1, sqrt(a));
    case OP_ABS:
        return give(m, 1, fabs(a));
    case OP_EXP:
        return give(m, 1, exp(a));
    case OP_ROUND:
        return give(m, 1, round(a));
    case OP_FLOOR:
        return give(m, 1, floor(a));
    case OP_CEIL:
        return give(m, 1, ceil(a));
    default:
        return run_logarithm(m, op);
    }
}

static enum expression_outcome run_angle(struct machine *m, const struct expression_op *op)
{
    double a = m->stack[m->n - 1];
    switch (op->code) {
    case OP_SIN:
        return give(m, 1, sin(a));
    case OP_COS:
        return give(m, 1, cos(a));
    case OP_TAN:
        return give(m, 1, tan(a));
    case OP_ASIN:
        return give(m, 1, asin(a));
    case OP_ACOS:
        return give(m, 1, acos(a));
    default:
        return give(m, 1, atan(a));
    }
}

static enum expression_outcome run_jump(struct machine *m, const struct expression_op *op)
{
    double *top = m->n ? &m->stack[m->n - 1] : NULL;
    bool jumps = true, pops = true;
    if (op->code == OP_JUMP) {
        pops = false;
    } else if (op->code == OP_JUMP_IF_ZERO) {
        jumps = *top == 0;
    } else {
        jumps = (*top == 0) == (op->code == OP_AND);
        pops = !jumps;
        if (jumps) *top = op->code == OP_OR;
    }
    if (pops) m->n--;
    if (jumps) m->at = op->arg;
    return EXPRESSION_VALUE;
}

static enum expression_outcome step(struct machine *m, const struct expression_op *op)
{
    switch (op->code) {
    case OP_NUMBER:
    case OP_VARIABLE:
    case OP_WINDOW:
        return run_input(m, op);
    case OP_ADD:
    case OP_SUBTRACT:
    case OP_MULTIPLY:
    case OP_DIVIDE:
    case OP_REMAINDER:
    case OP_POWER:
    case OP_SMALLER:
    case OP_LARGER:
        return run_two(m, op);
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
    case OP_EQ:
    case OP_NE:
        return run_comparison(m, op);
    case OP_JUMP:
    case OP_JUMP_IF_ZERO:
    case OP_AND:
    case OP_OR:
        return run_jump(m, op);
    case OP_SIN:
    case OP_COS:
    case OP_TAN:
    case OP_ASIN:
    case OP_ACOS:
    case OP_ATAN:
        return run_angle(m, op);
    default:
        return run_one(m, op);
    }
}

enum expression_outcome expression_run(const struct expression *x,
                                       const struct expression_inputs *inputs, double *ret_value,
                                       size_t *ret_offset)
{
    struct machine m;
    m.inputs = inputs;
    m.n = m.at = 0;
    while (m.at < x->op_count) {
        const struct expression_op *op = &x->ops[m.at++];
        enum expression_outcome o = step(&m, op);
        if (o) {
            *ret_offset = op->offset;
            return o;
        }
    }
    *ret_value = m.stack[0] + 0.0; /* minus zero becomes zero */
    return EXPRESSION_VALUE;
}
