#pragma once
/* app/mover.h -- the server's own half of `move --online` with an embedded source: nobody else may
 * open its files, so it copies them itself, on a thread, into a target that it opens.
 *
 *   start ──> copying ──> following: a pass, a pause of four times its length, a pass, …
 *                └────────────┴──> failed (and says why)      stop: the target is closed
 *
 * Threads: any one calls; it has a thread of its own, "mover".   Memory: owned by the caller. */
#include "app/settings.h"
#include "base/buf.h"

struct telemetry;
struct sql_db;

struct mover_opts { /* all borrowed until mover_free() */
    struct telemetry *telemetry;
    struct sql_db *db;
    const struct settings *settings;
};
struct mover;
enum err mover_new(struct mover **ret, const struct mover_opts *opts) MUST_CHECK;
void mover_free(struct mover *m); /* stops it; NULL is fine */
/* Does nothing when it moves there already. ERR_CONFLICT: it moves to another place. */
enum err mover_start(struct mover *m, struct bytes url, struct why *why) MUST_CHECK;
/* Members of an answer: state, devices (of the step), points (of the last whole pass), passes,
 * seconds (it took), error. */
void mover_write_status(struct mover *m, struct buf *answer);
