#pragma once
/* store/embedded/engine_state.h -- what the parts of the engine share; nobody outside of
 * engine*.c includes it.
 *
 * Order of gates and locks: merge gate < job gate < write gate < any lock; no gate is waited for
 * under a lock.
 *   merge_gate   who removes files from the view: merging, retention, purging
 *   job_gate     who changes the view at all: those, and flushing
 *   write_gate   one group being written, or the moment the heads are frozen
 * Threads: engine.h.   Memory: all of it is owned by the engine. */
#include "store/embedded/block_out.h"
#include "store/embedded/cursor.h"
#include "store/embedded/engine.h"
#include "store/embedded/gate.h"
#include "store/embedded/head.h"
#include "store/embedded/view.h"
#include "store/embedded/wal.h"

#include <stdatomic.h>

struct engine {
    struct telemetry base;
    struct engine_opts opts;
    char *dir;
    struct head *head;
    struct wal *wal;
    struct view_set views;
    struct gate merge_gate, job_gate, write_gate;

    struct lock lock; /* LOCK_RANK_STORE; guards what follows */
    struct cond changed;
    bool frozen;         /* the frozen generation waits to be flushed */
    uint64_t frozen_lsn; /* the log's replay position once it is */
    enum err flush_err;  /* of the last flush */
    enum err refused;    /* why the last write was refused by the disk */
    struct why refused_why;
    bool stopping, wake;
    int64_t tried_ns; /* when going on after a failed sync was last tried */

    bool has_thread;
    pthread_t thread;
    _Atomic uint64_t points_written, records_written, groups_written; /* figures: relaxed */
    _Atomic uint64_t flushes, merges, points_dropped;
};

#define ENGINE_GROUP_WAIT_NS (10 * NS_PER_S) /* how long a write waits for room */

static inline struct engine *engine_of(struct telemetry *t)
{
    return (struct engine *)t;
}

/* engine_write.c */
enum err engine_write(struct telemetry *t, const struct record_set *const *sets, size_t n,
                      struct why *why);
uint64_t engine_head_limit(const struct engine *e); /* bytes of one generation */
/* Freezes the active heads unless frozen ones wait already; the caller is inside the write gate. */
void engine_freeze(struct engine *e);
/* One replayed or written group whose durability is settled. */
enum err engine_apply(struct engine *e, const struct record_set *const *sets, size_t n,
                      struct why *why) MUST_CHECK;

/* engine_flush.c; the caller is inside the job gate */
enum err engine_flush_frozen(struct engine *e) MUST_CHECK;
/* engine_thread.c */
enum err engine_start_thread(struct engine *e) MUST_CHECK;
void engine_stop_thread(struct engine *e);
void engine_wake(struct engine *e);
/* One round of what the thread does. */
enum err engine_work(struct engine *e) MUST_CHECK;
/* Everything from memory into blocks, and on into a fresh log segment after a failed sync. */
enum err engine_seal(struct telemetry *t);

/* engine_scan.c */
enum err engine_scan_open(struct telemetry *t, const struct scan_range *range,
                          struct scan_cursor **ret);
enum err engine_scan_next(struct scan_cursor *c, const struct sample **ret, size_t *ret_n);
void engine_scan_close(struct scan_cursor *c);
enum err engine_latest(struct telemetry *t, int64_t org, const int64_t *series, size_t n,
                       struct sample *ret);

/* engine_rollup.c */
enum err engine_rollups(struct telemetry *t, const struct scan_range *range, struct rollup *ret,
                        size_t cap, size_t *ret_n);

/* engine_retain.c */
enum err engine_retain(struct telemetry *t, int64_t org, int64_t raw_cutoff_ns,
                       int64_t rollup_cutoff_ns, uint64_t *ret_points);
enum err engine_purge_device(struct telemetry *t, int64_t org, int64_t device);

/* engine_open.c */
enum err engine_load(struct engine *e, struct why *why) MUST_CHECK;

/* engine_merge.c */
enum err engine_maintain(struct telemetry *t);
/* One rewrite that is due; *ret_done false: nothing was. The caller is inside the merge gate. */
enum err engine_merge_due(struct engine *e, bool *ret_done) MUST_CHECK;

/* engine_adopt.c */
enum err engine_edges(struct telemetry *t, int64_t org, int64_t *ret_raw_ns,
                      int64_t *ret_rollup_ns);
enum err engine_adopt(struct telemetry *t, const struct telemetry_hour *hours, size_t n);
