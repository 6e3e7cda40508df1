#pragma once
/* ingest/tap.h -- what is durable and answered, handed on to whoever watches: sockets now, rules
 * later. The writer copies a set (only when somebody watches its organisation) into a bounded
 * queue; a thread of the tap's own calls the watcher. When the queue is full the set is dropped and
 * its devices are marked: the watcher gets their newest values once there is room, so the last
 * reading always shows. Threads: tap_push() from writers; watcher callbacks on the tap's thread.
 * Memory: owns its copies; sets are borrowed during a callback. */
#include "base/err.h"
#include "model/record.h"
#include "perf/histogram.h"

#include <stdbool.h>

struct tap_watcher {
    void *ctx;
    bool (*watches)(void *ctx, int64_t org); /* any thread, never blocks */
    void (*on_records)(void *ctx, const struct record_set *set);
    /* Records of this device were dropped; show its newest values instead. */
    void (*on_lagging)(void *ctx, int64_t org, int64_t device);
};

struct tap;
enum err tap_new(struct tap **ret, size_t max_bytes) MUST_CHECK;
/* Before the first push; once. */
void tap_watch(struct tap *t, const struct tap_watcher *watcher);
void tap_push(void *tap, const struct record_set *set); /* fits struct batch_tap */
uint64_t tap_dropped(struct tap *t);
void tap_free(struct tap *t); /* delivers what is queued; NULL is fine */
