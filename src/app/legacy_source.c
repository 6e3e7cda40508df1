/* Reading the Java platform's database (see legacy_source.h). */
#include "app/legacy_source.h"

#include "app/store_url.h"
#include "base/buf.h"
#include "base/clock.h"
#include "store/postgres/postgres_pool.h"
#include "store/postgres/postgres_sql.h"

#include <stdio.h>

enum { ARENA_BYTES = 4 << 20, ROW_BYTES = 64 << 20, SQL_MAX = 8192, KEY_MAX = 160 };

static enum err connect_to(struct legacy_source *s, const char *url, struct why *why)
{
    struct store_url parsed;
    enum err e = store_url_parse(&parsed, bytes_str(url), why);
    if (e || parsed.kind != STORE_URL_POSTGRES)
        return why_say(why, ERR_INVALID, "it takes postgres://USER:PASSWORD@HOST:PORT/DATABASE");
    const struct postgres_opts opts = {
        .url = parsed.text, .max = 2, .connect_timeout_ns = 30 * NS_PER_S, .clock = clock_real()};
    e = postgres_pool_new(&s->pool, &opts, why);
    if (!e) e = postgres_sql_new(&s->db, s->pool);
    if (!e) e = sql_begin(s->db, SQL_READ, &s->tx);
    if (!e) e = sql_exec(s->tx, "SET LOCAL TIME ZONE 'UTC'", SQL_NO_ARGS, NULL);
    return e && !why->text[0] ? why_say(why, e, "the source does not answer") : e;
}

static enum err note_column(void *ctx, struct catalog_reader *r)
{
    struct legacy_source *s = ctx;
    struct bytes name = catalog_rows_text(r);
    struct bytes kept = arena_copy(&s->arena, name);
    if (r->err) return r->err;
    return kept.p ? map_put(&s->columns, kept, s) : ERR_NOMEM;
}

static enum err look(struct legacy_source *s, struct why *why)
{
    enum err e = legacy_source_select(
        s,
        "SELECT (table_name || '.' || column_name)::text FROM information_schema.columns "
        "WHERE table_schema = current_schema()",
        SQL_NO_ARGS, note_column, s);
    if (e) return why_say(why, e, "the source: %.180s", legacy_source_message(s));
    if (legacy_source_has(s, "organizations", "created_ns"))
        return why_say(why, ERR_EXISTS,
                       "the source is a database of this program: `sensorvision move` copies it");
    if (!legacy_source_has(s, "organizations", "name") ||
        !legacy_source_has(s, "devices", "external_id") ||
        !legacy_source_has(s, "devices", "organization_id"))
        return why_say(why, ERR_NOTFOUND,
                       "the source is no database of the Java platform: it has no organizations "
                       "and devices");
    return ERR_OK;
}

enum err legacy_source_open(struct legacy_source *s, const char *url, struct why *why)
{
    map_init(&s->columns, 0);
    arena_init(&s->arena, ARENA_BYTES);
    enum err e = connect_to(s, url, why);
    return e ? e : look(s, why);
}

void legacy_source_close(struct legacy_source *s)
{
    sql_rollback(s->tx);
    if (s->db) s->db->ops->close(s->db);
    postgres_pool_free(s->pool);
    map_done(&s->columns);
    arena_done(&s->arena);
    *s = (struct legacy_source){.pool = NULL};
}

bool legacy_source_has(const struct legacy_source *s, const char *table, const char *column)
{
    char key[KEY_MAX];
    snprintf(key, sizeof key, "%s.%s", table, column);
    return map_get(&s->columns, bytes_str(key)) != NULL;
}

const char *legacy_source_message(const struct legacy_source *s)
{
    const char *said = s->tx ? s->tx->ops->message(s->tx) : "";
    return said[0] ? said : "PostgreSQL does not answer";
}

struct identity {
    char *to;
    size_t n;
};

static enum err note_identity(void *ctx, struct catalog_reader *r)
{
    struct identity *i = ctx;
    struct bytes text = catalog_rows_text(r);
    snprintf(i->to, i->n, "%.*s", (int)text.n, text.p);
    return r->err;
}

enum err legacy_source_identity(struct legacy_source *s, char *ret, size_t n)
{
    struct identity i = {ret, n};
    ret[0] = 0;
    return legacy_source_select(
        s,
        "SELECT (id || ':' || (extract(epoch from created_at) * 1000000)::bigint)::text "
        "FROM organizations ORDER BY id LIMIT 1",
        SQL_NO_ARGS, note_identity, &i);
}

enum err legacy_source_select(struct legacy_source *s, const char *sql, struct sql_args args,
                              legacy_row_fn *visit, void *ctx)
{
    struct sql_cursor *c;
    struct sql_row row;
    struct arena arena;
    enum err e = sql_query(s->tx, sql, args, &c);
    if (e) return e;
    arena_init(&arena, ROW_BYTES);
    while (!e && !(e = sql_next(c, &row))) {
        struct catalog_reader reader = {&row, 0, &arena, ERR_OK};
        e = visit(ctx, &reader);
        if (!e) e = reader.err;
        arena_reset(&arena);
    }
    arena_done(&arena);
    sql_finish(c);
    return e == ERR_END ? ERR_OK : e;
}

enum err legacy_source_each(struct legacy_source *s, const char *table,
                            const struct legacy_field *fields, size_t n, const char *order,
                            legacy_row_fn *visit, void *ctx)
{
    struct buf sql;
    if (!legacy_source_has(s, table, fields[0].column)) return ERR_OK;
    buf_init(&sql, SQL_MAX);
    buf_add_str(&sql, "SELECT ");
    for (size_t i = 0; i < n; i++) {
        bool there = !fields[i].column[0] || legacy_source_has(s, table, fields[i].column);
        buf_printf(&sql, "%s%s", i ? ", " : "", there ? fields[i].sql : "NULL::text");
    }
    buf_printf(&sql, " FROM %s %s", table, order);
    const char *text = buf_cstr(&sql);
    enum err e = sql.err ? sql.err : legacy_source_select(s, text, SQL_NO_ARGS, visit, ctx);
    buf_done(&sql);
    return e;
}
