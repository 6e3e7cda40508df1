#pragma once
/* rules/notifier.h -- takes what is owed from the outbox and sends it, a few at a time.
 *
 *   outbox rows ──due, one per receiver──> notify-N (a few threads) ──> transport
 *        ^  attempts, next time, or the end ──┘      ^
 *   test button ── notifier_try() ── bounded queue ──┘──> done()
 *
 * F1  a delivery is only marked when its outcome is known: after a crash it goes out again, with
 *     the same id. What cannot be marked (disk full) is not sent again before it could be.
 * F2  one receiver at a time gets one delivery, an organisation half of the threads at most; a
 *     failure puts off all that waits for the same receiver: nobody's dead end holds up the others.
 * Threads: notifier_wake() and notifier_try() any, never blocking; the rest its owner. */
#include "rules/notify_send.h"

enum { NOTIFIER_THREADS_MAX = 8, NOTIFIER_TRIES_MAX = 16, NOTIFIER_ORG_TRIES = 2 };

struct notifier_opts {
    struct notify_outbox *outbox; /* borrowed */
    struct sql_db *db;            /* borrowed */
    struct notify_transport transport;
    unsigned threads; /* 1 to NOTIFIER_THREADS_MAX */
    /* Told of each delivery that was given up, and of a catalog that does not answer (n == NULL);
     * from a thread of the notifier. May be NULL. */
    void (*report)(void *ctx, const struct notification *n, const char *why);
    void *report_ctx;
};

struct notifier;
enum err notifier_new(struct notifier **ret, const struct notifier_opts *opts) MUST_CHECK;
/* Attempts under way are cut short and stay owed, tries that wait end with NOTIFY_TRY_AGAIN, the
 * threads end; from then on nothing is taken. NULL is fine, twice too. */
void notifier_stop(struct notifier *n);
void notifier_free(struct notifier *n); /* stops first; NULL is fine */
/* Another server takes what is owed; what is tried by hand goes on. Attempts under way end. */
void notifier_pause(struct notifier *n, bool pause); /* NULL is fine */
void notifier_wake(void *n);                         /* fits notify_outbox.wake */

/* One attempt right now, with its result; no retry. It ends as a line of the log. */
struct notifier_try {
    struct notification n; /* filled by the caller, borrowed until done() */
    void (*done)(struct notifier_try *t, const struct notify_answer *answer);
    void *user;
    struct notifier_try *next; /* the notifier's */
};
/* ERR_FULL: 16 are waiting, or 2 of this organisation. ERR_CLOSED: it was stopped. */
enum err notifier_try(struct notifier *n, struct notifier_try *t) MUST_CHECK;

struct notifier_stats {
    uint64_t delivered, retried, failed;
};
struct notifier_stats notifier_read_stats(struct notifier *n); /* NULL: zeros */
