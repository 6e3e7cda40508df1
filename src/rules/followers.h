#pragma once
/* rules/followers.h -- shows every durable reading to whoever follows its series, once, in spite of
 * overload, restarts and crashes.
 *
 *   tap ── set ──────────────> judge ──┐
 *   tap ── gap (sets dropped)          ├──> settle: what followed is committed
 *   start, new follower  ──> behind ───┘
 *                              └── reads the store from its position, then is no longer behind
 *
 * F1  a reading is judged only after it is durable, and never before an older one of its series
 *     that the follower has not missed for good by being late (rules/event_time.h).
 * F2  a follower that is behind is shown nothing by the tap before it has read the store.
 * F3  settle() fails: it is tried again until it succeeds or the server stops, and nothing else is
 *     judged meanwhile. The tap's queue then drops, which makes a gap: memory is bounded.
 * F4  nothing is forgotten by a stop: what was not saved is judged again after the start.
 * Threads: on_records, on_gap, on_idle and all calls of a client on one thread, the tap's, which
 * blocks on the catalog and the store; the rest any.   Memory: owns no follower. */
#include "rules/follower_index.h"
#include "store/registry.h"
#include "store/telemetry.h"

struct record_set;

/* A part that keeps followers: rules, synthetic variables. All on the followers' thread. */
struct followers_client {
    void *ctx;
    /* Adds its followers; called first, again after a failure, and again when so much changed at
     * once that single names were lost: then it compares with what it has. */
    enum err (*load)(void *ctx);
    /* What stands under this id was made, changed or deleted. */
    enum err (*changed)(void *ctx, int64_t org, int64_t id);
    /* Commits what judging caused. now false: it may wait for more. */
    enum err (*settle)(void *ctx, bool now);
    /* Saves positions; every FOLLOWERS_SAVE_NS and at the end, always settled before. */
    enum err (*save)(void *ctx);
    /* Drops its followers, and what judging caused and was not settled: another server goes on
     * from what is saved. NULL: it is never asked to. */
    void (*forget)(void *ctx);
};
enum { FOLLOWERS_CLIENTS_MAX = 4 };
#define FOLLOWERS_SAVE_NS (30 * NS_PER_S)

struct followers_opts {
    struct registry *registry; /* borrowed, as the rest */
    struct telemetry *telemetry;
    const struct clock *clock;
};

struct followers;
enum err followers_new(struct followers **ret, const struct followers_opts *opts) MUST_CHECK;
/* Before the first reading. Gives the client's number. */
unsigned followers_add_client(struct followers *f, const struct followers_client *client);
/* wake: makes the thread call on_idle() soon. Before the first followers_changed(). */
void followers_set_waker(struct followers *f, void (*wake)(void *ctx), void *ctx);

/* What the tap calls. */
bool followers_watches(void *followers, int64_t org); /* any thread */
void followers_on_records(void *followers, const struct record_set *set);
void followers_on_gap(void *followers);
void followers_on_idle(void *followers);

/* Any thread, never blocks, never fails: see followers_client.changed. id 0: compare everything. */
void followers_changed(struct followers *f, unsigned client, int64_t org, int64_t id);
/* Any thread. leads false: followers are forgotten and nothing is judged, because another server
 * does; true, which it is at first: all clients load, as at a start. */
void followers_lead(struct followers *f, bool leads);
/* Any thread. Readings were missed that are older than some that were judged (another server wrote
 * them and died before it could tell): all clients forget and load, and judge again from what they
 * saved. Nothing, while another server leads. */
void followers_again(struct followers *f);
/* Nothing is tried again any more; the thread ends as soon as its queue is empty. */
void followers_stop(struct followers *f);
void followers_free(struct followers *f); /* after the thread; NULL is fine */

struct followers_stats {
    uint64_t judged, replays, settle_failures; /* readings; reads of the store; */
    size_t count, behind;
};
void followers_read_stats(struct followers *f, struct followers_stats *ret);

/* --- for clients, on their thread ------------------------------------------------------------- */
/* Looks up f->variable and adds it, behind, so that it reads the store first. */
enum err followers_add(struct followers *fs, struct follower *f) MUST_CHECK;
void followers_remove(struct followers *fs, struct follower *f);
/* settle(now) of every client until it succeeds; false: the server stops and it did not. */
bool followers_settle(struct followers *fs);
