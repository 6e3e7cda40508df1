/* Devices and series of a catalog (see copy_source.h). Transactions are short: on SQLite nobody
 * else has one meanwhile. */
#include "store/copy_source.h"

#include "base/mem.h"

static enum err read_batch(struct copy_source *s, struct copy_device last)
{
    struct sql_tx *tx;
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    s->n = s->at = 0;
    e = sql_query(tx,
                  "SELECT org, id FROM devices WHERE org > $1 OR (org = $1 AND id > $2) "
                  "ORDER BY org, id LIMIT $3",
                  SQL_ARGS(SQL_I(last.org), SQL_I(last.device), SQL_I(COPY_SOURCE_DEVICES)), &c);
    if (!e) {
        while (!(e = sql_next(c, &row)))
            s->batch[s->n++] = (struct copy_device){row.columns[0].as.i, row.columns[1].as.i};
        sql_finish(c);
    }
    s->ended = s->n < COPY_SOURCE_DEVICES;
    return sql_end(tx, e == ERR_END ? ERR_OK : e);
}

enum err copy_source_next(struct copy_source *s, struct copy_device last, struct copy_device *ret)
{
    if (s->at == s->n) {
        if (s->ended) return ERR_END;
        enum err e = read_batch(s, s->n ? s->batch[s->n - 1] : last);
        if (e) return e;
        if (!s->n) return ERR_END;
    }
    *ret = s->batch[s->at++];
    return ERR_OK;
}

struct series_list {
    int64_t *ids; /* owned */
    size_t n, room;
};

static enum err read_series(struct sql_cursor *c, struct series_list *l)
{
    struct sql_row row;
    enum err e;
    while (!(e = sql_next(c, &row))) {
        if (l->n == l->room) {
            size_t room = l->room ? l->room * 2 : 16;
            int64_t *grown = mem_realloc(l->ids, room * sizeof *grown);
            if (!grown) return ERR_NOMEM;
            l->ids = grown;
            l->room = room;
        }
        l->ids[l->n++] = row.columns[0].as.i;
    }
    return e == ERR_END ? ERR_OK : e;
}

enum err copy_source_series(struct sql_db *db, const struct copy_device *d, int64_t **ret,
                            size_t *ret_n)
{
    struct sql_tx *tx;
    struct sql_cursor *c;
    struct series_list list = {NULL, 0, 0};
    enum err e = sql_begin(db, SQL_READ, &tx);
    if (e) return e;
    e = sql_query(tx, "SELECT id FROM variables WHERE org = $1 AND device = $2 ORDER BY id",
                  SQL_ARGS(SQL_I(d->org), SQL_I(d->device)), &c);
    if (!e) {
        e = read_series(c, &list);
        sql_finish(c);
    }
    e = sql_end(tx, e);
    if (e) {
        mem_free(list.ids);
        return e;
    }
    *ret = list.ids;
    *ret_n = list.n;
    return ERR_OK;
}
