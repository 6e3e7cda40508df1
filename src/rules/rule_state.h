#pragma once
/* rules/rule_state.h -- one rule's states, as a pure function of the readings it is shown.
 *
 *              holds                     held for_ns, cooldown over
 *   IDLE ──────────────────> HOLDING ──────────────────────────────> FIRING   raise
 *     ^ <──── holds no more ────┘                                       │
 *     └───────────────────────── the clear condition ───────────────────┘     resolve
 *
 * S1  for_ns and the cooldown are measured with the readings' times: without a reading nothing
 *     happens, so a restart changes nothing. An alert is raised by the first reading that holds at
 *     or after since + for_ns.
 * S2  the clear condition is: the operator does not hold against the clear threshold (without one:
 *     against the threshold).
 * S3  a condition that goes on holding raises once. It raises again only after its alert was
 *     resolved, by itself or by a person, and its cooldown, counted from the raising, has ended.
 * S4  acknowledging an alert changes nothing here.
 * Threads: owner only.   Memory: values. */
#include "model/rule.h"

enum rule_step { RULE_STEP_NONE, RULE_STEP_RAISE, RULE_STEP_RESOLVE };

struct rule_condition {
    enum rule_operator op;
    double threshold, clear_threshold; /* equal without a clear threshold of its own */
    int64_t for_ns, cooldown_ns;
};
struct rule_state {
    enum rule_phase phase;
    int64_t since_ns;  /* it holds since; RULE_STATE_NEVER: the last reading did not hold */
    int64_t raised_ns; /* when it raised last; RULE_STATE_NEVER: not yet */
};
#define RULE_STATE_NEVER INT64_MIN

struct rule_condition rule_state_condition(const struct rule *rule);
/* at_ns: the time of the reading, or of its receipt when it claims to be from the future. */
enum rule_step rule_state_step(struct rule_state *s, const struct rule_condition *c, int64_t at_ns,
                               double value);
/* Values strictly between the two leave this state as it is, whatever their times; equal: none. */
void rule_state_quiet(const struct rule_state *s, const struct rule_condition *c, double *ret_above,
                      double *ret_below);
/* A person resolved the alert: what still holds goes on holding. */
void rule_state_resolved(struct rule_state *s);
