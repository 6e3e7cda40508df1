#pragma once
/* model/alert.h -- a rule's condition began to hold, and perhaps has ended since.
 * Threads: a value.   Memory: strings are borrowed from the arena they were read into; an absent
 * one has p == NULL. */
#include "base/bytes.h"
#include "model/uuid.h"

#include <stdbool.h>

enum alert_severity { ALERT_LOW, ALERT_MEDIUM, ALERT_HIGH, ALERT_CRITICAL, ALERT_SEVERITIES };
/* "LOW", …; never NULL for a member of the enum. */
static inline const char *alert_severity_name(enum alert_severity s)
{
    static const char *const names[] = {"LOW", "MEDIUM", "HIGH", "CRITICAL"};
    return (unsigned)s < ALERT_SEVERITIES ? names[s] : "LOW";
}
/* The severity of that name; false when there is none. */
static inline bool alert_severity_parse(struct bytes name, enum alert_severity *ret)
{
    for (unsigned s = 0; s < ALERT_SEVERITIES; s++) {
        if (!bytes_is(name, alert_severity_name((enum alert_severity)s))) continue;
        *ret = (enum alert_severity)s;
        return true;
    }
    return false;
}
enum alert_source {
    ALERT_OF_RULE,
    ALERT_OF_FLEET_RULE,
    ALERT_OF_THRESHOLD /* of the server itself: an enum threshold_id + 1 stands for its rule */
};
enum alert_change { ALERT_RAISED, ALERT_ACKNOWLEDGED, ALERT_RESOLVED };

struct alert {
    int64_t id, org; /* id: internal, in order of raising; outside it is the uuid */
    struct uuid uuid;
    enum alert_source source;
    int64_t rule;                                 /* internal key of the rule or fleet rule */
    struct uuid rule_uuid;                        /* out: of that rule */
    struct bytes rule_name;                       /* as it was when the alert was raised */
    int64_t device;                               /* 0: of a fleet rule */
    struct bytes device_external_id, device_name; /* as they were then */
    struct bytes variable;
    struct bytes message; /* a sentence for people */
    enum alert_severity severity;
    double triggered_value;
    int64_t raised_ns;       /* time of the reading that raised it */
    int64_t acknowledged_ns; /* 0 = not yet */
    int64_t acknowledged_by; /* user; 0 = nobody */
    int64_t resolved_ns;     /* 0 = open */
    int64_t resolved_by;     /* user; 0 with resolved_ns: by itself */
};
