/* Rows of performance_trends (see catalog_trends.h). */
#include "store/catalog_trends.h"

#include "store/catalog_rows.h"

#define COLUMNS "database_ms, response_ms, cache_hit_ratio, memory_ratio, points_per_s, disk_bytes"

static void read_row(struct catalog_reader *r, void *item)
{
    struct trend_row *row = item;
    row->step_s = catalog_rows_int(r);
    row->at_ns = catalog_rows_int(r);
    row->samples = catalog_rows_int(r);
    for (int i = 0; i < TREND_FIGURES; i++) row->figures[i] = catalog_rows_real(r);
}

static enum err find(struct sql_tx *tx, int64_t step_s, int64_t at_ns, struct arena *a,
                     struct trend_row *ret)
{
    return catalog_rows_one(tx,
                            "SELECT step_s, at_ns, samples, " COLUMNS " FROM performance_trends "
                            "WHERE step_s = $1 AND at_ns = $2",
                            SQL_ARGS(SQL_I(step_s), SQL_I(at_ns)), a, read_row, ret, sizeof *ret);
}

static double mean_of(double a, int64_t na, double b, int64_t nb)
{
    if (a != a) return b; /* NOLINT: only NAN differs from itself */
    if (b != b) return a; /* NOLINT */
    return (a * (double)na + b * (double)nb) / (double)(na + nb);
}

enum err catalog_trends_add(struct sql_tx *tx, const struct trend_row *row)
{
    struct trend_row sum = *row, old;
    struct arena arena;
    arena_init(&arena, 64 << 10);
    enum err e = find(tx, row->step_s, row->at_ns, &arena, &old);
    arena_done(&arena);
    if (e && e != ERR_NOTFOUND) return e;
    for (int i = 0; !e && i < TREND_FIGURES; i++)
        sum.figures[i] = mean_of(old.figures[i], old.samples, row->figures[i], row->samples);
    if (!e) sum.samples += old.samples;
    return sql_exec(
        tx,
        "INSERT INTO performance_trends (step_s, at_ns, samples, " COLUMNS ") "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (step_s, at_ns) DO UPDATE SET "
        "samples = excluded.samples, database_ms = excluded.database_ms, "
        "response_ms = excluded.response_ms, cache_hit_ratio = excluded.cache_hit_ratio, "
        "memory_ratio = excluded.memory_ratio, points_per_s = excluded.points_per_s, "
        "disk_bytes = excluded.disk_bytes",
        SQL_ARGS(SQL_I(sum.step_s), SQL_I(sum.at_ns), SQL_I(sum.samples),
                 catalog_rows_opt_real(sum.figures[TREND_DATABASE_MS]),
                 catalog_rows_opt_real(sum.figures[TREND_RESPONSE_MS]),
                 catalog_rows_opt_real(sum.figures[TREND_CACHE_HIT_RATIO]),
                 catalog_rows_opt_real(sum.figures[TREND_MEMORY_RATIO]),
                 catalog_rows_opt_real(sum.figures[TREND_POINTS_PER_S]),
                 catalog_rows_opt_real(sum.figures[TREND_DISK_BYTES])),
        NULL);
}

enum err catalog_trends_list(struct sql_tx *tx, int64_t step_s, int64_t from_ns, int64_t to_ns,
                             struct arena *a, struct trend_row **ret, size_t *ret_n)
{
    void *items;
    enum err e =
        catalog_rows_all(tx,
                         "SELECT step_s, at_ns, samples, " COLUMNS " FROM performance_trends "
                         "WHERE step_s = $1 AND at_ns >= $2 AND at_ns < $3 ORDER BY at_ns",
                         SQL_ARGS(SQL_I(step_s), SQL_I(from_ns), SQL_I(to_ns)), a, read_row,
                         sizeof(struct trend_row), CATALOG_TRENDS_MAX, &items, ret_n);
    if (!e) *ret = items;
    return e;
}

enum err catalog_trends_newest(struct sql_tx *tx, int64_t step_s, int64_t *ret_ns)
{
    return catalog_rows_number(tx,
                               "SELECT coalesce(max(at_ns), -9223372036854775807 - 1) "
                               "FROM performance_trends WHERE step_s = $1",
                               SQL_ARGS(SQL_I(step_s)), ret_ns);
}

enum err catalog_trends_prune(struct sql_tx *tx, int64_t step_s, int64_t before_ns)
{
    return sql_exec(tx, "DELETE FROM performance_trends WHERE step_s = $1 AND at_ns < $2",
                    SQL_ARGS(SQL_I(step_s), SQL_I(before_ns)), NULL);
}
