#pragma once
/* rules/synthetics.h -- keeps every synthetic variable computed, in spite of late readings,
 * overload, restarts and crashes.
 *
 *   tap ── record ──> group of its device ──> results ──> write function ──> batch ──> store, tap
 *              │ late, or its group is away          (its own results come back and are skipped)
 *              └──> dirty from there ──> sweep: the same computation over what the store holds
 *
 * S1  a reading that is durable has its results, now or after a sweep: what is dirty is never
 *     forgotten. Positions are saved only when the results before them are durable; after a crash
 *     SYNTHETICS_MARGIN_NS before the saved position is computed again, too.
 * S2  a late reading is followed by a sweep from its time to the newest one: results of those times
 *     are written again where they differ, and the last write wins. A result that no longer is one
 *     stays.
 * S3  sweeps of late readings take a fifth of the thread's time at most, and never hold up records
 *     for longer than a few milliseconds.
 * S4  a reading more than SYNTHETICS_AHEAD_NS ahead of the server's clock that jumps more than an
 *     hour past its device's newest one waits until its time has come.
 * Threads: on_records, on_gap, on_idle on the tap's thread, which blocks on store, catalog and the
 * write function; the rest any.   Memory: owns its groups. */
#include "base/clock.h"
#include "rules/synthetic_output.h"
#include "store/registry.h"
#include "store/telemetry.h"

#define SYNTHETICS_MARGIN_NS (10 * NS_PER_MINUTE)
#define SYNTHETICS_AHEAD_NS  (5 * NS_PER_MINUTE)
#define SYNTHETICS_SAVE_NS   (5 * NS_PER_S)
enum { SYNTHETICS_WINDOW_BYTES = 64 << 20 }; /* all windows together */

struct synthetics_opts {
    struct sql_db *db; /* borrowed, as the rest */
    struct registry *registry;
    struct telemetry *telemetry;
    const struct clock *clock;
    enum err (*write)(void *ctx, struct synthetic_set *s); /* see synthetic_output.h */
    void *write_ctx;
    size_t window_bytes; /* 0: SYNTHETICS_WINDOW_BYTES */
    bool idle;           /* another server leads: see synthetics_lead() */
};

struct synthetics;
/* Loads everything and marks the variables as computed (registry.h), so that ingest refuses them
 * from the first message on. */
enum err synthetics_new(struct synthetics **ret, const struct synthetics_opts *opts,
                        struct why *why) MUST_CHECK;
/* After the tap's thread has ended and every set is back; NULL is fine. */
void synthetics_free(struct synthetics *s);

/* What the tap calls. */
bool synthetics_watches(void *synthetics, int64_t org); /* any thread */
void synthetics_on_records(void *synthetics, const struct record_set *set);
void synthetics_on_gap(void *synthetics);
void synthetics_on_idle(void *synthetics);
/* wake: makes the thread call on_idle() soon; once, before records flow. */
void synthetics_set_waker(struct synthetics *s, void (*wake)(void *ctx), void *ctx);

/* Any thread. leads false: groups are forgotten and nothing is computed, because another server
 * does; true: all is loaded, as at a start. */
void synthetics_lead(struct synthetics *s, bool leads);

/* Any thread, never blocks: the synthetic variables of that device are not what they were. Records
 * that are written after the call are computed with the new ones. */
void synthetics_changed(struct synthetics *s, int64_t org, int64_t device);
/* Computes those of the device again from from_ns on. ERR_FULL: too many requests wait. */
enum err synthetics_recompute(struct synthetics *s, int64_t org, int64_t device,
                              int64_t from_ns) MUST_CHECK;
/* At stop, while the write function still works and records no longer come: everything that the tap
 * was given is computed, durable and saved, or left for the next start. Waits, 10 s at most. */
void synthetics_finish(struct synthetics *s);

struct synthetics_stats {
    uint64_t results, sweeps, failed; /* records of results that were not written at first */
    size_t groups, dirty, window_bytes;
};
void synthetics_read_stats(struct synthetics *s, struct synthetics_stats *ret);
