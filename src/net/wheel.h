#pragma once
/* net/wheel.h -- the deadlines of one loop: a wheel of coarse slots that one timer turns, because a
 * timer of its own for each of ten thousand connections costs more than the connections do.
 * A deadline is met at most one slot late and never early. Moving one later, which is what happens
 * at every request, only writes a number; the entry is moved when its old slot comes by.
 * Threads: the loop's.   Memory: entries are embedded in their owners and borrowed while linked. */
#include <stdbool.h>
#include <stdint.h>

enum { WHEEL_SLOTS = 512 };
#define WHEEL_SLOT_NS INT64_C(250000000) /* 512 slots of 250 ms: 128 s in one turn */
#define WHEEL_NEVER   INT64_MAX

struct wheel_entry {
    struct wheel_entry *next, *prev; /* NULL while not linked */
    int64_t deadline_ns;
    int64_t slot_at; /* the turn of the slot it hangs in */
};

struct wheel {
    struct wheel_entry slots[WHEEL_SLOTS]; /* list heads */
    int64_t turned;                        /* the last slot that was visited */
    unsigned count;
};

void wheel_init(struct wheel *w, int64_t now_ns);
void wheel_entry_init(struct wheel_entry *e);
void wheel_set(struct wheel *w, struct wheel_entry *e, int64_t deadline_ns);
void wheel_remove(struct wheel *w, struct wheel_entry *e); /* not linked is fine */
/* Calls `expired` for every entry whose deadline has passed; it is unlinked then and may be set
 * again or removed, and so may others. */
void wheel_advance(struct wheel *w, int64_t now_ns, void (*expired)(struct wheel_entry *e));
