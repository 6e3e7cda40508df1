#pragma once
/* store/postgres/postgres_state.h -- what the files of the PostgreSQL telemetry store share; nobody
 * else includes it.   Threads: see each member.   Memory: owned by the store. */
#include "base/arena.h"
#include "base/map.h"
#include "store/postgres/postgres_memory.h"
#include "store/postgres/postgres_store.h"
#include "store/rollup_math.h"
#include "store/sql.h"
#include "sys/lock.h"

#include <libpq-fe.h>
#include <stdatomic.h>

/* Hours that ended less than this ago are never summed up in advance: their readings still come,
 * and clocks of nodes differ. Reads take them from the records. */
#define POSTGRES_OPEN_NS        (10 * NS_PER_MINUTE)
#define POSTGRES_MONTHS_FROM_NS (INT64_C(946684800) * NS_PER_S) /* 2000-01-01 */

enum { POSTGRES_MONTHS = 12 * 263 + 4 }; /* 2000-01 to the end of 64-bit nanoseconds */

struct org_cutoff {
    uint64_t org;
    int64_t raw_ns;
};

struct postgres_store {
    struct telemetry base; /* first */
    struct telemetry_ops ops;
    struct postgres_pool *pool;
    struct sql_db *db;
    const struct clock *clock;
    struct nodes *nodes; /* NULL: nobody else */
    struct postgres_memory memory;
    _Atomic uint8_t months[POSTGRES_MONTHS]; /* 1: its partition is there */
    _Atomic int64_t partitions_due_ns;       /* monotonic: when they are looked after again */
    bool hypertable, citus;                  /* since the open: postgres_extension.h */
    struct rwlock lock;                      /* guards cutoffs */
    struct org_cutoff *cutoffs;
    size_t cutoff_count, cutoff_cap;
    _Atomic int64_t cutoffs_read_ns; /* monotonic */
    _Atomic int64_t sizes_read_ns;   /* monotonic; 0: not yet */
    _Atomic int64_t summing_ns;      /* hours below it may be summed up */
    _Atomic int64_t summing_at_ns;   /* monotonic: from then on, those that others were told of */
    _Atomic uint64_t raw_bytes, rollup_bytes;
    _Atomic uint64_t points, records, groups, dropped, partitions_dropped;
};

static inline struct postgres_store *postgres_store_of(struct telemetry *t)
{
    return (struct postgres_store *)t;
}
/* INT64_MIN: keeps all. Other nodes' retention is seen within seconds. */
int64_t postgres_store_cutoff(struct postgres_store *s, int64_t org);
enum err postgres_store_read_cutoffs(struct postgres_store *s) MUST_CHECK;

enum err postgres_write(struct telemetry *t, const struct record_set *const *sets, size_t n,
                        struct why *why) MUST_CHECK;
enum err postgres_scan_open(struct telemetry *t, const struct scan_range *range,
                            struct scan_cursor **ret) MUST_CHECK;
enum err postgres_scan_next(struct scan_cursor *c, const struct sample **ret,
                            size_t *ret_n) MUST_CHECK;
void postgres_scan_close(struct scan_cursor *c);
enum err postgres_latest(struct telemetry *t, int64_t org, const int64_t *series, size_t n,
                         struct sample *ret) MUST_CHECK;
enum err postgres_rollups(struct telemetry *t, const struct scan_range *range, struct rollup *ret,
                          size_t cap, size_t *ret_n) MUST_CHECK;
enum err postgres_totals(struct telemetry *t, int64_t org, int64_t from_ns, int64_t to_ns,
                         struct series_total *totals, size_t n) MUST_CHECK;
enum err postgres_retain(struct telemetry *t, int64_t org, int64_t raw_ns, int64_t rollup_ns,
                         uint64_t *ret_points) MUST_CHECK;
enum err postgres_purge_device(struct telemetry *t, int64_t org, int64_t device) MUST_CHECK;
/* Hours below it may be summed up: they have ended long ago, and every other server knows it. */
int64_t postgres_hours_closed(struct postgres_store *s);
/* Sums up stale hours that are closed, at most `max` of them, of one organisation (0: any) that
 * began before before_ns; *ret_n of them. */
enum err postgres_hours_sum_up(struct postgres_store *s, int64_t org, int64_t before_ns, size_t max,
                               size_t *ret_n) MUST_CHECK;

/* postgres_copy.c */
enum err postgres_edges(struct telemetry *t, int64_t org, int64_t *ret_raw_ns,
                        int64_t *ret_rollup_ns) MUST_CHECK;
enum err postgres_adopt(struct telemetry *t, const struct telemetry_hour *hours,
                        size_t n) MUST_CHECK;
enum err postgres_records_open(struct telemetry *t, const struct scan_range *range,
                               struct scan_cursor **ret) MUST_CHECK;
enum err postgres_records_next(struct scan_cursor *c, int64_t *ret_ts_ns, const struct point **ret,
                               size_t *ret_n) MUST_CHECK;
void postgres_records_close(struct scan_cursor *c);

/* postgres_partitions.c. What there is is read; the next months are made. */
enum err postgres_partitions_open(struct postgres_store *s, struct why *why) MUST_CHECK;
/* Makes the partition of that month unless it is known to be there. */
enum err postgres_partitions_make(struct postgres_store *s, int64_t ts_ns,
                                  struct why *why) MUST_CHECK;
/* A write found none: what is known is not true any more. */
void postgres_partitions_forget(struct postgres_store *s);
/* Once an hour: the next months, and what was left half-detached. */
enum err postgres_partitions_maintain(struct postgres_store *s) MUST_CHECK;
/* Drops those that lie below the edge of everybody who has readings there; one that somebody reads
 * just now is left for the next time. */
enum err postgres_partitions_drop_passed(struct postgres_store *s) MUST_CHECK;

struct postgres_partition {
    int64_t from_ns, to_ns; /* INT64_MIN: the one before 2000, which is never dropped */
    bool pending;           /* being detached */
};
/* Those that begin before before_ns, ascending, into the arena. */
enum err postgres_partitions_list(struct postgres_store *s, int64_t before_ns, struct arena *a,
                                  struct postgres_partition **ret, size_t *ret_n) MUST_CHECK;
/* Whether what this organisation forgets there is left for the partition to be dropped: nobody who
 * has readings there keeps them for longer than it does, and what is left for the rest of the month
 * is little beside what it keeps. */
enum err postgres_partitions_is_left(struct postgres_store *s, const struct postgres_partition *p,
                                     int64_t org, bool *ret) MUST_CHECK;
