#pragma once
/* store/embedded/engine.h -- telemetry in our own files, inside one process: log, heads, blocks.
 * Keeps T1-T5 of store/telemetry.h.   Bytes: FORMAT.md.
 * It owns everything below `dir` except the lock on it, which the caller holds: two engines on one
 * directory destroy each other.
 *
 * After a failed sync nothing is acknowledged any more: every write fails with the reason and
 * telemetry_stats says unwritable. The engine tries, on each write and maintain() but at most once
 * a second, to go on in a fresh log segment (docs/decisions: "After a failed sync").
 *
 * Threads: one writer (ops->writers == 1), everything else any thread; it starts one thread of its
 * own, "engine-flush".   Memory: opts is copied; the telemetry is owned by the caller, who ends it
 * with ops->close after every cursor of it is closed. */
#include "base/clock.h"
#include "base/err.h"
#include "store/telemetry.h"
#include "sys/file.h"

struct engine_opts {
    const char *dir;            /* copied; made when missing, its parent must exist */
    const struct fs *fs;        /* borrowed for the engine's life */
    const struct clock *clock;  /* borrowed for the engine's life */
    uint64_t memory_bytes;      /* heads (active and frozen) and decode buffers; 0 = 64 MiB */
    uint64_t wal_segment_bytes; /* the log rolls over here; 0 = 16 MiB */
};

/* ERR_CORRUPT names the damaged file and offset in `why`; ERR_VERSION: written by a newer one. */
enum err engine_open(struct telemetry **ret, const struct engine_opts *opts,
                     struct why *why) MUST_CHECK;

/* Seals, and keeps the files of this moment until engine_pin_free(): together with the manifest
 * they are a whole store of one instant, with every write that had returned before the call. The
 * engine must not be closed meanwhile. t: of engine_open(). */
struct engine_pin;
struct manifest;
enum err engine_pin_new(struct engine_pin **ret, struct telemetry *t) MUST_CHECK;
const struct manifest *engine_pin_manifest(const struct engine_pin *p); /* borrowed */
void engine_pin_free(struct engine_pin *p);                             /* NULL is fine */

/* One damage found; `what` is a sentence. */
typedef void (*engine_report)(void *ctx, const char *file, int64_t offset, const char *what);

/* Reads every byte of a store that nobody has open and checks every checksum and invariant; writes
 * nothing. ERR_OK: sound; ERR_CORRUPT: `report` was called at least once; else it could not look.
 */
enum err engine_verify(const char *dir, const struct fs *fs, engine_report report,
                       void *ctx) MUST_CHECK;
