#pragma once
/* app/move_job.h -- the part of a move that may run beside a server: readings into a target that
 * bears the mark (store/takeover.h), first all of them, then, pass by pass, what came meanwhile.
 *
 *   begin ──> copy (from the mark's position on) ──> catch_up ──> catch_up ──> …
 *
 * Threads: one at a time; `stop` may be set and the figures read by any.   Memory: the caller's
 * struct; what it borrows it borrows until its end. */
#include "app/store_side.h"
#include "store/copy_points.h"
#include "store/takeover.h"

#include <stdatomic.h>

struct move_job {
    struct telemetry *from;                     /* borrowed */
    struct sql_db *catalog;                     /* of the source; borrowed */
    struct store_side *to;                      /* open, to be filled; borrowed */
    void (*shown)(void *ctx, uint64_t devices); /* now and then; may be NULL */
    void *ctx;
    _Atomic bool stop;                /* what is under way ends with ERR_CLOSED */
    _Atomic uint64_t devices, points; /* of the step under way */
    bool resumed;                     /* the target had the mark */
    struct takeover mark;
    struct why why;
};

/* source: store_side_identity(). ERR_EXISTS, ERR_CONFLICT: not a target for this one. */
enum err move_job_begin(struct move_job *m, const char *source) MUST_CHECK;
/* Nothing to do when the mark says that all was copied once. */
enum err move_job_copy(struct move_job *m) MUST_CHECK;
/* points: how many were found. */
enum err move_job_catch_up(struct move_job *m) MUST_CHECK;
/* A copy job between the two, for the steps that need both to themselves. */
struct copy_job move_job_make(struct move_job *m);
