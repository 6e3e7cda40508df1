/* The ledger of refusals (see catalog_refusals.h). */
#include "store/catalog_refusals.h"

#include "store/catalog_rows.h"

static enum err add_to_row(struct sql_tx *tx, const struct refused *r, bool *ret_found)
{
    int64_t changed = 0;
    enum err e =
        sql_exec(tx,
                 "UPDATE refusals SET requests = requests + $1, amount = amount + $2, "
                 "last_ns = $3 WHERE org = $4 AND hour = $5 AND name = $6 AND who = $7 "
                 "AND way = $8",
                 SQL_ARGS(SQL_I(r->requests), SQL_I(r->amount), SQL_I(r->last_ns), SQL_I(r->org),
                          SQL_I(r->hour), SQL_T(r->name), SQL_T(r->who), SQL_T(r->way)),
                 &changed);
    *ret_found = changed > 0;
    return e;
}

static enum err insert(struct sql_tx *tx, const struct refused *r)
{
    return sql_exec(tx,
                    "INSERT INTO refusals (org, hour, name, who, way, requests, amount, first_ns, "
                    "last_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                    SQL_ARGS(SQL_I(r->org), SQL_I(r->hour), SQL_T(r->name), SQL_T(r->who),
                             SQL_T(r->way), SQL_I(r->requests), SQL_I(r->amount),
                             SQL_I(r->first_ns), SQL_I(r->last_ns)),
                    NULL);
}

enum err catalog_refusals_add(struct sql_tx *tx, const struct refused *r)
{
    struct refused row = *r;
    bool found = false;
    int64_t rows = 0;
    enum err e = add_to_row(tx, &row, &found);
    if (e || found) return e;
    e = catalog_rows_number(tx, "SELECT count(*) FROM refusals WHERE org = $1 AND hour = $2",
                            SQL_ARGS(SQL_I(r->org), SQL_I(r->hour)), &rows);
    if (e) return e;
    if (rows < REFUSALS_PER_HOUR) return insert(tx, &row);
    row.who = BYTES("others");
    row.way = BYTES("any");
    e = add_to_row(tx, &row, &found);
    return e || found ? e : insert(tx, &row);
}

static void read_refused(struct catalog_reader *r, void *item)
{
    struct refused *f = item;
    f->id = catalog_rows_int(r);
    f->org = catalog_rows_int(r);
    f->hour = catalog_rows_int(r);
    f->name = catalog_rows_text(r);
    f->who = catalog_rows_text(r);
    f->way = catalog_rows_text(r);
    f->requests = catalog_rows_int(r);
    f->amount = catalog_rows_int(r);
    f->first_ns = catalog_rows_int(r);
    f->last_ns = catalog_rows_int(r);
}

enum err catalog_refusals_list(struct sql_tx *tx, int64_t org, int64_t from_ns, int64_t to_ns,
                               struct arena *a, struct refused **ret, size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(
        tx,
        "SELECT id, org, hour, name, who, way, requests, amount, first_ns, last_ns FROM refusals "
        "WHERE org = $1 AND last_ns >= $2 AND first_ns < $3 ORDER BY hour DESC, id DESC LIMIT $4",
        SQL_ARGS(SQL_I(org), SQL_I(from_ns), SQL_I(to_ns), SQL_I(REFUSALS_LISTED)), a, read_refused,
        sizeof(struct refused), REFUSALS_LISTED, &items, ret_n);
    if (!e) *ret = items;
    return e;
}

enum err catalog_refusals_prune(struct sql_tx *tx, int64_t before_ns)
{
    return sql_exec(tx, "DELETE FROM refusals WHERE last_ns < $1", SQL_ARGS(SQL_I(before_ns)),
                    NULL);
}
