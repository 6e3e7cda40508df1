#pragma once
/* pilot/trends.h -- how the server did over hours and months: samples become rows of minutes, those
 * become rows of hours, and a span of rows becomes a curve with a direction.
 *
 *   sample, every few seconds ──> minute in memory ──> row, kept 48 h ──> its hour, kept 90 d
 *
 * A crash loses the minute it happens in. Hours are summed from the rows of their minutes when
 * they have ended, also those that ended while the server was away.
 * Threads: any; trends_add() and trends_read() block on the catalog.   Memory: owns its minute. */
#include "base/clock.h"
#include "pilot/mann_kendall.h"
#include "store/catalog_trends.h"
#include "sys/lock.h"

enum { TRENDS_MINUTES_KEPT_H = 48, TRENDS_HOURS_KEPT_D = 90, TRENDS_POINTS = 288 };

struct trends {
    struct sql_db *db; /* borrowed */
    struct lock lock;  /* guards the rest */
    int64_t minute_ns; /* the beginning of the one that is being gathered; 0: none */
    int64_t samples[TREND_FIGURES];
    double sums[TREND_FIGURES];
    int64_t taken; /* samples of the minute, whatever they knew */
    bool rolled;   /* hours were looked at since the start */
};
void trends_init(struct trends *t, struct sql_db *db);
void trends_done(struct trends *t);

/* One look: NAN is not known. Writes the minute before when this one is of a later one. An error is
 * the catalog's; the minute is lost then, the server is not. */
enum err trends_add(struct trends *t, const double figures[TREND_FIGURES],
                    int64_t wall_ns) MUST_CHECK;
/* Writes what is gathered: at stop. */
enum err trends_flush(struct trends *t) MUST_CHECK;

struct trend_curve {
    int64_t step_s;
    size_t n;
    struct trend_row
        *points; /* at most TRENDS_POINTS, oldest first, steps without a row left out */
    struct trend_result results[TREND_FIGURES];
};
/* The last `hours` (1 to 24 * TRENDS_HOURS_KEPT_D). Changes below a tenth count as none. */
enum { TRENDS_HOURS_MAX = 24 * TRENDS_HOURS_KEPT_D };
enum err trends_read(struct trends *t, int64_t hours, int64_t now_ns, struct arena *a,
                     struct trend_curve *ret) MUST_CHECK;
