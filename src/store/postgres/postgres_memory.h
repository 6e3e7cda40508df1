#pragma once
/* store/postgres/postgres_memory.h -- what the one server of a database keeps in memory of it, so
 * that a write is one statement and the newest values cost no question.
 *
 *   newest   of each series. In the database it is the newest of telemetry_latest and of the
 *            records of stale hours: summing an hour up brings it into the table, a start reads
 *            both. So no write touches the table.
 *   marks    the hours of a device that are known to stand in telemetry_stale: while nothing may
 *            take them out (the hour is not below `summed_below_ns`) they are not written again.
 *
 * Order of a write: prepare (may fail, changes nothing that is seen) ── commit in the database ──
 * committed (cannot fail). What is below summed_below_ns by then is marked once more.
 *
 * Threads: any.   Memory: about 110 bytes a series, 100 a device; the store's until it is closed.
 */
#include "base/map.h"
#include "model/record.h"
#include "sys/lock.h"

#include <stdatomic.h>
#include <stdbool.h>

struct nodes;
struct postgres_store;

struct newest_entry {
    int64_t key[2];        /* organisation, series */
    int64_t device, ts_ns; /* ts_ns INT64_MIN: none */
    double value;
    uint64_t stamp; /* of the write that it is from; 0: from the database */
};
enum { MARKED_HOURS = 2 };
struct marked_device {
    int64_t key[2];              /* organisation, device */
    int64_t hours[MARKED_HOURS]; /* INT64_MIN: none */
};

struct postgres_memory {
    struct rwlock lock; /* guards all below, memory only; entries stay until the end */
    struct map newest, marked;
    uint64_t stamp;                  /* of the newest write */
    _Atomic int64_t summed_below_ns; /* hours below it may be summed up now; set before that */
    _Atomic bool unsure;             /* a write ended without an answer: read it all again */
    struct nodes *nodes;             /* who else may sum up; NULL: nobody */
};

/* One value or hour of a write: the caller fills all but the pointers. */
struct memory_value {
    int64_t key[2], device, ts_ns;
    double value;
    struct newest_entry *entry;
};
struct memory_hour {
    int64_t org, device, hour_ns;
    struct marked_device *entry;
    bool known; /* out of prepare: stands in telemetry_stale */
};
struct memory_change {
    struct memory_value *values; /* each series once */
    size_t value_count;
    struct memory_hour *hours;
    size_t hour_count;
    uint64_t begun; /* out of prepare: the newest write then */
};

void postgres_memory_init(struct postgres_memory *m);
void postgres_memory_done(struct postgres_memory *m);
/* From the database, beside what is known; newer values win, and of one time those of a record. */
enum err postgres_memory_load(struct postgres_store *s, struct why *why) MUST_CHECK;
enum err postgres_memory_prepare(struct postgres_memory *m, struct memory_change *c) MUST_CHECK;
/* True: an hour that was known may have been summed up meanwhile; mark them all again. Where
 * somebody else wrote the same time since prepare, nobody knows whose commit was last: then
 * *ret_unclear values keep `entry`, to be read again; the others lose theirs. */
bool postgres_memory_committed(struct postgres_memory *m, struct memory_change *c,
                               size_t *ret_unclear);
/* What another server wrote: `c` has values only. At one time the last write wins, which may have
 * been ours: then *ret_unclear of its values have `entry`, to be read again. */
void postgres_memory_heard(struct postgres_memory *m, struct memory_change *c, size_t *ret_unclear);
/* Values with `entry`: the one of their time, as the record has it, whoever writes meanwhile. */
void postgres_memory_settle_all(struct postgres_store *s, const struct memory_change *c);
/* Those older than cutoff are none. */
void postgres_memory_latest(struct postgres_memory *m, int64_t org, const int64_t *series, size_t n,
                            int64_t cutoff_ns, struct sample *ret);
void postgres_memory_forget(struct postgres_memory *m, int64_t org, int64_t device);
/* Hours below this are about to be summed up. */
void postgres_memory_note_summed(struct postgres_memory *m, int64_t below_ns);
