#pragma once
/* model/actor.h -- who did it, from where, in which request: what every event says beside what
 * happened.   Threads: a value.   Memory: borrowed from the request. */
#include "base/bytes.h"

struct actor {
    struct bytes name;    /* "user:admin", "device:pump-1", "system"; empty: "anonymous" */
    int64_t org, user;    /* 0 = none */
    struct bytes session; /* of a JWT, else empty */
    bool by_key;          /* came with an API key instead of a login */
    struct bytes address, request_id;
};
