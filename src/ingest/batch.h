#pragma once
/* ingest/batch.h -- the bounded queue between requests and the store, and the writers behind it.
 *
 *   batch_submit ──> open batch ──> ready ──> a writer ──> store ──> durable ──> done(ticket)
 *                         │
 *                         └ closes when (a) full, (b) a slot is free and somebody waits, (c) old
 *
 * B1  a ticket is never split; one larger than batch_records is one batch.
 * B2  done() is called exactly once for every accepted ticket: ERR_OK only when it is durable.
 * B3  tickets are written in order of submission per writer; records of one ticket keep their
 *     order.
 * B4  at most queue_capacity records wait; past that batch_submit() is ERR_FULL and nothing is
 *     taken.
 * B5  a failed group is tried again ticket by ticket, so one bad ticket refuses only itself.
 * Threads: submit from any; done() on a writer thread, must not block.   Memory: tickets are
 * the caller's, borrowed until done(). */
#include "base/clock.h"
#include "perf/histogram.h"
#include "store/telemetry.h"

enum { BATCH_POINTS_MAX = 4000000 }; /* 64 MB of points */

struct batch_opts {
    size_t batch_records;    /* pilot.telemetry.batch-size */
    int64_t timeout_ns;      /* pilot.telemetry.batch-timeout */
    int64_t linger_ns;       /* pilot.telemetry.commit-linger */
    unsigned slots;          /* pilot.telemetry.max-concurrent-batches */
    size_t queue_capacity;   /* pilot.telemetry.queue-capacity, records */
    bool each_request_alone; /* !pilot.telemetry.async-processing: each ticket is its own batch */
    const struct clock *clock;
};

struct batch_ticket {
    struct record_set set;
    bool waits; /* somebody waits for the answer (ack=durable) */
    void (*done)(struct batch_ticket *t, enum err e, const struct why *why);
    int64_t queued_ns;         /* set by submit, monotonic */
    struct batch_ticket *next; /* the queue's */
};

struct batch_stats {
    uint64_t pending_records;
    unsigned active_batches;
    uint64_t records_written, batches_written, batches_failed, records_retried, refused_full;
    uint64_t batches_full; /* closed because their size was reached */
    int64_t last_batch_ns; /* wall clock of the last written one, 0 = none yet */
};
struct batch_timings {
    struct histogram queued, written; /* per ticket: submit to write; per group: the write itself */
};

struct batch_pipeline;
/* Called on the writer thread after a group is durable and answered: never blocks, never fails. */
struct batch_tap {
    void *ctx;
    void (*written)(void *ctx, const struct record_set *set);
};
enum err batch_new(struct batch_pipeline **ret, const struct batch_opts *opts,
                   struct telemetry *store, const struct batch_tap *tap) MUST_CHECK;
/* ERR_FULL, ERR_TOOLARGE (more records than the queue ever holds), ERR_CLOSED. */
enum err batch_submit(struct batch_pipeline *b, struct batch_ticket *t) MUST_CHECK;
/* Would batch_submit() of that many records be ERR_TOOLARGE? For who makes things before it. */
bool batch_is_too_large(struct batch_pipeline *b, size_t records);
/* New sizes take effect with the next batch; slots and capacity too. */
void batch_configure(struct batch_pipeline *b, const struct batch_opts *opts);
struct batch_opts batch_read_opts(struct batch_pipeline *b);
void batch_read_stats(struct batch_pipeline *b, struct batch_stats *ret);
const struct batch_timings *batch_read_timings(const struct batch_pipeline *b);
/* Returns when every record pending at the call is durable or refused. */
void batch_flush(struct batch_pipeline *b);
/* Takes no more, writes everything queued, joins the writers. NULL is fine. */
void batch_free(struct batch_pipeline *b);
