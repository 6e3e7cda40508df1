#pragma once
/* rules/notify_send.h -- one attempt to deliver, and what follows from how it went. The network is
 * handed in, so that this folder has none; so are time and chance.
 *
 *   pending ── sent (2xx, mail taken) ─────────────────────────────> SENT
 *      ^ └──── refused for good, or too often, or too late ────────> FAILED, with the reason
 *      └────── anything else: wait retry × 2^(attempts-1), half of it by chance; 1 hour at most
 *
 * Threads: any.   Memory: borrowed for the call. */
#include "rules/notify_outbox.h"

struct notify_answer {
    enum notify_verdict {
        NOTIFY_DELIVERED,
        NOTIFY_TRY_AGAIN,
        NOTIFY_GIVE_UP, /* another attempt would end the same */
    } verdict;
    int status;             /* HTTP or SMTP, 0 = none */
    int64_t retry_after_ns; /* the receiver asked for at least that; 0 = it did not */
    int64_t took_ns;
    char why[200]; /* unless delivered; no secrets */
};

struct notify_http {
    const char *url;
    const char *const *headers; /* ends with NULL */
    struct bytes body;
    bool public_only;
    int64_t timeout_ns;
};
struct notify_letter {
    struct bytes to, message; /* message: RFC 5322 */
    int64_t timeout_ns;
};
/* Fill verdict, status, retry_after_ns and why. */
struct notify_transport {
    void *ctx;
    void (*http)(void *ctx, const struct notify_http *request, struct notify_answer *ret);
    void (*mail)(void *ctx, const struct notify_letter *letter, struct notify_answer *ret);
    void (*cut)(void *ctx); /* attempts under way end soon, from now on; may be NULL */
};

enum { NOTIFY_HEADERS = 8 };
#define NOTIFY_WAIT_MAX_NS NS_PER_HOUR        /* between two attempts */
#define NOTIFY_AGE_MAX_NS  (24 * NS_PER_HOUR) /* older than that is not tried again */

/* Looks up where n goes (in a transaction of its own) and sends it. n->payload is the body. */
void notify_send(const struct notify_outbox *o, struct sql_db *db,
                 const struct notify_transport *transport, const struct notification *n,
                 struct notify_answer *ret);
/* How long to wait after this many attempts. */
int64_t notify_send_wait_ns(int64_t attempts, int64_t retry_ns, struct rnd *rnd);
/* Puts the outcome into n: state, attempts, status, error, next_ns, ended_ns. */
void notify_send_settle(const struct notify_outbox *o, struct notification *n,
                        const struct notify_answer *answer, int64_t now_ns);
