#pragma once
/* ingest/tap.h -- what is durable and answered, handed on to one watcher: live sockets have a tap,
 * rules have another. The writer copies a set (only when somebody watches its organisation) into a
 * bounded queue; a thread of the tap's own calls the watcher. When the queue is full the set is
 * dropped, and the watcher is told in one of two ways:
 *
 *   on_lagging  for who shows: each device that lost records, once the queue has drained, so that
 *               the last reading always shows
 *   on_gap      for who must miss nothing: in its place in the queue, before the first set that
 *               came after the dropped ones; what was dropped is in the store
 *
 * Threads: tap_push() from writers, tap_wake() from any; callbacks on the tap's thread, which may
 * block: it holds up nobody else.   Memory: owns its copies; sets are borrowed during a callback.
 */
#include "base/err.h"
#include "model/record.h"

#include <stdbool.h>

struct tap_watcher {
    void *ctx;
    bool (*watches)(void *ctx, int64_t org); /* any thread, never blocks */
    void (*on_records)(void *ctx, const struct record_set *set);
    void (*on_lagging)(void *ctx, int64_t org, int64_t device); /* may be NULL */
    void (*on_gap)(void *ctx);                                  /* may be NULL */
    /* Whenever the queue has drained, after tap_wake(), and about every second; may be NULL. */
    void (*on_idle)(void *ctx);
};

struct tap;
/* name: of its thread. */
enum err tap_new(struct tap **ret, const char *name, size_t max_bytes) MUST_CHECK;
/* Before the first push; once. */
void tap_watch(struct tap *t, const struct tap_watcher *watcher);
void tap_push(void *tap, const struct record_set *set); /* fits struct batch_tap */
void tap_wake(struct tap *t);
/* Something else than this tap has dropped sets: as when it has itself. */
void tap_gap(struct tap *t);
uint64_t tap_dropped(struct tap *t);
void tap_free(struct tap *t); /* delivers what is queued; NULL is fine */
