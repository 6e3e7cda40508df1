#pragma once
/* model/fleet_rule.h -- a condition on many devices at once: a number made of all devices of an
 * organisation, a tag or a group, looked at every so often.
 * Threads: a value.   Memory: strings are borrowed from the arena they were read into; an absent
 * one has p == NULL. */
#include "model/rule.h"

enum { FLEET_SELECTOR_VALUE_MAX = 100 };
enum fleet_selector { FLEET_ORGANIZATION, FLEET_TAG, FLEET_GROUP, FLEET_SELECTORS };
enum fleet_function {
    FLEET_COUNT_DEVICES,
    FLEET_COUNT_ONLINE,
    FLEET_COUNT_OFFLINE,
    FLEET_PERCENT_ONLINE,
    FLEET_SUM, /* from here on they need a variable */
    FLEET_AVG,
    FLEET_MIN,
    FLEET_MAX,
    FLEET_MEDIAN,
    FLEET_STDDEV,
    FLEET_PERCENTILE_95,
    FLEET_PERCENTILE_99,
    FLEET_RANGE,
    FLEET_FUNCTIONS
};

struct fleet_rule {
    int64_t id, org; /* id: internal; outside it is the uuid */
    struct uuid uuid;
    struct bytes name, description;
    enum fleet_selector selector;
    struct bytes selector_value; /* name of the tag, id of the group; else absent */
    enum fleet_function function;
    struct bytes variable; /* absent for functions that count devices */
    int64_t window_ns;     /* 0: newest values; else all readings of that long a past */
    enum rule_operator op;
    double threshold;
    bool enabled;
    int64_t interval_ns, cooldown_ns;
    int64_t evaluated_ns, triggered_ns; /* 0 = never */
    int64_t open_alert; /* of the alert it raised and that has not ended; 0 = none */
    int64_t created_ns, updated_ns;
};

static inline bool fleet_rule_needs_variable(enum fleet_function f)
{
    return f >= FLEET_SUM;
}
const char *fleet_rule_selector_name(enum fleet_selector s); /* "ORGANIZATION", … */
bool fleet_rule_parse_selector(struct bytes name, enum fleet_selector *ret); /* exact */
const char *fleet_rule_function_name(enum fleet_function f); /* "countDevices", … */
/* Any case, underscores ignored: the old platform said PERCENTILE_95. */
bool fleet_rule_parse_function(struct bytes name, enum fleet_function *ret);
