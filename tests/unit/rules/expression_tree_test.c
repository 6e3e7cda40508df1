/* The program of an expression gives what a walk over the tree that it was printed from gives. */
#include "base/rnd.h"
#include "rules/expression.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SEED UINT64_C(20261123)

enum { NODES_MAX = 200, TREE_TEXT_MAX = 3900 };

struct node {
    enum node_kind { LEAF, VAR, STAT, SIGN, BINARY, CALL1, CALL2, IF, LOGIC } kind;
    double number;
    int which; /* variable, window, operator, function */
    int kids[3], kid_count;
};

static struct {
    struct rnd rnd;
    struct node nodes[NODES_MAX];
    int n;
    char text[TREE_TEXT_MAX + 100];
    size_t length;
} tree;

static const char *const var_names[] = {"x", "y", "z", "gone"};
static const char *const stat_texts[] = {"avg(x, 5m)", "median('y', \"7d\")", "sum(nothing, 1h)"};
static const char *const binary_texts[] = {
    "+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!=", "and", "or"};
enum { AND = 11, OR = 12 };
static const char *const one_texts[] = {"sqrt",  "abs",  "log", "exp", "round",
                                        "floor", "ceil", "not", "sin", "asin"};
static const char *const two_texts[] = {"pow", "min", "max"};

static int grow(int depth)
{
    if (tree.n >= NODES_MAX - 4) depth = 0;
    int id = tree.n++;
    struct node *t = &tree.nodes[id];
    *t = (struct node){.number = 0};
    t->kind = (enum node_kind)rnd_below(&tree.rnd, depth ? 9 : 3);
    static const int kids[] = {0, 0, 0, 1, 2, 1, 2, 3, 0};
    static const size_t choices[] = {1, 4, 3, 1, 13, 10, 3, 1, 2};
    t->kid_count = t->kind == LOGIC ? 2 + (int)rnd_below(&tree.rnd, 2) : kids[t->kind];
    t->which = (int)rnd_below(&tree.rnd, choices[t->kind]);
    t->number = (double)rnd_below(&tree.rnd, 50) / 4;
    int count = t->kid_count;
    for (int i = 0; i < count; i++) {
        int kid = grow(depth - 1);
        tree.nodes[id].kids[i] = kid;
    }
    return id;
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tree.length +=
        (size_t)vsnprintf(tree.text + tree.length, sizeof tree.text - tree.length, format, args);
    va_end(args);
    if (tree.length >= sizeof tree.text) tree.length = sizeof tree.text - 1;
}

static void print(int id)
{
    const struct node *t = &tree.nodes[id];
    const char *name = t->kind == CALL1   ? one_texts[t->which]
                       : t->kind == CALL2 ? two_texts[t->which]
                       : t->kind == IF    ? "if"
                                          : (t->which ? "or" : "and");
    switch (t->kind) {
    case LEAF:
        say("%g", t->number);
        return;
    case VAR:
        say("%s", var_names[t->which]);
        return;
    case STAT:
        say("%s", stat_texts[t->which]);
        return;
    case SIGN:
        say("-");
        print(t->kids[0]);
        return;
    case BINARY:
        say("(");
        print(t->kids[0]);
        say(" %s ", binary_texts[t->which]);
        print(t->kids[1]);
        say(")");
        return;
    default:
        say("%s(", name);
        for (int i = 0; i < t->kid_count; i++) {
            if (i) say(", ");
            print(t->kids[i]);
        }
        say(")");
    }
}

/* NAN: no result. */
static double walk(int id);

static double walk_binary(const struct node *t)
{
    double a = walk(t->kids[0]);
    if (isnan(a)) return NAN;
    if (t->which == AND && a == 0) return 0;
    if (t->which == OR && a != 0) return 1;
    double b = walk(t->kids[1]);
    if (isnan(b)) return NAN;
    double v[] = {a + b,
                  a - b,
                  a * b,
                  b == 0 ? NAN : a / b,
                  b == 0 ? NAN : fmod(a, b),
                  a<b, a <= b, a>
                      b,
                  a >= b,
                  a == b,
                  a != b,
                  b != 0,
                  b != 0};
    return v[t->which];
}

static double walk_one(const struct node *t)
{
    double a = walk(t->kids[0]);
    if (isnan(a)) return NAN;
    double v[] = {
        sqrt(a), fabs(a), a <= 0 ? NAN : log(a), exp(a), round(a), floor(a), ceil(a), a == 0,
        sin(a),  asin(a)};
    return v[t->which];
}

static double walk_two(const struct node *t)
{
    double a = walk(t->kids[0]);
    double b = isnan(a) ? NAN : walk(t->kids[1]);
    if (isnan(b)) return NAN;
    double v[] = {a == 0 && b < 0 ? NAN : pow(a, b), a < b ? a : b, a > b ? a : b};
    return v[t->which];
}

static double walk_logic(const struct node *t)
{
    for (int i = 0; i < t->kid_count; i++) {
        double v = walk(t->kids[i]);
        if (isnan(v)) return NAN;
        if ((v != 0) == (t->which == 1)) return (double)t->which;
    }
    return (double)!t->which;
}

static double walk_node(const struct node *t)
{
    static const double vars[] = {2, -3.5, 0, NAN};
    double c;
    switch (t->kind) {
    case LEAF:
        return t->number;
    case VAR:
        return vars[t->which];
    case STAT:
        return t->which == 2 ? (double)NAN : 100.0 + t->which;
    case SIGN:
        return -walk(t->kids[0]);
    case BINARY:
        return walk_binary(t);
    case CALL1:
        return walk_one(t);
    case CALL2:
        return walk_two(t);
    case IF:
        c = walk(t->kids[0]);
        return isnan(c) ? NAN : walk(t->kids[c != 0 ? 1 : 2]);
    default:
        return walk_logic(t);
    }
}

static double walk(int id)
{
    double v = walk_node(&tree.nodes[id]);
    return isfinite(v) ? v : NAN;
}

static bool variable(void *x, size_t name, double *ret)
{
    char which = expression_name(x, name).p[0];
    *ret = which == 'x' ? 2 : which == 'y' ? -3.5 : 0;
    return which != 'g';
}

/* Windows as the tree names them, whatever number they got. */
static bool window(void *x, size_t i, double *ret)
{
    struct expression_window w = expression_window_at(x, i);
    if (bytes_is(expression_name(x, w.name), "nothing")) return false;
    *ret = w.statistic == EXPRESSION_AVG ? 100 : 101;
    return true;
}

static void programs_equal_a_walk_over_the_tree(void **state)
{
    (void)state;
    size_t results = 0;
    rnd_seed(&tree.rnd, SEED);
    print_message("seed %" PRIu64 "\n", SEED);
    for (int i = 0; i < 50000; i++) {
        tree.n = 0;
        tree.length = 0;
        int root = grow(1 + (int)rnd_below(&tree.rnd, 7));
        print(root);
        if (tree.length > TREE_TEXT_MAX) continue;
        struct expression_error error;
        struct expression *x = NULL;
        if (expression_compile(&x, bytes_of(tree.text, tree.length), &error))
            fail_msg("%s: %s", tree.text, error.text);
        const struct expression_inputs inputs = {x, variable, window};
        double expected = walk(root), v = NAN;
        size_t at = SIZE_MAX;
        enum expression_outcome o = expression_run(x, &inputs, &v, &at);
        bool same = o ? isnan(expected) : v == expected;
        if (!same) fail_msg("%s: outcome %d, %.17g, not %.17g", tree.text, o, v, expected);
        results += !o;
        expression_free(x);
    }
    assert_true(results > 5000); /* else the test would look at failures only */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(programs_equal_a_walk_over_the_tree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
