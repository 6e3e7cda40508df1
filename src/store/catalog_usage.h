#pragma once
/* store/catalog_usage.h -- what organisations use of their daily limits: by day, which is the truth
 * the limits are kept by, and by hour, for people. Days and hours are counted from
 * 1970-01-01T00:00Z. Each call works inside the caller's transaction.
 * Threads: as the tx.   Memory: copied into the arena.   Errors: those of store/sql.h. */
#include "base/arena.h"
#include "model/limit.h"
#include "store/sql.h"

#include <stdbool.h>

struct usage_day {
    int64_t used; /* admitted, and held on lease by nodes */
    bool warned;  /* the day's warning was raised */
};
/* Zeros when nothing was used. */
enum err catalog_usage_day(struct sql_tx *tx, int64_t org, int64_t day, enum limit what,
                           struct usage_day *ret) MUST_CHECK;
/* Of all organisations together. */
enum err catalog_usage_day_of_all(struct sql_tx *tx, int64_t day, enum limit what,
                                  int64_t *ret) MUST_CHECK;
/* n < 0: given back. */
enum err catalog_usage_add(struct sql_tx *tx, int64_t org, int64_t day, enum limit what,
                           int64_t n) MUST_CHECK;
enum err catalog_usage_set_warned(struct sql_tx *tx, int64_t org, int64_t day,
                                  enum limit what) MUST_CHECK;

struct usage_hour {
    int64_t org, hour;
    enum limit what;
    int64_t used, busiest_minute;
};
/* Adds to `used`; the busiest minute is the larger one. */
enum err catalog_usage_add_hour(struct sql_tx *tx, const struct usage_hour *h) MUST_CHECK;
/* Daily limits of one organisation (0: of all), hours from..to, both included, by hour. At most
 * USAGE_HOURS_MAX; ERR_LIMIT past it. */
enum { USAGE_HOURS_MAX = 200000 };
enum err catalog_usage_hours(struct sql_tx *tx, int64_t org, int64_t from, int64_t to,
                             struct arena *a, struct usage_hour **ret, size_t *ret_n) MUST_CHECK;
/* The same of a limit per minute, which is no daily one: `name` is its key, used its requests, the
 * busiest minute that of one user or device. */
enum err catalog_usage_add_rate_hour(struct sql_tx *tx, const char *name,
                                     const struct usage_hour *h) MUST_CHECK;
enum err catalog_usage_rate_hours(struct sql_tx *tx, int64_t org, const char *name, int64_t from,
                                  int64_t to, struct arena *a, struct usage_hour **ret,
                                  size_t *ret_n) MUST_CHECK;
/* Forgets what is from before. */
enum err catalog_usage_prune(struct sql_tx *tx, int64_t before_day) MUST_CHECK;
