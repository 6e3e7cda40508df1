#pragma once
/* api/live_internal.h -- what live_api.c and live_frames.c share.
 * Threads: fields of a session under the hub's lock.   Memory: owned by the hub. */
#include "api/live_api.h"
#include "net/websocket.h"
#include "store/registry.h"
#include "sys/lock.h"

struct live_session {
    struct live_session *next;
    struct live_hub *hub;
    struct websocket *ws; /* set while open */
    struct principal who;
    struct reg_device **devices; /* subscribed; room for LIVE_SUBSCRIPTIONS_MAX, or NULL */
    size_t device_count;
    bool counted;        /* has one of the places there are; under the hub's lock */
    int64_t checked_ns;  /* when its credential was last found valid */
    const char *refusal; /* not NULL: close at once with this */
    uint16_t refusal_code;
};

struct live_hub {
    struct app *app;
    struct lock lock; /* guards sessions and who has a place */
    struct live_session *sessions;
    /* places taken, by handshakes under way too; written under the lock */
    _Atomic size_t session_count;
};

/* The device is in the scope of the session's credential. */
bool live_session_may_see(const struct live_session *s, const struct reg_device *d);
