#pragma once
/* service/device_presence.h -- notices that a device fell silent or spoke again, and tells it once.
 *
 *   UNKNOWN ── first reading ──> ONLINE ── 60 minutes of silence ──> OFFLINE (event)
 *                                  ^───────── next reading ────────────┘ (event DEVICE_CONNECTED)
 *
 * P1  what was told last stands in the catalog, changed in the transaction of the event: neither a
 *     restart nor a crash tells it twice or forgets it, nor a server that takes over from another.
 * P2  after a start nobody is called silent for PRESENCE_GRACE_NS: it may have been the server that
 *     was away. (The status that answers show is computed from lastSeenAt and does not wait.)
 * Threads: one at a time, on a thread that may block.   Memory: none kept. */
#include "service/device_service.h"

#define PRESENCE_GRACE_NS (2 * NS_PER_MINUTE)

struct device_presence {
    struct sql_db *db; /* borrowed, as the rest */
    struct registry *registry;
    const struct clock *clock;
    int64_t started_ns; /* wall clock */
    void *ctx;
    /* After the commit; may be NULL. */
    void (*changed)(void *ctx, const struct reg_device *d, enum device_status status,
                    int64_t at_ns);
};

/* Looks at every device; *ret_n: how many changed. About 50 ns a device that did not. */
enum err device_presence_run(struct device_presence *p, size_t *ret_n) MUST_CHECK;
