#pragma once
/* model/rule.h -- a condition on one variable of one device.
 *
 *   holds from t0 ── for_ns later ──> alert ── clear condition ──> resolved ── cooldown ──> again
 *
 * Threads: a value.   Memory: strings are borrowed from the arena they were read into; an absent
 * one has p == NULL. */
#include "base/bytes.h"
#include "model/uuid.h"

#include <stdbool.h>

enum { RULE_NAME_MAX = 255, RULE_DESCRIPTION_MAX = 2000 };
enum rule_operator { RULE_GT, RULE_GTE, RULE_LT, RULE_LTE, RULE_EQ, RULE_OPERATORS };
const char *rule_operator_name(enum rule_operator op);                /* "GT", … */
bool rule_operator_parse(struct bytes name, enum rule_operator *ret); /* exact */
bool rule_operator_holds(enum rule_operator op, double value, double threshold);

struct rule {
    int64_t id, org; /* id: internal; outside it is the uuid */
    struct uuid uuid;
    struct bytes name, description;
    int64_t device;
    struct bytes device_external_id, device_name; /* out only: of `device` */
    struct bytes variable;                        /* its series may not exist yet */
    enum rule_operator op;
    double threshold;
    bool enabled;
    int64_t for_ns; /* how long it has to hold, by the readings' times; 0 = at once */
    bool has_clear_threshold;
    double clear_threshold; /* resolves only past this one (hysteresis) */
    int64_t cooldown_ns;    /* after an alert was raised, none is raised for this long */
    int64_t created_ns, updated_ns;
};

enum rule_phase { RULE_IDLE, RULE_HOLDING, RULE_FIRING, RULE_PHASES };

/* Where a rule stands: what survives a restart (rules/rule_state.h, rules/event_time.h). Saved
 * together with the alerts it raised. */
struct rule_progress {
    enum rule_phase phase;
    int64_t since_ns;  /* the condition holds since; INT64_MIN = it does not */
    int64_t raised_ns; /* of the newest alert, for the cooldown; INT64_MIN = none yet */
    int64_t position_ns, ahead_from_ns, ahead_to_ns; /* rules/event_time.h */
    int64_t alert; /* internal key of the newest alert, 0 = none */
    int64_t epoch; /* counts the times that somebody else than the engine wrote it */
};
