#pragma once
/* store/telemetry.h -- the telemetry half of the contract that every store keeps; one suite
 * (tests/contract/) runs on each implementation.
 *
 * T1  write() == ERR_OK: every record of every set survives kill -9 and power loss, and every scan,
 *     latest or rollup call that starts afterwards sees it. Nothing shows a record before that.
 * T2  write() != ERR_OK: nothing of the sets is acknowledged. They may still appear after a restart
 *     (the sync's outcome was unknown); they never appear in part of a record.
 * T3  the same (org, series, time) again: the last write wins, by order of write() calls and,
 *     inside one call, by position.
 * T4  a series belongs to one device and one organisation; every call names the organisation, and a
 *     series of another organisation is an empty one.
 * T5  rollups equal a scan: count min max first last exactly, sum and m2 within 1e-12 relative,
 *     late points included. They may outlive the raw points they were made of.
 *
 * Threads: write() by at most `writers` threads at once; everything else any thread, at any time.
 * Memory: arguments are borrowed for the call; cursors are owned by who opened them. */
#include "base/err.h"
#include "model/record.h"
#include "model/stats.h"

#include <stdbool.h>

struct telemetry;

struct scan_range {
    int64_t org, device, series;
    int64_t from_ns, to_ns; /* [from, to) */
    bool descending;        /* newest first */
};

/* Samples of one series in time order (or reverse), slice by slice, in constant memory. A cursor
 * sees everything durable when it was opened; what is written meanwhile may or may not appear. */
struct scan_cursor;

/* An hour's sums that outlive the raw points they were made of. */
struct telemetry_hour {
    int64_t org, device, series;
    struct rollup rollup;
};

struct telemetry_stats {
    uint64_t points_written, records_written, groups_written; /* since start */
    uint64_t wal_bytes, raw_bytes, rollup_bytes;              /* on disk now */
    uint64_t head_points, head_bytes, blocks, files;
    uint64_t flushes, merges, points_dropped_by_retention;
    uint64_t partitions_dropped; /* whole, since start; PostgreSQL only */
    bool writable;               /* false: a sync failed, see why */
    char unwritable_why[128];
};

struct telemetry_ops {
    const char *name; /* "embedded", "postgres" */
    unsigned writers; /* how many threads may call write() at once */
    bool remote;      /* every call waits for a network: none on an event loop */
    bool over;        /* it stands over another store, whose calls are counted by themselves */

    enum err (*write)(struct telemetry *, const struct record_set *const *sets, size_t n,
                      struct why *why);

    enum err (*scan_open)(struct telemetry *, const struct scan_range *, struct scan_cursor **ret);
    /* Borrowed until the next call on this cursor. ERR_END when there is no more. */
    enum err (*scan_next)(struct scan_cursor *, const struct sample **ret, size_t *ret_n);
    void (*scan_close)(struct scan_cursor *); /* NULL is fine */

    /* The newest sample of each series, from memory unless remote; ts_ns = INT64_MIN: none. */
    enum err (*latest)(struct telemetry *, int64_t org, const int64_t *series, size_t n,
                       struct sample *ret);

    /* Exact rollups of the full hours in [from_hour_ns, to_hour_ns), ascending, empty hours left
     * out, into ret[0 .. cap): *ret_n of them; ERR_TOOLARGE when cap does not hold them. */
    enum err (*rollups)(struct telemetry *, const struct scan_range *, struct rollup *ret,
                        size_t cap, size_t *ret_n);

    /* The same as reading each of these series of one organisation over [from, to), which are
     * added to their stats, in any order; NULL: there is nothing to win over reading them. */
    enum err (*totals)(struct telemetry *, int64_t org, int64_t from_ns, int64_t to_ns,
                       struct series_total *totals, size_t n);

    /* Drops raw points older than raw_cutoff_ns and rollups older than rollup_cutoff_ns (INT64_MIN
     * keeps all), rounded down to the hour; from the call on no query sees them; whole blocks and
     * files are given back when nothing in them is alive. *ret_points: raw points dropped by this
     * call. */
    enum err (*retain)(struct telemetry *, int64_t org, int64_t raw_cutoff_ns,
                       int64_t rollup_cutoff_ns, uint64_t *ret_points);
    /* Forgets everything of a device (purge after delete). */
    enum err (*purge_device)(struct telemetry *, int64_t org, int64_t device);

    /* Makes heads into sealed blocks and trims the log; returns when done. */
    enum err (*seal)(struct telemetry *);
    /* Background work due now (merging small files, preparing log segments); bounded. */
    enum err (*maintain)(struct telemetry *);
    void (*read_stats)(struct telemetry *, struct telemetry_stats *ret);
    /* Where several servers share the store (store/nodes.h), else NULL: another one has written
     * these, so what is kept in memory follows; and: something may have been missed, or retention
     * has moved its edges, so it is read again. */
    void (*heard)(struct telemetry *, const struct record_set *set);
    enum err (*reread)(struct telemetry *);
    void (*close)(struct telemetry *); /* seals first when it can; NULL is fine */

    /* --- for copies of a whole store (store/copy_points.h) and for rows of many series
     * (query/rows.h); NULL: not this one's --- */

    /* What retain() has reached for an organisation: nothing older is shown. INT64_MIN: all is. */
    enum err (*edges)(struct telemetry *, int64_t org, int64_t *ret_raw_ns, int64_t *ret_rollup_ns);
    /* Takes hours below the raw edge of their organisation; ascending by (organisation, device,
     * series, hour). The same again changes nothing. */
    enum err (*adopt)(struct telemetry *, const struct telemetry_hour *hours, size_t n);
    /* All series of a device at once, in time order or reverse (range->series does not matter).
     * NULL: it is as good to scan them one by one. */
    enum err (*records_open)(struct telemetry *, const struct scan_range *range,
                             struct scan_cursor **ret);
    /* Points of one time, borrowed until the next call. ERR_END. */
    enum err (*records_next)(struct scan_cursor *, int64_t *ret_ts_ns, const struct point **ret,
                             size_t *ret_n);
    void (*records_close)(struct scan_cursor *); /* NULL is fine */
};

/* Every implementation begins with this, so telemetry_*() below can dispatch. */
struct telemetry {
    const struct telemetry_ops *ops;
};
struct scan_cursor {
    const struct telemetry_ops *ops;
};

/* The only way to call a store (tools/check_probes.sh): each is timed and counted
 * (telemetry_probe.c). */
enum err telemetry_write(struct telemetry *t, const struct record_set *const *sets, size_t n,
                         struct why *why) MUST_CHECK;
enum err telemetry_scan_open(struct telemetry *t, const struct scan_range *range,
                             struct scan_cursor **ret) MUST_CHECK;
enum err telemetry_scan_next(struct scan_cursor *c, const struct sample **ret,
                             size_t *ret_n) MUST_CHECK;
void telemetry_scan_close(struct scan_cursor *c); /* NULL is fine */
enum err telemetry_latest(struct telemetry *t, int64_t org, const int64_t *series, size_t n,
                          struct sample *ret) MUST_CHECK;
enum err telemetry_rollups(struct telemetry *t, const struct scan_range *range, struct rollup *ret,
                           size_t cap, size_t *ret_n) MUST_CHECK;
/* ERR_NOTFOUND: this store has no such call; each series once. */
enum err telemetry_totals(struct telemetry *t, int64_t org, int64_t from_ns, int64_t to_ns,
                          struct series_total *totals, size_t n) MUST_CHECK;
enum err telemetry_retain(struct telemetry *t, int64_t org, int64_t raw_cutoff_ns,
                          int64_t rollup_cutoff_ns, uint64_t *ret_points) MUST_CHECK;
enum err telemetry_purge_device(struct telemetry *t, int64_t org, int64_t device) MUST_CHECK;
enum err telemetry_seal(struct telemetry *t) MUST_CHECK;
enum err telemetry_maintain(struct telemetry *t) MUST_CHECK;
void telemetry_read_stats(struct telemetry *t, struct telemetry_stats *ret);
void telemetry_close(struct telemetry *t); /* NULL is fine */
/* Cursors that are open now, of all stores. */
uint64_t telemetry_open_scans(void);
