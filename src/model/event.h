#pragma once
/* model/event.h -- something that happened: the audit trail. Written once, never changed.
 * Threads: a value.   Memory: strings are borrowed from the arena they were read into; an absent
 * one has p == NULL. */
#include "base/bytes.h"

enum event_severity { EVENT_INFO, EVENT_WARNING, EVENT_ERROR, EVENT_CRITICAL, EVENT_SEVERITIES };

/* "INFO", …; never NULL for a member of the enum. */
static inline const char *event_severity_name(enum event_severity s)
{
    static const char *const names[] = {"INFO", "WARNING", "ERROR", "CRITICAL"};
    return (unsigned)s < EVENT_SEVERITIES ? names[s] : "INFO";
}

struct event {
    int64_t id, org;
    struct bytes type; /* "DEVICE_CREATED" */
    enum event_severity severity;
    struct bytes entity_type, entity_id;
    struct bytes title, description;
    struct bytes metadata;    /* a JSON object as text */
    int64_t user, device;     /* whom it is about or who did it; 0 = none */
    struct bytes device_name; /* out only: external id of `device` */
    struct bytes actor;       /* who did it, in words: "user:admin", "device:pump-1", "system" */
    struct bytes address;     /* where the request came from */
    struct bytes request_id;
    int64_t created_ns;
};
