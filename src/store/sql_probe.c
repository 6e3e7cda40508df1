/* Every call of store/sql.h, timed and counted: transactions by what they wait for, statements by
 * their text (see sql_statement.h).
 *
 * A statement lasts from sql_query() to sql_finish(), as its caller sees it, without the others
 * that the same thread ran meanwhile. */
#include "store/sql_statement.h"

static struct probe begin_read = PROBE_INIT(PROBE_SQL, "sql_begin_read");
static struct probe begin_write = PROBE_INIT(PROBE_SQL, "sql_begin_write");
static struct probe commits = PROBE_INIT(PROBE_SQL, "sql_commit");
static struct probe rollbacks = PROBE_INIT(PROBE_SQL, "sql_rollback");

static _Atomic uint64_t open_transactions;

uint64_t sql_open_transactions(void)
{
    return atomic_load_explicit(&open_transactions, memory_order_relaxed);
}

static void end_transaction(void)
{
    atomic_fetch_sub_explicit(&open_transactions, 1, memory_order_relaxed);
}

enum err sql_begin(struct sql_db *db, enum sql_mode mode, struct sql_tx **ret)
{
    int64_t begun_ns = probe_now();
    enum err e = db->ops->begin(db, mode, ret);
    if (!e) atomic_fetch_add_explicit(&open_transactions, 1, memory_order_relaxed);
    probe_note(mode == SQL_READ ? &begin_read : &begin_write, begun_ns, e);
    return e;
}

enum err sql_commit(struct sql_tx *tx)
{
    int64_t begun_ns = probe_now();
    enum err e = tx->ops->commit(tx);
    end_transaction();
    probe_note(&commits, begun_ns, e);
    return e;
}

void sql_rollback(struct sql_tx *tx)
{
    if (!tx) return;
    int64_t begun_ns = probe_now();
    tx->ops->rollback(tx);
    end_transaction();
    probe_note(&rollbacks, begun_ns, ERR_OK);
}

#ifndef SV_NO_PROBES
/* What statements of this thread took, all together. */
static _Thread_local int64_t spent_ns;

enum err sql_query_named(struct sql_tx *tx, const char *sql, struct sql_args args,
                         struct sql_cursor **ret)
{
    struct sql_statement *s = sql_statement_find(tx->file, tx->func, sql);
    int64_t begun_ns = probe_now(), others_ns = spent_ns;
    struct sql_cursor *c;
    enum err e = tx->ops->query(tx, sql, args, &c);
    if (e) {
        sql_statement_note(s, probe_now() - begun_ns, e, NULL);
        return e;
    }
    c->statement = s;
    c->begun_ns = begun_ns;
    c->others_ns = others_ns;
    c->outcome = ERR_OK;
    sql_statement_keep_args(&c->args, args);
    *ret = c;
    return ERR_OK;
}

enum err sql_next(struct sql_cursor *c, struct sql_row *ret)
{
    enum err e = c->ops->next(c, ret);
    if (e && e != ERR_END) c->outcome = e;
    return e;
}

void sql_finish(struct sql_cursor *c)
{
    if (!c) return;
    struct sql_statement *s = c->statement;
    int64_t begun_ns = c->begun_ns, others_ns = spent_ns - c->others_ns;
    enum err outcome = c->outcome;
    struct sql_kept_args args;
    bool slow = probe_now() - begun_ns - others_ns > probe_threshold(&s->probe);
    if (slow) sql_statement_keep_args(&args, (struct sql_args){c->args.values, c->args.n});
    if (slow) args.whole &= c->args.whole;
    c->ops->finish(c);
    int64_t own_ns = probe_now() - begun_ns - others_ns;
    spent_ns += own_ns;
    sql_statement_note(s, own_ns, outcome, slow ? &args : NULL);
}

enum err sql_exec_named(struct sql_tx *tx, const char *sql, struct sql_args args,
                        int64_t *ret_changes)
{
    struct sql_statement *s = sql_statement_find(tx->file, tx->func, sql);
    struct sql_kept_args kept;
    int64_t begun_ns = probe_now();
    enum err e = tx->ops->exec(tx, sql, args, ret_changes);
    int64_t own_ns = probe_now() - begun_ns;
    bool slow = own_ns > probe_threshold(&s->probe);
    if (slow) sql_statement_keep_args(&kept, args);
    spent_ns += own_ns;
    sql_statement_note(s, own_ns, e, slow ? &kept : NULL);
    return e;
}
#else
enum err sql_query_named(struct sql_tx *tx, const char *sql, struct sql_args args,
                         struct sql_cursor **ret)
{
    return tx->ops->query(tx, sql, args, ret);
}

enum err sql_next(struct sql_cursor *c, struct sql_row *ret)
{
    return c->ops->next(c, ret);
}

void sql_finish(struct sql_cursor *c)
{
    if (c) c->ops->finish(c);
}

enum err sql_exec_named(struct sql_tx *tx, const char *sql, struct sql_args args,
                        int64_t *ret_changes)
{
    return tx->ops->exec(tx, sql, args, ret_changes);
}
#endif
