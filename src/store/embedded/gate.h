#pragma once
/* store/embedded/gate.h -- lets one thread at a time through, for work that holds it over disk I/O,
 * which no struct lock may be. A thread that holds any lock must not wait at a gate,
 * but for a transaction of the catalog (LOCK_RANK_SQL): nobody inside of a gate asks for that.
 * The engine has three, entered in this order: merge gate (merging, retention, purging), job gate
 * (those, and flushing), write gate (one write, or the moment heads are frozen).
 * Threads: any.   Memory: the caller's struct. */
#include "sys/lock.h"

#include <stdbool.h>

struct gate {
    struct lock lock;
    struct cond left;
    bool taken;
};

void gate_init(struct gate *g, enum lock_rank rank);
void gate_done(struct gate *g);
void gate_enter(struct gate *g);
bool gate_try(struct gate *g); /* false: somebody is inside */
void gate_leave(struct gate *g);
