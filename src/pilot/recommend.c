/* The table of rules, and what they share (see recommend.h). */
#include "pilot/recommend_internal.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 500 };

static recommend_rule *const rules[] = {
    recommend_ingest_batch_small,
    recommend_ingest_batch_large,
    recommend_ingest_queue,
    recommend_cache_small,
    recommend_cache_short,
    recommend_cache_long,
    recommend_database_missing_index,
    recommend_database_unused_index,
    recommend_database_pool,
    recommend_tenants_noisy,
    recommend_tenants_clock,
    recommend_tenants_explosion,
    recommend_tenants_one_by_one,
    recommend_storage_full,
    recommend_storage_retention,
};

const char *recommend_priority_name(enum recommendation_priority p)
{
    static const char *const names[] = {"low", "medium", "high"};
    return (unsigned)p < 3 ? names[p] : "low";
}

struct bytes recommend_text(struct report *r, const char *format, ...)
{
    va_list args;
    char *text = arena_alloc(r->arena, TEXT_MAX);
    if (!text) {
        r->err = ERR_NOMEM;
        return bytes_str("");
    }
    va_start(args, format);
    int n = vsnprintf(text, TEXT_MAX, format, args);
    va_end(args);
    return bytes_of(text, n < 0 ? 0 : n < TEXT_MAX ? (size_t)n : TEXT_MAX - 1);
}

struct recommendation *recommend_add(struct report *r, struct bytes id)
{
    if (r->err || r->n == RECOMMEND_MAX) return NULL;
    struct recommendation *rec = &r->list[r->n++];
    *rec = (struct recommendation){.id = id, .gain = NAN, .gain_unit = ""};
    return rec;
}

void recommend_figure(struct recommendation *rec, const char *name, double value)
{
    if (rec->evidence_count == RECOMMEND_FIGURES) return;
    rec->evidence[rec->evidence_count++] = (struct recommendation_figure){name, value};
}

struct bytes recommend_bytes(struct report *r, double bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    while (bytes >= 1000 && unit < 5) {
        bytes /= 1000;
        unit++;
    }
    return recommend_text(r, "%.3g %s", bytes, units[unit]);
}

static int compare(const void *a, const void *b)
{
    const struct recommendation *x = a, *y = b;
    if (x->priority != y->priority) return x->priority < y->priority ? 1 : -1;
    size_t n = x->id.n < y->id.n ? x->id.n : y->id.n;
    int order = memcmp(x->id.p, y->id.p, n);
    return order ? order : (x->id.n > y->id.n) - (x->id.n < y->id.n);
}

enum err recommend_run(const struct evidence *e, struct arena *a, struct recommendation **ret,
                       size_t *ret_n)
{
    struct report r = {.arena = a};
    r.list = arena_alloc(a, RECOMMEND_MAX * sizeof *r.list);
    if (!r.list) return ERR_NOMEM;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) rules[i](&r, e);
    if (r.err) return r.err;
    qsort(r.list, r.n, sizeof *r.list, compare);
    *ret = r.list;
    *ret_n = r.n;
    return ERR_OK;
}

int recommend_score(const struct recommendation *r, size_t n)
{
    static const int weights[] = {5, 10, 20};
    int score = 100;
    for (size_t i = 0; i < n && score > 0; i++) score -= weights[r[i].priority];
    return score < 0 ? 0 : score;
}
