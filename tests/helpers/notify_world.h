#pragma once
/* tests/helpers/notify_world.h -- an outbox on a real catalog, alerts to tell of, and a transport
 * whose answers the test decides. Sends are kept in order.   Threads: the transport any, the rest
 * one test. */
#include "rules/notifier.h"
#include "service_world.h"

#include <pthread.h>

enum { NOTIFY_WORLD_SENDS = 64 };

struct notify_send_seen {
    char to[300], delivery[64], body[2048];
};
struct notify_world {
    struct service_world *w;
    struct notify_outbox outbox;
    struct alerts_hook hook;
    struct notify_transport transport;
    int64_t org, user;
    pthread_mutex_t mutex;
    struct notify_send_seen sends[NOTIFY_WORLD_SENDS];
    int count;
    struct notify_answer next; /* what every send answers */
    char block_on[300];        /* sends to this receiver wait until it is cleared, or the cut */
    bool cut;
};
void notify_world_open(struct notify_world *n, struct service_world *w);
void notify_world_close(struct notify_world *n);
/* The alert and its hook in a transaction of their own, committed or not. */
struct alert notify_world_alert(struct notify_world *n, enum alert_severity severity);
enum err notify_world_tell(struct notify_world *n, const struct alert *a, enum alert_change change,
                           bool commit);
int64_t notify_world_webhook(struct notify_world *n, const char *url, enum alert_severity min,
                             unsigned changes);
/* All rows of the organisation, newest first, in w->arena. */
size_t notify_world_rows(struct notify_world *n, struct notification **ret);
int notify_world_count(struct notify_world *n); /* sends so far */
/* Polls until that many were sent; fails the test after 10 s. */
void notify_world_wait(struct notify_world *n, int sends);
/* Polls until no row is pending. */
void notify_world_settled(struct notify_world *n);
