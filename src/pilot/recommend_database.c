/* The database: indexes and connections. */
#include "pilot/recommend_internal.h"

#define ROWS_READ_MANY 1e7 /* by reading a table from end to end */
#define ROWS_A_SCAN    1e4 /* below it, reading from end to end is the fast way */
#define UNUSED_BYTES   1e7
#define UNUSED_DAYS    7.0
#define WAIT_MS        10.0

static void say_missing(struct report *r, const struct evidence_index *x)
{
    double per_scan = x->rows_read / x->scans;
    if (x->name.n || !(x->rows_read >= ROWS_READ_MANY) || !(per_scan >= ROWS_A_SCAN)) return;
    struct recommendation *rec =
        recommend_add(r, recommend_text(r, "missing-index:%.*s", (int)x->table.n, x->table.p));
    if (!rec) return;
    rec->category = "database";
    rec->priority = RECOMMEND_HIGH;
    rec->title = recommend_text(r, "%.*s is read from end to end", (int)x->table.n, x->table.p);
    rec->description = recommend_text(
        r,
        "%.0f statements read %.3g rows of it without an index, %.0f each. The slow queries name "
        "them, with their plans.",
        x->scans, x->rows_read, per_scan);
    rec->gain = x->rows_read;
    rec->gain_unit = "rows";
    rec->impact = recommend_text(r, "up to %.3g rows less to read", x->rows_read);
    rec->effort = "medium";
    recommend_figure(rec, "sequentialScans", x->scans);
    recommend_figure(rec, "rowsRead", x->rows_read);
    recommend_figure(rec, "tableBytes", x->bytes);
}

void recommend_database_missing_index(struct report *r, const struct evidence *e)
{
    for (size_t i = 0; i < e->index_count; i++) say_missing(r, &e->indexes[i]);
}

static void say_unused(struct report *r, const struct evidence *e, const struct evidence_index *x)
{
    if (!x->name.n || !(x->scans <= 0) || !(x->bytes >= UNUSED_BYTES)) return;
    struct recommendation *rec =
        recommend_add(r, recommend_text(r, "unused-index:%.*s", (int)x->name.n, x->name.p));
    if (!rec) return;
    rec->category = "database";
    rec->priority = RECOMMEND_LOW;
    rec->title = recommend_text(r, "Nothing uses the index %.*s", (int)x->name.n, x->name.p);
    rec->description =
        recommend_text(r, "In %.0f days no statement used it; every write to %.*s pays for it.",
                       e->statistics_days, (int)x->table.n, x->table.p);
    rec->gain = x->bytes;
    rec->gain_unit = "bytes";
    struct bytes size = recommend_bytes(r, x->bytes);
    rec->impact = recommend_text(r, "%.*s of disk, and one index less to keep up at every write",
                                 (int)size.n, size.p);
    rec->effort = "low";
    recommend_figure(rec, "indexScans", x->scans);
    recommend_figure(rec, "indexBytes", x->bytes);
    recommend_figure(rec, "countedDays", e->statistics_days);
}

void recommend_database_unused_index(struct report *r, const struct evidence *e)
{
    if (!(e->statistics_days >= UNUSED_DAYS)) return;
    for (size_t i = 0; i < e->index_count; i++) say_unused(r, e, &e->indexes[i]);
}

void recommend_database_pool(struct report *r, const struct evidence *e)
{
    if (!(e->pool_waits > 0) || !(e->pool_peak >= e->pool_max)) return;
    if (!(e->pool_wait_ms >= WAIT_MS)) return;
    struct recommendation *rec = recommend_add(r, BYTES("pool-exhausted"));
    if (!rec) return;
    rec->category = "database";
    rec->priority = RECOMMEND_HIGH;
    rec->title = BYTES("All connections to PostgreSQL were lent");
    rec->description = recommend_text(
        r, "%.0f times a request had to wait for one of the %.0f connections, %.0f ms on average.",
        e->pool_waits, e->pool_max, e->pool_wait_ms);
    rec->gain = e->pool_waits * e->pool_wait_ms / e->window_s;
    rec->gain_unit = "ms/s";
    rec->impact = recommend_text(r, "%.0f ms of waiting in every second less", rec->gain);
    rec->effort = "low";
    recommend_figure(rec, "waits", e->pool_waits);
    recommend_figure(rec, "waitMeanMs", e->pool_wait_ms);
    recommend_figure(rec, "connectionsMax", e->pool_max);
    rec->key = "spring.datasource.hikari.maximum-pool-size";
    rec->value = recommend_text(r, "%.0f", e->pool_max * 2);
}
