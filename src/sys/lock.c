/* Mutexes with a rank (see lock.h). */
#include "sys/lock.h"

#include "base/clock.h"

#include <errno.h>
#include <time.h>

#ifdef SV_DEBUG
/* Ranks this thread holds, in the order taken. Sixteen is far above the deepest nesting there is.
 */
static _Thread_local enum lock_rank held[16];
static _Thread_local int held_count;

static void note_taken(enum lock_rank rank)
{
    bug_if(held_count == 16);
    bug_if(held_count && held[held_count - 1] >= rank);
    held[held_count++] = rank;
}

static void note_released(enum lock_rank rank)
{
    for (int i = held_count - 1; i >= 0; i--)
        if (held[i] == rank) {
            for (; i < held_count - 1; i++) held[i] = held[i + 1];
            held_count--;
            return;
        }
    err_bug(__FILE__, __LINE__, "released a lock that was not held");
}
#else
static void note_taken(enum lock_rank rank)
{
    (void)rank;
}
static void note_released(enum lock_rank rank)
{
    (void)rank;
}
#endif

void lock_init(struct lock *l, enum lock_rank rank)
{
    bug_if(pthread_mutex_init(&l->mutex, NULL));
    l->rank = rank;
}

void lock_done(struct lock *l)
{
    pthread_mutex_destroy(&l->mutex);
}

void lock_take(struct lock *l)
{
    note_taken(l->rank);
    bug_if(pthread_mutex_lock(&l->mutex));
}

/* TSan of gcc 12 does not know clocklock, and would take the lock for not taken; there it is the
 * clock that may be set. */
#ifdef __SANITIZE_THREAD__
enum { WAIT_CLOCK = CLOCK_REALTIME };
#define WAIT_FOR(mutex, until) pthread_mutex_timedlock(mutex, until)
#else
enum { WAIT_CLOCK = CLOCK_MONOTONIC };
#define WAIT_FOR(mutex, until) pthread_mutex_clocklock(mutex, WAIT_CLOCK, until)
#endif

bool lock_take_within(struct lock *l, int64_t ns)
{
    struct timespec until;
    clock_gettime(WAIT_CLOCK, &until);
    until.tv_sec += (time_t)(ns / NS_PER_S);
    until.tv_nsec += (long)(ns % NS_PER_S);
    if (until.tv_nsec >= NS_PER_S) until.tv_sec++, until.tv_nsec -= NS_PER_S;
    note_taken(l->rank);
    int code = WAIT_FOR(&l->mutex, &until);
    bug_if(code && code != ETIMEDOUT);
    if (code) note_released(l->rank);
    return !code;
}

void lock_release(struct lock *l)
{
    note_released(l->rank);
    bug_if(pthread_mutex_unlock(&l->mutex));
}

void rwlock_init(struct rwlock *l, enum lock_rank rank)
{
    bug_if(pthread_rwlock_init(&l->rw, NULL));
    l->rank = rank;
}

void rwlock_done(struct rwlock *l)
{
    pthread_rwlock_destroy(&l->rw);
}

void rwlock_read(struct rwlock *l)
{
    note_taken(l->rank);
    bug_if(pthread_rwlock_rdlock(&l->rw));
}

void rwlock_write(struct rwlock *l)
{
    note_taken(l->rank);
    bug_if(pthread_rwlock_wrlock(&l->rw));
}

void rwlock_release(struct rwlock *l)
{
    note_released(l->rank);
    bug_if(pthread_rwlock_unlock(&l->rw));
}

void cond_init(struct cond *c)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    bug_if(pthread_cond_init(&c->cond, &attributes));
    pthread_condattr_destroy(&attributes);
}

void cond_done(struct cond *c)
{
    pthread_cond_destroy(&c->cond);
}

void cond_wait(struct cond *c, struct lock *l)
{
    bug_if(pthread_cond_wait(&c->cond, &l->mutex));
}

void cond_wait_for(struct cond *c, struct lock *l, int64_t ns)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t total = (int64_t)until.tv_nsec + (ns > 0 ? ns : 0);
    until.tv_sec += (time_t)(total / NS_PER_S);
    until.tv_nsec = (long)(total % NS_PER_S);
    int result = pthread_cond_timedwait(&c->cond, &l->mutex, &until);
    bug_if(result && result != ETIMEDOUT);
}

void cond_signal(struct cond *c)
{
    pthread_cond_signal(&c->cond);
}

void cond_broadcast(struct cond *c)
{
    pthread_cond_broadcast(&c->cond);
}
