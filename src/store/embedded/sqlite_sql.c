/* store/sql.h on one SQLite connection (see sqlite_sql.h).
 *
 *            begin                      commit, rollback
 *   idle ───────────> in transaction ───────────────────> idle
 *     ^ connect              | a statement fails: `failed` sticks, commit becomes rollback
 *     └──── dropped <────────┘ when it was the disk or memory, the connection is closed at the end:
 *           the next begin opens it again, and that plays a hot journal back. A pager that has seen
 * an error is never trusted with another transaction.
 *
 * A prepared statement is its own cursor: at most one cursor of a text comes from the cache, a
 * second one at the same time gets a statement of its own. */
#include "store/embedded/sqlite_sql.h"

#include "base/clock.h"
#include "base/mem.h"
#include "store/embedded/sqlite_mem.h"
#include "store/embedded/sqlite_vfs.h"
#include "sys/lock.h"

#include <limits.h>
#include <sqlite3.h>
#include <stddef.h>
#include <stdio.h>

enum { CACHED_STATEMENTS = 48, MESSAGE_BYTES = 320 };
#define WAIT_NS (10 * NS_PER_S) /* ten times the longest transaction there is: 10,000 new devices */

struct sqlite_db;

struct statement {
    struct sql_cursor cursor;
    struct sqlite_db *db;
    sqlite3_stmt *stmt;
    struct sql_value *columns; /* column_count of them */
    int column_count;
    uint64_t hash, used; /* of the text; when last */
    bool busy, cached;
};

struct sqlite_db {
    struct sql_db base;
    struct sql_tx tx;
    struct lock lock; /* Q2 */
    int64_t wait_ns;
    struct sqlite_vfs *vfs;
    char *path;
    sqlite3 *handle; /* NULL: dropped */
    enum sql_mode mode;
    enum err failed; /* the first failure of this transaction */
    bool drop;       /* it was of a kind after which the connection is not trusted */
    unsigned cursors;
    struct statement *cache[CACHED_STATEMENTS];
    uint64_t tick;
    char message[MESSAGE_BYTES];
};

static struct sqlite_db *db_of_tx(struct sql_tx *tx)
{
    return (struct sqlite_db *)((char *)tx - offsetof(struct sqlite_db, tx));
}

static enum err from_code(int code)
{
    switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return ERR_EXISTS;
    case SQLITE_IOERR_NOMEM:
        return ERR_NOMEM;
    case SQLITE_IOERR_DATA:
    case SQLITE_IOERR_SHORT_READ:
    case SQLITE_IOERR_CORRUPTFS:
        return ERR_CORRUPT;
    default:
        break;
    }
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
        return ERR_INVALID;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_FULL:
        return ERR_NOSPACE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    case SQLITE_READONLY:
        return ERR_READONLY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_LOCKED;
    case SQLITE_TOOBIG:
        return ERR_TOOLARGE;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return ERR_IO;
    default:
        return ERR_INTERNAL;
    }
}

static bool is_statement_error(enum err e)
{
    return e == ERR_EXISTS || e == ERR_INVALID || e == ERR_INTERNAL || e == ERR_TOOLARGE;
}

/* Writes down what failed; the first failure of a transaction decides its end. */
static enum err fail(struct sqlite_db *db, int code)
{
    const char *text;
    enum err e = from_code(code), below = sqlite_vfs_failure(db->vfs, &text);
    if (below && (e == ERR_IO || e == ERR_CORRUPT || e == ERR_NOSPACE || e == ERR_NOMEM)) {
        if (e == ERR_IO && below != ERR_END) e = below;
        snprintf(db->message, sizeof db->message, "%s", text);
    } else {
        const char *said = db->handle ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code);
        snprintf(db->message, sizeof db->message, "%s: %s", db->path, said);
    }
    sqlite_vfs_clear_failure(db->vfs);
    if (!db->failed) db->failed = e;
    if (!is_statement_error(e)) db->drop = true;
    return e;
}

static void free_statement(struct statement *s)
{
    if (!s) return;
    sqlite3_finalize(s->stmt);
    mem_free(s->columns);
    mem_free(s);
}

static void drop_connection(struct sqlite_db *db)
{
    for (size_t i = 0; i < CACHED_STATEMENTS; i++) {
        free_statement(db->cache[i]);
        db->cache[i] = NULL;
    }
    sqlite3_close(db->handle);
    db->handle = NULL;
    db->drop = false;
}

static enum err run(struct sqlite_db *db, const char *sql)
{
    int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return code ? fail(db, code) : ERR_OK;
}

static enum err connect(struct sqlite_db *db)
{
    static const char setup[] = "PRAGMA page_size = 4096;"
                                "PRAGMA cache_size = -2048;" /* KiB */
                                "PRAGMA temp_store = MEMORY;"
                                "PRAGMA locking_mode = EXCLUSIVE;"
                                "PRAGMA journal_mode = TRUNCATE;"
                                "PRAGMA synchronous = EXTRA;"
                                "PRAGMA foreign_keys = ON;"
                                "PRAGMA cell_size_check = ON;"
                                "PRAGMA trusted_schema = OFF;"
                                "SELECT count(*) FROM sqlite_schema;"; /* reads page 1, after a hot
                                                                          journal if there is one */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    db->failed = ERR_OK;
    int code = sqlite3_open_v2(db->path, &db->handle, flags, sqlite_vfs_name(db->vfs));
    int reserved = SQLITE_VFS_RESERVED;
    if (!code)
        code = sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    enum err e = code ? fail(db, code) : run(db, setup);
    if (e) drop_connection(db);
    return e;
}

static enum err sqlite_begin(struct sql_db *base, enum sql_mode mode, struct sql_tx **ret)
{
    struct sqlite_db *db = (struct sqlite_db *)base;
    if (!lock_take_within(&db->lock, db->wait_ns)) return ERR_TIMEOUT;
    enum err e = db->handle ? ERR_OK : connect(db);
    db->failed = ERR_OK;
    db->message[0] = 0;
    if (!e) e = run(db, mode == SQL_WRITE ? "BEGIN IMMEDIATE" : "BEGIN");
    if (e) {
        if (db->drop) drop_connection(db);
        lock_release(&db->lock);
        return e;
    }
    db->mode = mode;
    *ret = &db->tx;
    return ERR_OK;
}

/* Rolls back what SQLite has not rolled back itself, and lets the next transaction in. */
static void end(struct sqlite_db *db)
{
    bug_if(db->cursors); /* a cursor must be finished before its transaction ends */
    if (!sqlite3_get_autocommit(db->handle) &&
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL))
        db->drop = true;
    if (db->drop) drop_connection(db);
    sqlite_vfs_clear_failure(db->vfs);
    lock_release(&db->lock);
}

static enum err sqlite_commit(struct sql_tx *tx)
{
    struct sqlite_db *db = db_of_tx(tx);
    bug_if(db->cursors);
    enum err e = db->failed;
    if (!e) e = run(db, "COMMIT");
    end(db);
    return e;
}

static void sqlite_rollback(struct sql_tx *tx)
{
    end(db_of_tx(tx));
}

static enum err prepare(struct sqlite_db *db, const char *sql, size_t n, struct statement **ret)
{
    struct statement *s = mem_zalloc(sizeof *s);
    if (!s) return fail(db, SQLITE_NOMEM);
    s->cursor.ops = db->base.ops;
    s->db = db;
    int code = n < INT_MAX ? sqlite3_prepare_v3(db->handle, sql, (int)n + 1,
                                                SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL)
                           : SQLITE_TOOBIG;
    if (!code) {
        s->column_count = sqlite3_column_count(s->stmt);
        s->columns = mem_array((size_t)s->column_count + 1, sizeof *s->columns);
        if (!s->columns) code = SQLITE_NOMEM;
    }
    if (code) {
        enum err e = fail(db, code);
        free_statement(s);
        return e;
    }
    *ret = s;
    return ERR_OK;
}

/* The cached statement of this text that is not in use, or else where a new one may stand: an empty
 * slot, or the idle one that was used longest ago. NULL: all are in use. */
static struct statement **find_cached(struct sqlite_db *db, const char *sql, uint64_t hash)
{
    struct statement **place = NULL;
    for (size_t i = 0; i < CACHED_STATEMENTS; i++) {
        struct statement **at = &db->cache[i], *s = *at;
        if (s && s->busy) continue;
        if (s && s->hash == hash && strcmp(sqlite3_sql(s->stmt), sql) == 0) return at;
        if (!place || (*place && (!s || s->used < (*place)->used))) place = at;
    }
    return place;
}

static enum err take_statement(struct sqlite_db *db, const char *sql, struct statement **ret)
{
    size_t n = strlen(sql);
    uint64_t hash = bytes_hash(bytes_of(sql, n), 0);
    struct statement **place = find_cached(db, sql, hash), *s = place ? *place : NULL;
    if (!s || s->hash != hash || strcmp(sqlite3_sql(s->stmt), sql) != 0) {
        enum err e = prepare(db, sql, n, &s);
        if (e) return e;
        s->hash = hash;
        s->cached = place;
        if (place) {
            free_statement(*place);
            *place = s;
        }
    }
    s->used = ++db->tick;
    s->busy = true;
    db->cursors++;
    *ret = s;
    return ERR_OK;
}

static void sqlite_finish(struct sql_cursor *c)
{
    struct statement *s = (struct statement *)c;
    sqlite3_reset(s->stmt);
    sqlite3_clear_bindings(s->stmt);
    s->busy = false;
    s->db->cursors--;
    if (!s->cached) free_statement(s);
}

static int bind_one(sqlite3_stmt *stmt, int at, const struct sql_value *v)
{
    struct bytes b = v->as.b;
    switch (v->type) {
    case SQL_TYPE_INT:
        return sqlite3_bind_int64(stmt, at, v->as.i);
    case SQL_TYPE_REAL:
        return sqlite3_bind_double(stmt, at, v->as.r);
    case SQL_TYPE_TEXT:
        return sqlite3_bind_text64(stmt, at, b.p ? b.p : "", b.n, SQLITE_TRANSIENT, SQLITE_UTF8);
    case SQL_TYPE_BLOB:
        return b.n ? sqlite3_bind_blob64(stmt, at, b.p, b.n, SQLITE_TRANSIENT)
                   : sqlite3_bind_zeroblob(stmt, at, 0);
    case SQL_TYPE_NULL:
        break;
    }
    return sqlite3_bind_null(stmt, at);
}

static enum err sqlite_query(struct sql_tx *tx, const char *sql, struct sql_args args,
                             struct sql_cursor **ret)
{
    struct sqlite_db *db = db_of_tx(tx);
    struct statement *s;
    if (db->failed) return db->failed;
    enum err e = take_statement(db, sql, &s);
    if (e) return e;
    bug_if(sqlite3_bind_parameter_count(s->stmt) != (int)args.n);
    int code = SQLITE_OK;
    if (db->mode == SQL_READ && !sqlite3_stmt_readonly(s->stmt)) code = SQLITE_READONLY;
    for (size_t i = 0; !code && i < args.n; i++)
        code = bind_one(s->stmt, (int)i + 1, &args.values[i]);
    if (code) {
        e = fail(db, code);
        sqlite_finish(&s->cursor);
        return e;
    }
    *ret = &s->cursor;
    return ERR_OK;
}

static struct sql_value read_column(sqlite3_stmt *stmt, int at)
{
    switch (sqlite3_column_type(stmt, at)) {
    case SQLITE_INTEGER:
        return SQL_I(sqlite3_column_int64(stmt, at));
    case SQLITE_FLOAT:
        return SQL_R(sqlite3_column_double(stmt, at));
    case SQLITE_TEXT: {
        const void *p = sqlite3_column_text(stmt, at);
        return SQL_T(bytes_of(p, (size_t)sqlite3_column_bytes(stmt, at)));
    }
    case SQLITE_BLOB: {
        const void *p = sqlite3_column_blob(stmt, at);
        return SQL_B(bytes_of(p, (size_t)sqlite3_column_bytes(stmt, at)));
    }
    default:
        return SQL_NULL;
    }
}

static enum err sqlite_next(struct sql_cursor *c, struct sql_row *ret)
{
    struct statement *s = (struct statement *)c;
    if (s->db->failed) return s->db->failed;
    int code = sqlite3_step(s->stmt);
    if (code == SQLITE_DONE) return ERR_END;
    if (code != SQLITE_ROW) return fail(s->db, code);
    for (int i = 0; i < s->column_count; i++) s->columns[i] = read_column(s->stmt, i);
    *ret = (struct sql_row){s->columns, (size_t)s->column_count};
    return ERR_OK;
}

static enum err sqlite_exec(struct sql_tx *tx, const char *sql, struct sql_args args,
                            int64_t *ret_changes)
{
    struct sql_cursor *c;
    enum err e = sqlite_query(tx, sql, args, &c);
    if (e) return e;
    struct sql_row row;
    while (!(e = sqlite_next(c, &row))) continue;
    sqlite_finish(c);
    if (e != ERR_END) return e;
    if (ret_changes) *ret_changes = sqlite3_changes64(db_of_tx(tx)->handle);
    return ERR_OK;
}

static enum err sqlite_script(struct sql_tx *tx, const char *sql, struct why *why)
{
    struct sqlite_db *db = db_of_tx(tx);
    enum err e = db->failed;
    if (!e) e = run(db, sql);
    return e ? why_say(why, e, "%s", db->message) : ERR_OK;
}

static const char *sqlite_message(struct sql_tx *tx)
{
    return db_of_tx(tx)->message;
}

static void sqlite_close(struct sql_db *base)
{
    struct sqlite_db *db = (struct sqlite_db *)base;
    if (!db) return;
    drop_connection(db);
    sqlite_vfs_free(db->vfs);
    lock_done(&db->lock);
    mem_free(db->path);
    mem_free(db);
}

enum err sqlite_sql_open(struct sql_db **ret, const struct sqlite_sql_opts *opts, struct why *why)
{
    static const struct sql_ops ops = {
        .dialect = SQL_SQLITE,
        .begin = sqlite_begin,
        .commit = sqlite_commit,
        .rollback = sqlite_rollback,
        .query = sqlite_query,
        .next = sqlite_next,
        .finish = sqlite_finish,
        .exec = sqlite_exec,
        .script = sqlite_script,
        .message = sqlite_message,
        .close = sqlite_close,
    };
    enum err e = sqlite_mem_setup();
    if (e) return e;
    struct sqlite_db *db = mem_zalloc(sizeof *db);
    if (!db) return ERR_NOMEM;
    db->base.ops = db->tx.ops = &ops;
    lock_init(&db->lock, LOCK_RANK_SQL);
    db->wait_ns = opts->wait_ns ? opts->wait_ns : WAIT_NS;
    if (!(db->path = mem_copy_str(opts->path))) e = ERR_NOMEM;
    if (!e) e = sqlite_vfs_new(&db->vfs, opts->fs);
    if (!e && (e = connect(db))) (void)why_say(why, e, "%s", db->message);
    if (e) {
        sqlite_close(&db->base);
        return e;
    }
    *ret = &db->base;
    return ERR_OK;
}

static enum err check_rows(struct sql_tx *tx, const char *sql, bool *damaged,
                           void (*visit)(void *ctx, const char *what), void *ctx)
{
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sqlite_query(tx, sql, SQL_NO_ARGS, &c);
    if (e) return e;
    while (!(e = sqlite_next(c, &row))) {
        char text[MESSAGE_BYTES];
        struct bytes said = row.columns[0].as.b; /* always text, which ends with a NUL */
        if (bytes_is(said, "ok")) continue;
        *damaged = true;
        snprintf(text, sizeof text, "%s", said.p);
        visit(ctx, text);
    }
    sqlite_finish(c);
    return e == ERR_END ? ERR_OK : e;
}

enum err sqlite_sql_check(struct sql_db *db, void (*visit)(void *ctx, const char *what), void *ctx)
{
    struct sql_tx *tx;
    bool damaged = false;
    enum err e = sqlite_begin(db, SQL_READ, &tx);
    if (e) return e;
    e = check_rows(tx, "PRAGMA integrity_check(20)", &damaged, visit, ctx);
    if (!e)
        e = check_rows(tx,
                       "SELECT 'row ' || rowid || ' of ' || \"table\" || ' refers to nothing in ' "
                       "|| parent FROM pragma_foreign_key_check",
                       &damaged, visit, ctx);
    if (e) visit(ctx, sqlite_message(tx));
    sqlite_rollback(tx);
    return e ? e : damaged ? ERR_CORRUPT : ERR_OK;
}
