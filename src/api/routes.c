/* The route table as a tree of path segments (see routes.h). */
#include "api/routes.h"

#include "base/mem.h"
#include "codec/url.h"

#include <stdio.h>

const int route_statuses[ROUTE_STATUSES] = {
    200, 201, 202, 204, 206, 301, 302, 304, 400, 401, 403, 404, 405, 406,
    408, 409, 410, 412, 413, 415, 422, 429, 500, 501, 503, 101, 0,
};

struct node {
    struct bytes segment; /* "" of the root and of the parameter child */
    struct node *next;    /* sibling */
    struct node *literals, *parameter;
    const struct route *by_method[HTTP1_METHODS];
};

struct route_table {
    struct arena arena;
    struct node *root;
    const struct route **all;
    size_t count;
};

/* Of all[i]. Probes stay as long as the process, whatever becomes of the table. */
static struct route_figures figures[ROUTES_MAX];
static char names[ROUTES_MAX][128];

static struct node *child_of(struct route_table *t, struct node *n, struct bytes segment)
{
    bool parameter = segment.n && segment.p[0] == '{';
    struct node **at = parameter ? &n->parameter : &n->literals;
    for (; *at; at = &(*at)->next)
        if (parameter || bytes_equal((*at)->segment, segment)) return *at;
    struct node *fresh = arena_zalloc(&t->arena, sizeof *fresh);
    if (!fresh) return NULL;
    fresh->segment = parameter ? bytes_of("", 0) : segment;
    return *at = fresh;
}

static enum err add_route(struct route_table *t, const struct route *r)
{
    struct node *n = t->root;
    struct bytes rest = bytes_str(r->path), segment;
    while (url_path_next(&rest, &segment))
        if (segment.n && !(n = child_of(t, n, segment))) return ERR_NOMEM;
    bug_if(n->by_method[r->method]); /* two rows for one route */
    n->by_method[r->method] = r;
    bug_if(t->count == ROUTES_MAX);
    snprintf(names[t->count], sizeof *names, "%s %s", http1_method_name(r->method), r->path);
    figures[t->count].probe.name = names[t->count];
    figures[t->count].probe.kind = PROBE_ROUTE;
    t->all[t->count++] = r;
    return ERR_OK;
}

enum err routes_new(struct route_table **ret)
{
    struct route_table *t = mem_zalloc(sizeof *t);
    if (!t) return ERR_NOMEM;
    arena_init(&t->arena, 1 << 20);
    size_t n = 0;
    for (const struct route_list *l = route_lists; l->routes; l++) n += *l->count;
    t->root = arena_zalloc(&t->arena, sizeof *t->root);
    t->all = arena_alloc(&t->arena, n * sizeof(struct route *));
    enum err e = t->root && t->all ? ERR_OK : ERR_NOMEM;
    for (const struct route_list *l = route_lists; l->routes && !e; l++)
        for (size_t i = 0; i < *l->count && !e; i++) e = add_route(t, &l->routes[i]);
    if (e) {
        routes_free(t);
        return e;
    }
    *ret = t;
    return ERR_OK;
}

void routes_free(struct route_table *t)
{
    if (!t) return;
    arena_done(&t->arena);
    mem_free(t);
}

struct walk {
    struct bytes segments[24];
    size_t n;
    struct bytes params[API_PARAMS_MAX];
    struct bytes best_params[API_PARAMS_MAX];
    const struct node *best; /* a path that exists, perhaps with another method */
    enum http1_method method;
};

/* Depth first, literals before parameters, until a node has the method. */
static bool walk_node(struct walk *w, const struct node *n, size_t depth, size_t params)
{
    if (depth == w->n) {
        bool any = false;
        for (int m = 0; m < HTTP1_METHODS; m++) any |= n->by_method[m] != NULL;
        if (!any) return false;
        if (!w->best || n->by_method[w->method]) {
            w->best = n;
            memcpy(w->best_params, w->params, sizeof w->params);
        }
        return n->by_method[w->method] != NULL;
    }
    for (const struct node *c = n->literals; c; c = c->next)
        if (bytes_equal(c->segment, w->segments[depth]) && walk_node(w, c, depth + 1, params))
            return true;
    if (!n->parameter || params == API_PARAMS_MAX || !w->segments[depth].n) return false;
    w->params[params] = w->segments[depth];
    return walk_node(w, n->parameter, depth + 1, params + 1);
}

static bool split_path(struct walk *w, struct bytes path, struct arena *a)
{
    struct bytes rest = path, segment;
    while (url_path_next(&rest, &segment)) {
        if (!segment.n) continue;
        if (w->n == sizeof w->segments / sizeof *w->segments) return false;
        if (url_decode(a, segment, false, &w->segments[w->n++])) return false;
    }
    return true;
}

static struct bytes allow_text(const struct node *n, struct arena *a)
{
    struct bytes allow = BYTES("OPTIONS");
    for (int m = 0; m < HTTP1_METHODS; m++) {
        if (!n->by_method[m]) continue;
        const char *more = m == HTTP1_GET ? "GET, HEAD" : http1_method_name((enum http1_method)m);
        char *text = arena_printf(a, "%s, %.*s", more, (int)allow.n, allow.p);
        if (text) allow = bytes_str(text);
    }
    return allow;
}

enum route_match routes_find(const struct route_table *t, enum http1_method method,
                             struct bytes path, struct arena *a, const struct route **ret,
                             struct bytes *params, struct bytes *ret_allow)
{
    struct walk w = {.method = method == HTTP1_HEAD ? HTTP1_GET : method};
    if (!split_path(&w, path, a)) return ROUTE_NO_PATH;
    walk_node(&w, t->root, 0, 0);
    if (!w.best) return ROUTE_NO_PATH;
    if (!w.best->by_method[w.method]) {
        *ret_allow = allow_text(w.best, a);
        return ROUTE_NO_METHOD;
    }
    *ret = w.best->by_method[w.method];
    memcpy(params, w.best_params, sizeof w.best_params);
    return ROUTE_FOUND;
}

size_t routes_count(const struct route_table *t)
{
    return t->count;
}

const struct route *routes_at(const struct route_table *t, size_t i)
{
    return t->all[i];
}

struct route_figures *routes_figures(struct route_table *t, const struct route *r)
{
    size_t before = 0; /* asked for with each answer: a step for a table, not for a route */
    for (const struct route_list *l = route_lists; l->routes && before < t->count; l++) {
        if (r >= l->routes && r < l->routes + *l->count)
            return &figures[before + (size_t)(r - l->routes)];
        before += *l->count;
    }
    return NULL;
}

/* What an answer means as the outcome of an operation. */
static enum err outcome_of(int status)
{
    switch (status) {
    case 404:
        return ERR_NOTFOUND;
    case 429:
        return ERR_RATE;
    case 503:
        return ERR_FULL;
    case 507:
        return ERR_NOSPACE;
    default:
        break;
    }
    if (status >= 500) return ERR_INTERNAL;
    return status >= 400 ? ERR_INVALID : ERR_OK;
}

void routes_note(struct route_table *t, const struct route *r, int status,
                 const struct probe_span *parts, int64_t took_ns)
{
    struct route_figures *f = routes_figures(t, r);
    if (!f) return;
    int slot = 0;
    while (slot < ROUTE_STATUSES - 1 && route_statuses[slot] != status) slot++;
    atomic_fetch_add_explicit(&f->by_status[slot], 1, memory_order_relaxed);
    probe_note_parts(&f->probe, parts, took_ns, outcome_of(status));
}
