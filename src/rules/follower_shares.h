#pragma once
/* rules/follower_shares.h -- how much of the followers' thread each organisation gets.
 *
 *   tap ── reading ──> has its organisation credit? ── judged, and charged what it cost
 *                                  └─ no: the follower is behind, the store keeps the rest for it
 *   line of organisations with followers that are behind ── a slice each, in turn ──> the store
 *
 * A1  a round gives every organisation the same credit; whoever has used it up waits for a later
 *     one, and nobody else waits for them longer than a slice.
 * A2  what waits is in the store, behind the position of its follower: no memory is kept for it,
 *     and nothing is lost or judged twice (F1, F2 in followers.h).
 * A3  the followers of one organisation are in line too: one that flips all the time does not keep
 *     the organisation's others from being judged.
 * Threads: the followers' thread.   Memory: shares are owned here, followers borrowed. */
#include "base/err.h"
#include "base/map.h"

struct follower;

/* In units of about ten nanoseconds: what a round or a slice may cost, and what takes how much. */
#define FOLLOWER_SHARES_CREDIT INT64_C(10000000)
enum {
    FOLLOWER_SHARES_STEP = 100000,    /* an alert begins or ends: 100 of them are a slice */
    FOLLOWER_SHARES_LOOKED = 500,     /* is anything of a series newer? */
    FOLLOWER_SHARES_READ = 50000,     /* asking the store for a series */
    FOLLOWER_SHARES_REPLAYED = 50,    /* a reading of it */
    FOLLOWER_SHARES_FAILED = 1000000, /* the store could not be read */
};

struct follower_share {
    uint64_t org;
    size_t followers;
    int64_t credit;
    uint64_t round;                /* in which the credit was given */
    struct follower *first, *last; /* of those that are behind */
    struct follower_share *next, *previous;
};

struct follower_shares {
    struct map of; /* org -> struct follower_share */
    uint64_t round;
    size_t behind; /* followers in line */
    struct follower_share *first, *last;
};

void follower_shares_init(struct follower_shares *x);
void follower_shares_done(struct follower_shares *x);

/* A follower of the organisation comes; *ret stays until as many have left. */
enum err follower_shares_join(struct follower_shares *x, int64_t org,
                              struct follower_share **ret) MUST_CHECK;
void follower_shares_leave(struct follower_shares *x, struct follower *f);
/* With this round's credit; NULL: nothing of that organisation follows. */
struct follower_share *follower_shares_find(struct follower_shares *x, int64_t org);

/* To the end of its organisation's line, if it has a series and is not in it. */
void follower_shares_fall_behind(struct follower_shares *x, struct follower *f);
void follower_shares_catch_up(struct follower_shares *x, struct follower *f);
/* Whose slice it is, with a slice's credit, and at the end of the line from now on; NULL: nobody is
 * behind. */
struct follower_share *follower_shares_turn(struct follower_shares *x);
