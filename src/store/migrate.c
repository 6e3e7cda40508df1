/* Schema steps as data (see migrate.h). What is written down of an applied one:
 *
 *     schema_migrations (number, name, checksum, applied_ns)
 *
 * Everything is compared before anything is applied, so a refused database is as it was. */
#include "store/migrate.h"

#include "base/crc32c.h"

#include <stdio.h>

static const char *script_of(const struct migration *m, enum sql_dialect dialect)
{
    return dialect == SQL_POSTGRES && m->postgres ? m->postgres : m->script;
}

static bool is_alone(const struct migration *m, enum sql_dialect dialect)
{
    return strncmp(script_of(m, dialect), MIGRATE_ALONE, strlen(MIGRATE_ALONE)) == 0;
}

uint32_t migrate_checksum(const struct migration *m, enum sql_dialect dialect)
{
    const char *script = script_of(m, dialect);
    return crc32c(0, script, strlen(script));
}

static enum err say(struct sql_tx *tx, enum err e, struct why *why)
{
    return why_say(why, e, "%s", tx->ops->message(tx));
}

/* Called for each line of schema_migrations in order of number; name is borrowed. */
typedef enum err line_fn(void *ctx, int64_t number, const char *name, int64_t checksum,
                         int64_t applied_ns);

static enum err each_applied(struct sql_tx *tx, line_fn *visit, void *ctx, struct why *why)
{
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sql_query(
        tx, "SELECT number, name, checksum, applied_ns FROM schema_migrations ORDER BY number",
        SQL_NO_ARGS, &c);
    if (e) return say(tx, e, why);
    while (!(e = sql_next(c, &row))) {
        char name[128];
        struct bytes text = row.columns[1].as.b;
        snprintf(name, sizeof name, "%.*s", text.n < 120 ? (int)text.n : 120, text.p);
        e = visit(ctx, row.columns[0].as.i, name, row.columns[2].as.i, row.columns[3].as.i);
        if (e) break;
    }
    sql_finish(c);
    if (e == ERR_END) return ERR_OK;
    return tx->ops->message(tx)[0] ? say(tx, e, why) : e;
}

/* Walks the list along the lines of the database. */
struct walk {
    enum sql_dialect dialect;
    const struct migration *list;
    size_t n;
    size_t at; /* lines seen = migrations of the list that are applied */
    void (*visit)(void *ctx, const struct migrate_line *line); /* NULL: judge instead */
    void *ctx;
    struct why *why;
};

static enum err judge(const struct walk *w, const struct migrate_line *line)
{
    if (line->state == MIGRATE_UNKNOWN)
        return why_say(w->why, ERR_VERSION,
                       "migration %lld '%s' is not known to this program: the database was written "
                       "by a newer version; use that version",
                       (long long)line->number, line->name);
    if (line->state == MIGRATE_EDITED)
        return why_say(w->why, ERR_CORRUPT,
                       "migration %lld '%s' was applied with other contents than this program has; "
                       "use the program that made the database, or restore a backup",
                       (long long)line->number, line->name);
    return ERR_OK;
}

static enum err walk_line(void *ctx, int64_t number, const char *name, int64_t checksum,
                          int64_t applied_ns)
{
    struct walk *w = ctx;
    const struct migration *m = w->at < w->n ? &w->list[w->at] : NULL;
    struct migrate_line line = {number,
                                name,
                                MIGRATE_APPLIED,
                                applied_ns,
                                m && is_alone(m, w->dialect),
                                m ? script_of(m, w->dialect) : NULL};
    if (m && number > m->number && number <= w->list[w->n - 1].number)
        return why_say(w->why, ERR_CORRUPT,
                       "migration %lld '%s' is missing although %lld '%s' was applied",
                       (long long)m->number, m->name, (long long)number, name);
    if (!m || number != m->number)
        line.state = MIGRATE_UNKNOWN;
    else if (checksum != migrate_checksum(m, w->dialect))
        line.state = MIGRATE_EDITED;
    if (line.state != MIGRATE_UNKNOWN) w->at++;
    if (!w->visit) return judge(w, &line);
    w->visit(w->ctx, &line);
    return ERR_OK;
}

static const char history_sql[] = "CREATE TABLE IF NOT EXISTS schema_migrations ("
                                  " number BIGINT NOT NULL PRIMARY KEY,"
                                  " name TEXT NOT NULL,"
                                  " checksum BIGINT NOT NULL,"
                                  " applied_ns BIGINT NOT NULL);";

static enum err note_applied(struct sql_tx *tx, const struct migration *m, int64_t now_ns)
{
    return sql_exec(tx,
                    "INSERT INTO schema_migrations (number, name, checksum, applied_ns) "
                    "VALUES ($1, $2, $3, $4)",
                    SQL_ARGS(SQL_I(m->number), SQL_T(bytes_str(m->name)),
                             SQL_I(migrate_checksum(m, tx->ops->dialect)), SQL_I(now_ns)),
                    NULL);
}

/* --- not transactional ------------------------------------------------------------------------ */

/* What the statement makes, when that is an index: the word behind IF NOT EXISTS. */
static struct bytes index_of(const char *statement)
{
    static const char words[] = "CREATE INDEX CONCURRENTLY IF NOT EXISTS ";
    if (strncmp(statement, words, sizeof words - 1) != 0) return BYTES("");
    const char *name = statement + sizeof words - 1;
    return bytes_of(name, strcspn(name, " "));
}

/* How to drop that index, should it be one that was left half-built; empty: there is no such. */
static enum err find_half_built(struct sql_db *db, struct bytes name, char *ret, size_t n,
                                struct why *why)
{
    struct sql_tx *tx;
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sql_begin(db, SQL_READ, &tx);
    if (e) return why_say(why, e, "%s", err_sentence(e));
    e = sql_query(tx,
                  "SELECT format('DROP INDEX CONCURRENTLY IF EXISTS %I.%I', n.nspname, c.relname) "
                  "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                  "JOIN pg_namespace n ON n.oid = c.relnamespace "
                  "WHERE n.nspname = current_schema() AND c.relname = $1 AND NOT i.indisvalid",
                  SQL_ARGS(SQL_T(name)), &c);
    if (!e) {
        e = sql_next(c, &row);
        struct bytes drop = e ? BYTES("") : row.columns[0].as.b;
        snprintf(ret, n, "%.*s", (int)drop.n, drop.p);
        sql_finish(c);
    }
    if (e && e != ERR_END) (void)say(tx, e, why);
    sql_rollback(tx);
    return e == ERR_END ? ERR_OK : e;
}

static enum err run_one(struct sql_db *db, const char *statement, struct why *why)
{
    char drop[192] = "";
    struct bytes name = index_of(statement);
    enum err e = name.n ? find_half_built(db, name, drop, sizeof drop, why) : ERR_OK;
    if (!e && drop[0]) e = db->ops->alone(db, drop, why);
    return e ? e : db->ops->alone(db, statement, why);
}

static enum err run_alone(struct sql_db *db, const struct migration *m, struct why *why)
{
    enum { STATEMENT_MAX = 1024 };
    char statement[STATEMENT_MAX];
    const char *at = script_of(m, db->ops->dialect) + strlen(MIGRATE_ALONE);
    enum err e = ERR_OK;
    for (const char *end; !e && (end = strstr(at, ";\n")); at = end + 2) {
        int n = snprintf(statement, sizeof statement, "%.*s", (int)(end - at), at);
        bug_if(n < 0 || (size_t)n >= sizeof statement);
        e = run_one(db, statement, why);
    }
    bug_if(!e && *at); /* the last one ends like the others */
    return e;
}

/* --- one -------------------------------------------------------------------------------------- */

static enum err apply(struct sql_db *db, const struct migration *m, int64_t now_ns, struct why *why)
{
    struct sql_tx *tx;
    struct why reason = {""};
    bool alone = db->ops->alone && is_alone(m, db->ops->dialect);
    enum err e = alone ? run_alone(db, m, &reason) : ERR_OK;
    if (!e && !(e = sql_begin(db, SQL_WRITE, &tx))) {
        if (!alone) e = tx->ops->script(tx, script_of(m, db->ops->dialect), &reason);
        if (!e) e = note_applied(tx, m, now_ns);
        e = sql_end(tx, e);
    }
    return e ? why_say(why, e, "migration %lld '%s': %.150s", (long long)m->number, m->name,
                       reason.text[0] ? reason.text : err_sentence(e))
             : ERR_OK;
}

static enum err make_history(struct sql_db *db, struct why *why)
{
    struct sql_tx *tx;
    enum err e = sql_begin(db, SQL_WRITE, &tx);
    if (e) return why_say(why, e, "the catalog cannot be changed: %s", err_sentence(e));
    e = sql_end(tx, tx->ops->script(tx, history_sql, why));
    return e ? why_say(why, e, "schema_migrations cannot be made: %s", err_sentence(e)) : ERR_OK;
}

/* Without the table nothing was applied; asking for it would fail the transaction. */
static enum err has_history(struct sql_tx *tx, bool *ret, struct why *why)
{
    static const char *const look[] = {
        [SQL_SQLITE] = "SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'",
        [SQL_POSTGRES] = "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() "
                         "AND tablename = 'schema_migrations'"};
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sql_query(tx, look[tx->ops->dialect], SQL_NO_ARGS, &c);
    if (e) return say(tx, e, why);
    e = sql_next(c, &row);
    sql_finish(c);
    if (e && e != ERR_END) return say(tx, e, why);
    *ret = !e;
    return ERR_OK;
}

static enum err walk_database(struct sql_db *db, struct walk *w)
{
    struct sql_tx *tx;
    bool there = false;
    enum err e = sql_begin(db, SQL_READ, &tx);
    if (e) return why_say(w->why, e, "the catalog cannot be read: %s", err_sentence(e));
    e = has_history(tx, &there, w->why);
    if (!e && there) e = each_applied(tx, walk_line, w, w->why);
    sql_rollback(tx);
    return e;
}

enum err migrate_run(struct sql_db *db, const struct migration *list, size_t n, int64_t now_ns,
                     struct why *why)
{
    struct walk w = {.dialect = db->ops->dialect, .list = list, .n = n, .why = why};
    enum err e = db->ops->lock_schema ? db->ops->lock_schema(db, why) : ERR_OK;
    if (e) return e;
    e = walk_database(db, &w);
    if (!e && w.at == 0 && n) e = make_history(db, why);
    for (size_t i = w.at; !e && i < n; i++) e = apply(db, &list[i], now_ns, why);
    if (db->ops->unlock_schema) db->ops->unlock_schema(db);
    return e;
}

enum err migrate_status(struct sql_db *db, const struct migration *list, size_t n,
                        void (*visit)(void *ctx, const struct migrate_line *line), void *ctx,
                        struct why *why)
{
    struct walk w = {db->ops->dialect, list, n, 0, visit, ctx, why};
    enum err e = walk_database(db, &w);
    for (size_t i = w.at; !e && i < n; i++) {
        struct migrate_line line = {list[i].number,
                                    list[i].name,
                                    MIGRATE_PENDING,
                                    0,
                                    is_alone(&list[i], db->ops->dialect),
                                    script_of(&list[i], db->ops->dialect)};
        visit(ctx, &line);
    }
    return e;
}
