/* Slow statements and their plans (see postgres_plan.h). */
#include "store/postgres/postgres_plan.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* An array on the wire: a head whose fourth number is that of its elements, then 12 bytes each
 * (postgres_array.c). */
enum { HEAD = 20, COUNT_AT = 12, ELEMENT = 12, CUT = HEAD + ELEMENT * POSTGRES_PLAN_ELEMENTS };
enum { WORDS_MAX = SQL_TEXT_MAX + 16 };

struct kept {
    struct postgres_args args; /* its values point into bytes */
    bool cut;                  /* an array is */
    uint8_t bytes[];
};

static size_t kept_length(const struct postgres_args *a, size_t i)
{
    if (!a->values[i]) return 0;
    return a->lengths[i] > CUT ? CUT : (size_t)a->lengths[i];
}

/* Only arrays are as long as that: the store's own statements have no other long parameters. */
static void cut_array(uint8_t *array)
{
    for (int i = 0; i < 4; i++)
        array[COUNT_AT + i] = (uint8_t)(POSTGRES_PLAN_ELEMENTS >> (24 - 8 * i));
}

static struct kept *keep(const struct postgres_args *a)
{
    size_t bytes = 0, at = 0;
    for (size_t i = 0; i < a->n; i++) bytes += kept_length(a, i);
    struct kept *k = mem_alloc(sizeof *k + bytes);
    if (!k) return NULL;
    k->cut = false;
    k->args.n = a->n;
    for (size_t i = 0; i < a->n; i++) {
        size_t n = kept_length(a, i);
        k->args.types[i] = a->types[i];
        k->args.formats[i] = a->formats[i];
        k->args.lengths[i] = (int)n;
        k->args.values[i] = a->values[i] ? (const char *)k->bytes + at : NULL;
        if (n) memcpy(k->bytes + at, a->values[i], n);
        if (n < (size_t)a->lengths[i] && a->values[i]) {
            cut_array(k->bytes + at);
            k->cut = true;
        }
        at += n;
    }
    return k;
}

void postgres_plan_note(struct sql_statement *s, int64_t took_ns, enum err outcome,
                        const struct postgres_args *args)
{
#ifndef SV_NO_PROBES
    sql_statement_note(s, took_ns, outcome, NULL);
    if (took_ns > probe_threshold(&s->probe) && sql_statement_claim_plan(s, took_ns))
        sql_statement_ask_plan(s, keep(args));
#else
    (void)s, (void)took_ns, (void)outcome, (void)args;
#endif
}

/* Each row of EXPLAIN is a line. */
static void read_lines(const PGresult *r, bool cut, char *ret, size_t cap)
{
    size_t at = 0;
    ret[0] = 0;
    if (cut)
        at = (size_t)snprintf(ret, cap, "with the first %d elements of its arrays",
                              POSTGRES_PLAN_ELEMENTS);
    for (int i = 0; i < PQntuples(r) && at < cap; i++) {
        int n = snprintf(ret + at, cap - at, "%s%s", at ? "\n" : "", PQgetvalue(r, i, 0));
        if (n > 0) at += (size_t)n;
    }
}

enum err postgres_plan_explain(struct postgres_pool *pool, const char *sql, const void *kept,
                               char *ret, size_t cap)
{
    const struct kept *k = kept;
    struct postgres_conn *c;
    struct why why = {""};
    char words[WORDS_MAX];
    enum err e = postgres_pool_take(pool, &c, &why);
    if (e) return e;
    snprintf(words, sizeof words, "EXPLAIN %s", sql);
    PGresult *r = PQexecParams(c->pg, words, (int)k->args.n, k->args.types, k->args.values,
                               k->args.lengths, k->args.formats, 0);
    if (PQresultStatus(r) == PGRES_TUPLES_OK)
        read_lines(r, k->cut, ret, cap);
    else
        snprintf(ret, cap, "not explained: %.200s", PQerrorMessage(c->pg));
    PQclear(r);
    postgres_pool_give(pool, c);
    return ERR_OK;
}
