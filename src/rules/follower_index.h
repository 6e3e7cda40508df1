#pragma once
/* rules/follower_index.h -- who follows which series.
 *
 *   series ── pages of 1024 ──> followers of it, a list        ids are dense from 1
 *   device ── map ──> followers that wait for one of its variables to appear
 *
 * Threads: the followers' thread only, but follower_index_watches(), which any thread may ask.
 * Memory: followers are their maker's, borrowed until follower_index_remove(). */
#include "base/bytes.h"
#include "base/map.h"
#include "rules/event_time.h"
#include "rules/follower_shares.h"

#include <stdatomic.h>

struct follower;
struct follower_kind {
    /* A reading that it has not judged yet. at_ns: see rules/event_time.h. */
    void (*judge)(struct follower *f, int64_t ts_ns, int64_t at_ns, double value);
};

/* First member of whatever follows. What most readings need of it is one cache line. */
struct follower {
    struct follower *next; /* of the same series, or waiting for the same device */
    struct event_time time;
    /* A value strictly between them changes nothing of the follower but its position; 0 and 0: none
     * is. */
    double quiet_above, quiet_below;
    const struct follower_kind *kind;
    bool behind;  /* may have missed readings: reads the store before it is shown another one */
    bool in_line; /* with a series, until the store was read */

    int64_t series;                             /* 0: waits for its variable */
    struct follower_share *share;               /* its organisation's */
    struct follower *line_next, *line_previous; /* of those behind */
    int64_t org, device;                        /* where the variable is */
    struct bytes variable;                      /* its name or its alias */
    struct follower *newer, *older;             /* of all */
};

struct waiting_device {
    uint64_t device;
    uint32_t variables; /* it had when we looked last */
    struct follower *first;
};

enum { FOLLOWER_ORGS = 4096 };

struct follower_index {
    struct follower ***pages;
    size_t page_count;
    struct map waiting; /* device -> struct waiting_device */
    struct follower *newest;
    size_t count;
    struct follower_shares shares;
    /* Followers of organisations, by org modulo FOLLOWER_ORGS: two that share a slot only cost a
     * copy of what nobody follows. A writer whose set is durable and who then finds 0 here comes
     * before the new follower, which reads the store after it was counted (sequentially
     * consistent on both sides). */
    _Atomic uint32_t orgs[FOLLOWER_ORGS];
};

void follower_index_init(struct follower_index *x);
void follower_index_done(struct follower_index *x); /* followers may be freed before */
/* By f->series, or by f->device when that is 0; as one that is behind. */
enum err follower_index_add(struct follower_index *x, struct follower *f) MUST_CHECK;
void follower_index_remove(struct follower_index *x, struct follower *f);
/* From waiting to following, behind; on failure it goes on waiting. */
enum err follower_index_attach(struct follower_index *x, struct follower *f,
                               int64_t series) MUST_CHECK;
static inline struct follower *follower_index_find(const struct follower_index *x, int64_t series)
{
    size_t page = (size_t)series >> 10;
    if (page >= x->page_count || !x->pages[page]) return NULL;
    return x->pages[page][series & 1023];
}
struct waiting_device *follower_index_waiting(const struct follower_index *x, int64_t device);

static inline bool follower_index_watches(struct follower_index *x, int64_t org)
{
    return atomic_load(&x->orgs[org % FOLLOWER_ORGS]) != 0;
}
