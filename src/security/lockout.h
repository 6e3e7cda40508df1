#pragma once
/* security/lockout.h -- failed logins, counted so that guessing does not pay.
 *
 *   pair       5 failures of an account from an address, none later than 30 minutes after the
 *              one before: that pair is locked for 30 minutes
 *   address    10 failures within a minute: refused for the rest of that minute
 *   account    the same, whatever the address
 *
 * L1  lockout_settle() decides after the password was checked: however many guesses ran in
 *     parallel, none succeeds once the limit is reached; a pair gets 5 answers, not more.
 * L2  an account is the login name as typed, lower case: unknown names lock like known ones.
 * L3  several nodes tell each other of every outcome (tell, lockout_hear), so what failed at one
 *     counts at all, a few milliseconds later: only guesses that run at several nodes in the same
 *     moment may get an answer each. A node that starts counts from there on.
 * L4  memory is fixed at birth: rows of 8 entries under a random key. A full row forgets what
 *     ends first among the unlocked, then among the locked.
 *
 * Threads: any.   Memory: 32 bytes an entry; no names, no addresses, only their keyed hashes. */
#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rnd.h"

enum { LOCKOUT_PAIR_FAILURES = 5 };

struct lockout_opts {
    const struct clock *clock; /* borrowed; its monotonic half: clock jumps unlock nothing */
    struct rnd *rnd;           /* used by lockout_new() only */
    unsigned failures;         /* 0 = 5 */
    int64_t lock_ns;           /* 0 = 30 minutes */
    unsigned per_minute;       /* 0 = 10 */
    size_t entries;            /* 0 = 8192 (256 KiB); rounded up to a power of two, 64 at least */
    /* One outcome, for lockout_hear() of the others: LOCKOUT_NEWS bytes, hashes of names. Without
     * the lock; never blocks. NULL: nobody else. */
    void (*tell)(void *ctx, struct bytes news);
    void *tell_ctx;
};
enum { LOCKOUT_NEWS = 33 };

struct lockout;
enum err lockout_new(struct lockout **ret, const struct lockout_opts *opts) MUST_CHECK;
void lockout_free(struct lockout *l);
/* LIVE key rate-limiting.auth-per-minute; 0 = no limit a minute. */
void lockout_set_per_minute(struct lockout *l, unsigned per_minute);

enum lockout_answer { LOCKOUT_FREE, LOCKOUT_PAIR, LOCKOUT_ADDRESS, LOCKOUT_ACCOUNT };
/* May this attempt go on? When not, *ret_wait_ns is how long to stay away. account may be empty:
 * only the address counts then. */
enum lockout_answer lockout_check(struct lockout *l, struct bytes account, struct bytes address,
                                  int64_t *ret_wait_ns);
/* The attempt's outcome. A success counts only when the answer is LOCKOUT_FREE; it then clears the
 * pair. A failure counts up; LOCKOUT_FREE: the attempt itself was within the limits. */
enum lockout_answer lockout_settle(struct lockout *l, struct bytes account, struct bytes address,
                                   bool success, int64_t *ret_wait_ns);
/* An outcome at another node. What is no news of this version is passed by. */
void lockout_hear(struct lockout *l, struct bytes news);
