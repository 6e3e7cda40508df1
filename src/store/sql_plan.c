/* Explaining slow statements (see sql_plan.h). The EXPLAIN itself is no operation of ours and is
 * not counted. */
#include "store/sql_plan.h"

#include "base/mem.h"

#include <stdio.h>

static const char *words_of(const struct sql_tx *tx)
{
    return tx->ops->dialect == SQL_POSTGRES ? "EXPLAIN " : "EXPLAIN QUERY PLAN ";
}

/* Each row is a line: its last column. */
static enum err read_lines(struct sql_tx *tx, const char *sql, struct sql_args args, char *ret)
{
    struct sql_cursor *c;
    struct sql_row row;
    size_t at = 0;
    ret[0] = 0;
    enum err e = tx->ops->query(tx, sql, args, &c);
    if (e) return e;
    while (!(e = c->ops->next(c, &row)) && at < SQL_PLAN_MAX) {
        struct bytes line = row.columns[row.n - 1].as.b;
        int n =
            snprintf(ret + at, SQL_PLAN_MAX - at, "%s%.*s", at ? "\n" : "", (int)line.n, line.p);
        if (n > 0) at += (size_t)n;
    }
    c->ops->finish(c);
    return e == ERR_END ? ERR_OK : e;
}

static enum err explain(struct sql_db *db, const struct sql_statement *s, char *ret)
{
    char sql[SQL_TEXT_MAX + 32];
    struct sql_tx *tx;
    enum err e = sql_begin(db, SQL_READ, &tx);
    if (e) return e;
    snprintf(sql, sizeof sql, "%s%s", words_of(tx), s->text);
    e = read_lines(tx, sql, (struct sql_args){s->plan.args.values, s->plan.args.n}, ret);
    if (e) snprintf(ret, SQL_PLAN_MAX, "not explained: %.200s", tx->ops->message(tx));
    sql_rollback(tx);
    return ERR_OK;
}

/* One of a store's own is given up with its parameters once it is explained; one of a store that
 * was closed meanwhile has nobody who can. */
static enum err explain_kept(struct sql_db *db, struct sql_statement *s, char *ret)
{
    enum err e = ERR_OK;
    if (db->ops->explain)
        e = db->ops->explain(db, s->text, s->plan.kept, ret, SQL_PLAN_MAX);
    else
        snprintf(ret, SQL_PLAN_MAX, "not explained: its store is closed");
    if (e) return e;
    mem_free(s->plan.kept);
    s->plan.kept = NULL;
    return ERR_OK;
}

static enum err explain_one(struct sql_db *db, struct sql_statement *s, char *ret)
{
    if (s->plan.kept) return explain_kept(db, s, ret);
    if (s->plan.args.whole) return explain(db, s, ret);
    snprintf(ret, SQL_PLAN_MAX, "not explained: its parameters are too large to be kept");
    return ERR_OK;
}

static void keep(struct sql_plan *p, const char *text, int64_t now_wall_ns)
{
    while (atomic_flag_test_and_set_explicit(&p->busy, memory_order_acquire)) continue;
    memcpy(p->text, text, SQL_PLAN_MAX);
    p->wall_ns = now_wall_ns;
    atomic_flag_clear_explicit(&p->busy, memory_order_release); /* pairs with the acquire above */
}

enum err sql_plan_turn(struct sql_db *db, int64_t now_wall_ns, size_t max, size_t *ret_n)
{
    struct sql_statement *s;
    char text[SQL_PLAN_MAX] = "";
    size_t n = 0;
    enum err e = ERR_OK;
    for (size_t i = 0; n < max && !e && (s = sql_statement_at(i)); i++) {
        int wanted = SQL_PLAN_WANTED;
        if (!atomic_compare_exchange_strong(&s->plan.state, &wanted, SQL_PLAN_BUSY)) continue;
        e = explain_one(db, s, text);
        if (!e) keep(&s->plan, text, now_wall_ns);
        atomic_store(&s->plan.state, e ? SQL_PLAN_WANTED : SQL_PLAN_IDLE);
        n++;
    }
    *ret_n = n;
    return e;
}
