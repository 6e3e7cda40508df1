#pragma once
/* net/mqtt_session.h -- what is kept of a client between its connections: subscriptions, QoS 2
 * messages that were taken and not yet released, messages sent and not yet acknowledged. In memory:
 * a restart forgets it, and tells the client so (session present 0).
 *
 *   join ──> owner ──(its connection is gone, nothing under way)──> away ──> expired
 *     └ another connection owns it: that one is told to end, the newcomer waits for the release
 *
 * H1  a session has one owner at a time, and one that waits; a third is refused as busy.
 * H2  what it holds is read and written by its owner's loop only; who owns it, by any, under the
 *     lock.
 * Threads: as H2.   Memory: MQTT_AWAY_MAX sessions without a connection at most, the one that left
 * first goes first; lists are bounded by the constants below. */
#include "base/map.h"
#include "net/loop.h"

struct mqtt_conn;

enum {
    MQTT_AWAY_MAX = 10000,
    MQTT_EXPIRY_MAX_S = 86400, /* a day, also for clean session 0 of 3.1.1 */
    MQTT_SUBSCRIPTIONS_MAX = 8,
    MQTT_HELD_MAX = 1024, /* QoS 2 ids of a 3.1.1 client, which knows no receive maximum */
    MQTT_SENT_MAX = 16,
    MQTT_CLIENT_ID_MAX = 256,
};

struct mqtt_subscription {
    char *topic; /* owned */
    uint8_t qos;
};
struct mqtt_sent {
    uint64_t tag;
    uint16_t id;
    bool now; /* sent on this connection */
};

struct mqtt_session {
    struct bytes key; /* scope and client id, behind the struct */
    struct mqtt_conn *owner, *waiter;
    struct mqtt_session *next, *prev; /* of the ones that are away */
    struct loop_task kick, grant;
    struct mqtt_sessions *sessions;
    bool kicking, away, forget; /* forget: its owner asked for no memory of it */
    uint32_t expiry_s;
    int64_t expires_ns;
    uint16_t next_id;
    uint16_t held_count, held_cap, sent_count, subscription_count;
    uint16_t *held;                 /* owned: QoS 2 ids taken */
    struct mqtt_sent *sent;         /* owned, MQTT_SENT_MAX of them */
    struct mqtt_subscription *subs; /* owned, MQTT_SUBSCRIPTIONS_MAX of them */
};

struct mqtt_sessions {
    struct lock lock;
    struct map map;
    struct mqtt_session *oldest, *newest; /* away */
    unsigned away;
    uint64_t taken_over;
    const struct clock *clock;
};

void mqtt_sessions_init(struct mqtt_sessions *all, const struct clock *clock, uint64_t seed);
void mqtt_sessions_done(struct mqtt_sessions *all);
/* For c, whose session it becomes, at once or through mqtt_packets_joined() later (c->waiting).
 * ERR_FULL: two others are at it; ERR_NOMEM. */
enum err mqtt_session_join(struct mqtt_sessions *all, struct mqtt_conn *c, int64_t scope,
                           struct bytes client_id, bool *ret_present) MUST_CHECK;
/* c is gone and nothing of it under way. False: it waits still, and the release must be asked
 * again when its turn has come. */
bool mqtt_session_release(struct mqtt_conn *c);

bool mqtt_session_holds(const struct mqtt_session *s, uint16_t id);
enum err mqtt_session_hold(struct mqtt_session *s, uint16_t id, unsigned max) MUST_CHECK;
bool mqtt_session_let_go(struct mqtt_session *s, uint16_t id); /* was it held? */
enum err mqtt_session_subscribe(struct mqtt_session *s, struct bytes topic, uint8_t qos) MUST_CHECK;
bool mqtt_session_unsubscribe(struct mqtt_session *s, struct bytes topic);
const struct mqtt_subscription *mqtt_session_find(const struct mqtt_session *s, struct bytes topic);
/* A packet id for the tag. *ret_again: it was sent before, under this id. ERR_FULL, ERR_EXISTS (it
 * is under way on this connection). */
enum err mqtt_session_send(struct mqtt_session *s, uint64_t tag, unsigned max, uint16_t *ret_id,
                           bool *ret_again) MUST_CHECK;
/* The client has it; false: no such id. */
bool mqtt_session_sent(struct mqtt_session *s, uint16_t id, uint64_t *ret_tag);
