/* Minutes, hours, and curves of them (see trends.h). */
#include "pilot/trends.h"

#include <math.h>

enum { MINUTE_S = 60, HOUR_S = 3600, ARENA_BYTES = 8 << 20 };
#define LEAST_CHANGE 0.1

void trends_init(struct trends *t, struct sql_db *db)
{
    *t = (struct trends){.db = db};
    lock_init(&t->lock, LOCK_RANK_TRENDS);
}

void trends_done(struct trends *t)
{
    lock_done(&t->lock);
}

/* --- gathering -------------------------------------------------------------------------------- */

static void merge(struct trend_row *sum, int64_t counts[TREND_FIGURES], const double *figures,
                  int64_t samples)
{
    for (int i = 0; i < TREND_FIGURES; i++) {
        if (isnan(figures[i])) continue;
        sum->figures[i] += figures[i] * (double)samples;
        counts[i] += samples;
    }
    sum->samples += samples;
}

static void divide(struct trend_row *sum, const int64_t counts[TREND_FIGURES])
{
    for (int i = 0; i < TREND_FIGURES; i++)
        sum->figures[i] = counts[i] ? sum->figures[i] / (double)counts[i] : NAN;
}

/* The minute so far as a row; begins an empty one. */
static struct trend_row take_minute(struct trends *t)
{
    struct trend_row row = {.step_s = MINUTE_S, .at_ns = t->minute_ns, .samples = t->taken};
    for (int i = 0; i < TREND_FIGURES; i++) {
        row.figures[i] = t->samples[i] ? t->sums[i] / (double)t->samples[i] : NAN;
        t->samples[i] = 0;
        t->sums[i] = 0;
    }
    t->taken = 0;
    return row;
}

/* Hours in [from, to) that have ended: their minutes become one row each. */
static enum err roll_hours(struct sql_tx *tx, int64_t from_ns, int64_t to_ns)
{
    struct trend_row *minutes = NULL;
    size_t n = 0;
    struct arena a;
    arena_init(&a, ARENA_BYTES);
    enum err e = catalog_trends_list(tx, MINUTE_S, from_ns, to_ns, &a, &minutes, &n);
    for (size_t i = 0, j; i < n && !e; i = j) {
        int64_t counts[TREND_FIGURES] = {0}, hour_ns = minutes[i].at_ns;
        hour_ns -= hour_ns % NS_PER_HOUR;
        struct trend_row sum = {.step_s = HOUR_S, .at_ns = hour_ns};
        for (j = i; j < n && minutes[j].at_ns < hour_ns + NS_PER_HOUR; j++)
            merge(&sum, counts, minutes[j].figures, minutes[j].samples);
        divide(&sum, counts);
        e = catalog_trends_add(tx, &sum);
    }
    arena_done(&a);
    return e;
}

/* What has ended and is no row yet, then what is too old. */
static enum err roll(struct sql_tx *tx, int64_t now_ns)
{
    int64_t newest = INT64_MIN, this_hour = now_ns - now_ns % NS_PER_HOUR;
    enum err e = catalog_trends_newest(tx, HOUR_S, &newest);
    if (e) return e;
    int64_t oldest = now_ns - TRENDS_MINUTES_KEPT_H * NS_PER_HOUR;
    int64_t from = newest == INT64_MIN ? oldest : newest + NS_PER_HOUR;
    if (from < oldest) from = oldest - oldest % NS_PER_HOUR;
    if (from < this_hour) e = roll_hours(tx, from, this_hour);
    if (!e) e = catalog_trends_prune(tx, MINUTE_S, oldest - NS_PER_HOUR);
    if (!e) e = catalog_trends_prune(tx, HOUR_S, now_ns - TRENDS_HOURS_KEPT_D * NS_PER_DAY);
    return e;
}

static enum err write_minute(struct trends *t, const struct trend_row *row, bool with_hours,
                             int64_t now_ns)
{
    struct sql_tx *tx;
    enum err e = sql_begin(t->db, SQL_WRITE, &tx);
    if (e) return e;
    if (row->samples) e = catalog_trends_add(tx, row);
    if (!e && with_hours) e = roll(tx, now_ns);
    return sql_end(tx, e);
}

enum err trends_add(struct trends *t, const double figures[TREND_FIGURES], int64_t wall_ns)
{
    int64_t minute_ns = wall_ns - wall_ns % NS_PER_MINUTE;
    struct trend_row row = {0};
    lock_take(&t->lock);
    bool ended = t->minute_ns && minute_ns != t->minute_ns;
    bool hours = !t->rolled || (ended && minute_ns / NS_PER_HOUR != t->minute_ns / NS_PER_HOUR);
    if (ended) row = take_minute(t);
    t->minute_ns = minute_ns;
    t->taken++;
    t->rolled = true;
    for (int i = 0; i < TREND_FIGURES; i++) {
        if (!isfinite(figures[i])) continue;
        t->sums[i] += figures[i];
        t->samples[i]++;
    }
    lock_release(&t->lock);
    return ended || hours ? write_minute(t, &row, hours, wall_ns) : ERR_OK;
}

enum err trends_flush(struct trends *t)
{
    lock_take(&t->lock);
    struct trend_row row = take_minute(t);
    lock_release(&t->lock);
    return row.samples ? write_minute(t, &row, false, row.at_ns) : ERR_OK;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Rows of the table become at most TRENDS_POINTS of equal steps. */
static size_t thin(struct trend_row *rows, size_t n, int64_t step_s)
{
    size_t out = 0;
    for (size_t i = 0, j; i < n; i = j) {
        int64_t counts[TREND_FIGURES] = {0}, at_s = rows[i].at_ns / NS_PER_S;
        at_s -= at_s % step_s;
        struct trend_row sum = {.step_s = step_s, .at_ns = at_s * NS_PER_S};
        for (j = i; j < n && rows[j].at_ns < sum.at_ns + step_s * NS_PER_S; j++)
            merge(&sum, counts, rows[j].figures, rows[j].samples);
        divide(&sum, counts);
        rows[out++] = sum;
    }
    return out;
}

static enum err test_figures(struct trend_curve *c, int64_t from_ns, struct arena *a)
{
    size_t slots = TRENDS_POINTS + 1;
    double *values = arena_alloc(a, slots * sizeof *values);
    double *scratch = arena_alloc(a, MANN_KENDALL_SCRATCH(slots) * sizeof *scratch);
    if (!values || !scratch) return ERR_NOMEM;
    for (int f = 0; f < TREND_FIGURES; f++) {
        for (size_t i = 0; i < slots; i++) values[i] = NAN;
        for (size_t i = 0; i < c->n; i++) {
            int64_t at = (c->points[i].at_ns - from_ns) / (c->step_s * NS_PER_S);
            if (at >= 0 && at < (int64_t)slots) values[at] = c->points[i].figures[f];
        }
        c->results[f] = mann_kendall_run(values, slots, LEAST_CHANGE, scratch);
    }
    return ERR_OK;
}

enum err trends_read(struct trends *t, int64_t hours, int64_t now_ns, struct arena *a,
                     struct trend_curve *ret)
{
    bool minutes = hours < TRENDS_MINUTES_KEPT_H;
    int64_t kept_s = minutes ? MINUTE_S : HOUR_S, span_s = hours * HOUR_S;
    int64_t step_s = (span_s + TRENDS_POINTS * kept_s - 1) / (TRENDS_POINTS * kept_s) * kept_s;
    int64_t from_s = now_ns / NS_PER_S - span_s;
    from_s += step_s - from_s % step_s; /* whole steps only */
    *ret = (struct trend_curve){.step_s = step_s};
    struct sql_tx *tx;
    enum err e = sql_begin(t->db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_trends_list(tx, kept_s, from_s * NS_PER_S, now_ns, a, &ret->points, &ret->n);
    e = sql_end(tx, e);
    if (e) return e;
    ret->n = thin(ret->points, ret->n, step_s);
    return test_figures(ret, from_s * NS_PER_S, a);
}
