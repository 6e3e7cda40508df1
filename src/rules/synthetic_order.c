/* The order of synthetic variables (see synthetic_order.h): depth first, inputs before users. */
#include "rules/synthetic_order.h"

#include "model/alias.h"
#include "model/synthetic.h"

#include <stdio.h>

struct search {
    const struct synthetic_node *nodes;
    size_t n;
    enum { NEW, OPEN, DONE } state[SYNTHETICS_PER_DEVICE];
    unsigned height[SYNTHETICS_PER_DEVICE]; /* the longest chain below and with it */
    size_t path[SYNTHETICS_PER_DEVICE + 1], depth;
    size_t *order, ordered;
    struct why *why;
};

bool synthetic_order_means(struct bytes used, struct bytes name)
{
    struct bytes alias = alias_of(used);
    return bytes_equal(used, name) || (alias.p && bytes_equal(alias, name));
}

static enum err refuse_cycle(struct search *s, size_t node)
{
    char text[200];
    size_t at = 0, i = 0;
    while (s->path[i] != node) i++;
    for (; i <= s->depth && at < sizeof text - 1; i++) {
        struct bytes name = s->nodes[i < s->depth ? s->path[i] : node].name;
        int n =
            snprintf(text + at, sizeof text - at, "%s%.*s", at ? " -> " : "", (int)name.n, name.p);
        at += n > 0 ? (size_t)n : 0;
    }
    return why_say(s->why, ERR_IMPOSSIBLE, "this would be computed from itself: %s", text);
}

static enum err visit(struct search *s, size_t node);

static enum err visit_input(struct search *s, size_t node, size_t input)
{
    enum err e = ERR_OK;
    if (s->state[input] == OPEN) return refuse_cycle(s, input);
    if (s->state[input] == NEW) e = visit(s, input);
    if (!e && s->height[input] >= s->height[node]) s->height[node] = s->height[input] + 1;
    return e;
}

/* As deep as there are nodes at most. */
static enum err visit(struct search *s, size_t node)
{
    const struct synthetic_node *x = &s->nodes[node];
    enum err e = ERR_OK;
    s->state[node] = OPEN;
    s->height[node] = 1;
    s->path[s->depth++] = node;
    for (size_t i = 0; i < expression_name_count(x->expression) && !e; i++)
        for (size_t k = 0; k < s->n && !e; k++)
            if (synthetic_order_means(expression_name(x->expression, i), s->nodes[k].name))
                e = visit_input(s, node, k);
    if (e) return e;
    if (s->height[node] > SYNTHETIC_CHAIN_MAX)
        return why_say(s->why, ERR_IMPOSSIBLE,
                       "%.*s would be the end of a chain of more than %d synthetic variables",
                       (int)x->name.n, x->name.p, SYNTHETIC_CHAIN_MAX);
    s->depth--;
    s->state[node] = DONE;
    s->order[s->ordered++] = node;
    return ERR_OK;
}

enum err synthetic_order_find(const struct synthetic_node *nodes, size_t n, size_t *ret_order,
                              struct why *why)
{
    struct search s = {.nodes = nodes, .n = n, .order = ret_order, .why = why};
    enum err e = ERR_OK;
    bug_if(n > SYNTHETICS_PER_DEVICE);
    for (size_t i = 0; i < n && !e; i++)
        if (s.state[i] == NEW) e = visit(&s, i);
    return e;
}
