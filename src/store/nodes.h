#pragma once
/* store/nodes.h -- the server processes that share one database ("nodes"): how many there are,
 * which of them leads, and what they tell each other. Where a store has one process only, the
 * pointer is NULL and every function below answers as for a node that is alone.
 *
 *   nodes_tell ──> the others' hearers, in order       a change of the catalog ──> changed()
 *
 * N1  nobody is told of what is not durable.
 * N2  what a node tells arrives at each of the others in its order, once; what could not arrive
 *     (too much at once, a node that died) is a missed() there; after a lost connection, resync():
 *     whatever this process keeps in memory of the database is read again.
 * N3  one node leads at a time. It is told so by lead(true) when it begins, and by lead(false) when
 *     it has lost that; what it does must bear that another one already does it too for a moment:
 *     it stands in the catalog, in transactions that look first.
 * N4  a hearer that has to read the catalog reads it when it is told, on the node's thread: later
 *     news wait, so their order stays.
 * Threads: any, but for nodes_hear(), nodes_listen(), nodes_mute(): the one that starts and stops.
 * Memory: texts and sets are borrowed for the call. */
#include "base/bytes.h"
#include "base/err.h"
#include "model/record.h"

#include <stdatomic.h>
#include <stdbool.h>

enum {
    NODES_MAX = 64,       /* alive at once */
    NODES_TELL_MAX = 4096 /* bytes of one nodes_tell() */
};

/* What is told; one letter each. */
enum nodes_topic {
    NODES_RECORDS = 'r',   /* readings that are durable */
    NODES_SUMMED = 's',    /* hours below this may be summed up from now on */
    NODES_UNSURE = 'u',    /* a write whose outcome is not known: missed() */
    NODES_RECOMPUTE = 'y', /* synthetic variables of a device, for the leader */
    NODES_ATTEMPT = 'a',   /* how a login ended (security/lockout.h) */
};

/* Whose rows changed; the letters of the triggers (store/postgres/migration_nodes.c). */
enum nodes_table {
    NODES_DEVICES = 'd',
    NODES_VARIABLES = 'v',  /* id: the device */
    NODES_SYNTHETICS = 'y', /* id: the device */
    NODES_USERS = 'u',
    NODES_KEYS = 'k',
    NODES_SESSIONS = 's', /* by name */
    NODES_SETTINGS = 't', /* by name */
    NODES_RULES = 'r',
    NODES_ALERTS = 'a',
    NODES_COMMANDS = 'c', /* id: the device */
    NODES_NOTIFICATIONS = 'n',
    NODES_CUTOFFS = 'x',
    NODES_CACHED = 'q', /* by name, of the table: nothing but caches holds it */
};

struct nodes_hearer {
    void *ctx; /* members may be NULL */
    /* by another node or command, or by this one while there are others */
    void (*changed)(void *ctx, enum nodes_table table, int64_t org, int64_t id, struct bytes name);
    void (*records)(void *ctx, const struct record_set *set);
    void (*told)(void *ctx, enum nodes_topic topic, struct bytes text);
    void (*missed)(void *ctx); /* readings */
    void (*resync)(void *ctx);
    void (*lead)(void *ctx, bool leads);
    void (*counted)(void *ctx, unsigned alive); /* another number than before */
};
enum { NODES_HEARERS_MAX = 8 };

struct nodes;
struct nodes_ops {
    void (*tell)(struct nodes *n, enum nodes_topic topic, struct bytes text);
    void (*tell_records)(struct nodes *n, const struct record_set *set);
    void (*hear)(struct nodes *n, const struct nodes_hearer *hearer);
    void (*listen)(struct nodes *n);
    void (*mute)(struct nodes *n);
    void (*resync)(struct nodes *n);
};
/* What an implementation begins with. */
struct nodes {
    const struct nodes_ops *ops;
    _Atomic unsigned alive;          /* this one included; as last known */
    _Atomic bool leads, hears;       /* hears: its connection stands */
    _Atomic int64_t summed_below_ns; /* NODES_SUMMED, the latest that was told or heard */
    unsigned number;                 /* 1 to NODES_MAX, its own while it is alive */
};

static inline unsigned nodes_alive(const struct nodes *n)
{
    return n ? atomic_load_explicit(&n->alive, memory_order_acquire) : 1;
}
static inline bool nodes_lead(const struct nodes *n)
{
    return !n || atomic_load(&n->leads);
}
static inline bool nodes_hears(const struct nodes *n)
{
    return !n || atomic_load(&n->hears);
}
/* Hours below this may be summed up by whoever leads, from now on. */
static inline void nodes_note_summed(struct nodes *n, int64_t below_ns)
{
    int64_t known = atomic_load(&n->summed_below_ns);
    while (known < below_ns && !atomic_compare_exchange_weak(&n->summed_below_ns, &known, below_ns))
        continue;
}
/* To all others, if there are any; never waits. What is longer than NODES_TELL_MAX is not told. */
static inline void nodes_tell(struct nodes *n, enum nodes_topic topic, struct bytes text)
{
    if (nodes_alive(n) > 1) n->ops->tell(n, topic, text);
}
static inline void nodes_tell_records(struct nodes *n, const struct record_set *set)
{
    if (nodes_alive(n) > 1) n->ops->tell_records(n, set);
}
/* Before nodes_listen(). Hearers are called one after the other, in the order of adding. */
static inline void nodes_hear(struct nodes *n, const struct nodes_hearer *hearer)
{
    if (n) n->ops->hear(n, hearer);
}
/* From here on hearers are called: first what was told since this process joined. */
static inline void nodes_listen(struct nodes *n)
{
    if (n) n->ops->listen(n);
}
/* By a hearer that could not read what it was told of: resync() is called soon, until all could. */
static inline void nodes_resync(struct nodes *n)
{
    if (n) n->ops->resync(n);
}
/* No hearer is being called, nor will be. */
static inline void nodes_mute(struct nodes *n)
{
    if (n) n->ops->mute(n);
}
