#pragma once
/* model/command.h -- something a person wants a device to do, from the wish to its end.
 *
 *   queued ──> sent ──> delivered          sent: on its way over a transport that acknowledges
 *     └──────────┴────> expired
 *
 * Threads: a value.   Memory: strings are borrowed from the arena they were read into. */
#include "base/bytes.h"

enum command_state {
    COMMAND_QUEUED,
    COMMAND_SENT,
    COMMAND_DELIVERED,
    COMMAND_EXPIRED,
    COMMAND_STATES
};

enum { COMMAND_NAME_MAX = 100, COMMAND_PAYLOAD_MAX = 8 * 1024 };

/* "queued", …; never NULL for a member of the enum. */
static inline const char *command_state_name(enum command_state s)
{
    static const char *const names[] = {"queued", "sent", "delivered", "expired"};
    return (unsigned)s < COMMAND_STATES ? names[s] : "queued";
}

struct command {
    int64_t id, org, device;
    struct bytes name;    /* "toggle" */
    struct bytes payload; /* a JSON value as text; p == NULL: none */
    enum command_state state;
    struct bytes requested_by; /* "user:ada" */
    int64_t created_ns, expires_ns;
    int64_t sent_ns, ended_ns; /* 0 = not yet */
};
