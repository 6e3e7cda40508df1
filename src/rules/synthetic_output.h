#pragma once
/* rules/synthetic_output.h -- results on their way to the store: gathered into records, handed to
 * the write function in sets of one organisation, at most OUTPUT_SETS of them on their way at once.
 *
 * O1  a result becomes durable, or failed() is told of its record.
 * O2  settled(seq): all that was handed on up to then is durable or was told as failed.
 * Threads: one, the synthetics'; done() of a set any.   Memory: owns its sets. */
#include "base/err.h"
#include "model/record.h"

#include <stdbool.h>

enum {
    OUTPUT_SETS = 32,
    OUTPUT_RECORDS = 500, /* of a set, which is of one organisation */
    OUTPUT_POINTS = 2000,
};

/* Borrowed by the write function until it calls done(), once, from any thread. */
struct synthetic_set {
    struct record_set set;
    void (*done)(struct synthetic_set *s, enum err e);
};
struct synthetic_output_opts {
    /* ERR_FULL: nothing is taken, try again in a moment. Any other error: nothing is taken. */
    enum err (*write)(void *ctx, struct synthetic_set *s);
    void *write_ctx;
    /* A record of results that was not written; on the thread that calls add, flush or collect. */
    void (*failed)(void *ctx, const struct record *r);
    void *failed_ctx;
};

struct synthetic_output;
enum err synthetic_output_new(struct synthetic_output **ret,
                              const struct synthetic_output_opts *opts) MUST_CHECK;
void synthetic_output_free(struct synthetic_output *o); /* every set is back; NULL is fine */
/* Waits while OUTPUT_SETS are on their way. ERR_NOMEM. */
enum err synthetic_output_add(struct synthetic_output *o, int64_t org, int64_t device,
                              int64_t ts_ns, struct point point) MUST_CHECK;
/* Hands on what has been gathered. */
void synthetic_output_flush(struct synthetic_output *o);
/* Tells of what failed meanwhile. */
void synthetic_output_collect(struct synthetic_output *o);
/* From now on nothing waits: what finds no room fails. Any thread. */
void synthetic_output_stop(struct synthetic_output *o);

/* The number of the newest set that was handed on. */
uint64_t synthetic_output_seq(const struct synthetic_output *o);
bool synthetic_output_settled(struct synthetic_output *o, uint64_t seq);
/* Flushes and waits until everything is back, or stopped. */
void synthetic_output_drain(struct synthetic_output *o);
