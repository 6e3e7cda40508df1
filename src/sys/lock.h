#pragma once
/* sys/lock.h -- mutexes with a rank. A thread takes locks in rising rank only; debug and sanitizer
 * builds (SV_DEBUG) abort on the first violation, so a deadlock is found without having to happen.
 * The ranks, which are the one global order, are listed here and explained in docs/THREADS.md.
 * No lock is held over I/O, a callback or an allocation, unless its line below says so. */
#include "base/err.h"

#include <pthread.h>
#include <stdbool.h>

enum lock_rank {
    LOCK_RANK_ADMIN = 5,       /* configuration; held over files, the catalog and who is told */
    LOCK_RANK_SQL = 10,        /* one SQLite connection, held over its I/O (that is its purpose);
                                  PostgreSQL: who has which connection, not over I/O */
    LOCK_RANK_REGISTRY = 20,   /* device and variable maps; allocates when one grows */
    LOCK_RANK_BATCH = 30,      /* the batch queue */
    LOCK_RANK_STORE = 40,      /* which files make the view; PostgreSQL: newest, cutoffs */
    LOCK_RANK_ANALYTICS = 45,  /* numbers of an installation that are ready; held while an
                                  answer is made of them */
    LOCK_RANK_HEAD = 50,       /* one stripe of heads */
    LOCK_RANK_WAL = 60,        /* WAL segment hand-over */
    LOCK_RANK_CACHE = 62,      /* cached values; held while a map grows */
    LOCK_RANK_REDIS = 63,      /* connections to Redis, entries on their way there */
    LOCK_RANK_NODES = 64,      /* what other nodes are to be told, held while a page is made; who
                                  hears of them */
    LOCK_RANK_NOTIFIER = 65,   /* who sends what now; tests of receivers that wait */
    LOCK_RANK_HUB = 70,        /* live subscriptions; queues of taps; what rules and synthetic
                                  variables have to look at again */
    LOCK_RANK_MQTT = 72,       /* MQTT sessions, who owns them, who subscribed; held while a
                                  map grows */
    LOCK_RANK_TRENDS = 74,     /* the minute that is gathered; states of thresholds */
    LOCK_RANK_POLLS = 75,      /* devices that wait for a command */
    LOCK_RANK_EXECUTOR = 80,   /* one executor's queue; waking of threads with one job */
    LOCK_RANK_LOOP = 85,       /* a loop's inbox; a stream's or a live socket's queue */
    LOCK_RANK_QUOTA = 86,      /* who asks the store for more of a daily limit; accounts, buckets
                                  and refusals, held while a map grows */
    LOCK_RANK_SECURITY = 88,   /* failed logins, users, keys, sessions; held while a map grows */
    LOCK_RANK_PROPERTIES = 90, /* what devices said; held while a map or an answer grows */
};

struct lock {
    pthread_mutex_t mutex;
    enum lock_rank rank;
};
void lock_init(struct lock *l, enum lock_rank rank);
void lock_done(struct lock *l);
void lock_take(struct lock *l);
/* False: somebody else held it for all of these nanoseconds. */
bool lock_take_within(struct lock *l, int64_t ns) MUST_CHECK;
void lock_release(struct lock *l);

struct rwlock {
    pthread_rwlock_t rw;
    enum lock_rank rank;
};
void rwlock_init(struct rwlock *l, enum lock_rank rank);
void rwlock_done(struct rwlock *l);
void rwlock_read(struct rwlock *l);
void rwlock_write(struct rwlock *l);
void rwlock_release(struct rwlock *l);

/* A condition on the monotonic clock, used with one struct lock. */
struct cond {
    pthread_cond_t cond;
};
void cond_init(struct cond *c);
void cond_done(struct cond *c);
void cond_wait(struct cond *c, struct lock *l);
/* Returns after about ns nanoseconds at the latest; wake-ups may be spurious. */
void cond_wait_for(struct cond *c, struct lock *l, int64_t ns);
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);
