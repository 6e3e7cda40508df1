/* One rule's states (see rule_state.h). */
#include "rules/rule_state.h"

#include "base/clock.h"

#include <math.h>

/* What a reading says, seen from the rule. */
enum input {
    CLEARS,  /* the clear condition */
    BETWEEN, /* neither: inside the hysteresis */
    HOLDS,   /* but not long enough, or too soon after the last alert */
    IS_DUE,  /* holds, and nothing stands against an alert */
    INPUTS
};

static const struct {
    enum rule_phase next;
    enum rule_step step;
} table[RULE_PHASES][INPUTS] = {
    [RULE_IDLE] = {[CLEARS] = {RULE_IDLE, RULE_STEP_NONE},
                   [BETWEEN] = {RULE_IDLE, RULE_STEP_NONE},
                   [HOLDS] = {RULE_HOLDING, RULE_STEP_NONE},
                   [IS_DUE] = {RULE_FIRING, RULE_STEP_RAISE}},
    [RULE_HOLDING] = {[CLEARS] = {RULE_IDLE, RULE_STEP_NONE},
                      [BETWEEN] = {RULE_IDLE, RULE_STEP_NONE},
                      [HOLDS] = {RULE_HOLDING, RULE_STEP_NONE},
                      [IS_DUE] = {RULE_FIRING, RULE_STEP_RAISE}},
    [RULE_FIRING] = {[CLEARS] = {RULE_IDLE, RULE_STEP_RESOLVE},
                     [BETWEEN] = {RULE_FIRING, RULE_STEP_NONE},
                     [HOLDS] = {RULE_FIRING, RULE_STEP_NONE},
                     [IS_DUE] = {RULE_FIRING, RULE_STEP_NONE}},
};

struct rule_condition rule_state_condition(const struct rule *rule)
{
    return (struct rule_condition){
        .op = rule->op,
        .threshold = rule->threshold,
        .clear_threshold = rule->has_clear_threshold ? rule->clear_threshold : rule->threshold,
        .for_ns = rule->for_ns,
        .cooldown_ns = rule->cooldown_ns,
    };
}

static enum input input_of(struct rule_state *s, const struct rule_condition *c, int64_t at_ns,
                           double value)
{
    if (!rule_operator_holds(c->op, value, c->threshold)) {
        s->since_ns = RULE_STATE_NEVER;
        return rule_operator_holds(c->op, value, c->clear_threshold) ? BETWEEN : CLEARS; /* S2 */
    }
    if (s->since_ns == RULE_STATE_NEVER) s->since_ns = at_ns;
    /* without a time to wait it does not matter that a wrong clock was judged as of its receipt */
    bool held = !c->for_ns || at_ns >= clock_add(s->since_ns, c->for_ns);
    bool cold = !c->cooldown_ns || s->raised_ns == RULE_STATE_NEVER ||
                at_ns >= clock_add(s->raised_ns, c->cooldown_ns);
    return held && cold ? IS_DUE : HOLDS;
}

enum rule_step rule_state_step(struct rule_state *s, const struct rule_condition *c, int64_t at_ns,
                               double value)
{
    enum input input = input_of(s, c, at_ns, value);
    enum rule_step step = table[s->phase][input].step;
    s->phase = table[s->phase][input].next;
    if (step == RULE_STEP_RAISE) s->raised_ns = at_ns;
    return step;
}

void rule_state_quiet(const struct rule_state *s, const struct rule_condition *c, double *ret_above,
                      double *ret_below)
{
    const double t = c->threshold, up = nextafter(t, INFINITY), down = nextafter(t, -INFINITY);
    const double range[RULE_OPERATORS][2][2] = {
        /* does not hold          holds */
        [RULE_GT] = {{-INFINITY, up}, {t, INFINITY}},
        [RULE_GTE] = {{-INFINITY, t}, {down, INFINITY}},
        [RULE_LT] = {{down, INFINITY}, {-INFINITY, t}},
        [RULE_LTE] = {{t, INFINITY}, {-INFINITY, up}},
        [RULE_EQ] = {{0, 0}, {0, 0}},
    };
    bool firing = s->phase == RULE_FIRING && s->since_ns != RULE_STATE_NEVER;
    bool quiet = firing || (s->phase == RULE_IDLE && s->since_ns == RULE_STATE_NEVER);
    *ret_above = quiet ? range[c->op][firing][0] : 0;
    *ret_below = quiet ? range[c->op][firing][1] : 0;
}

void rule_state_resolved(struct rule_state *s)
{
    if (s->phase != RULE_FIRING) return;
    s->phase = s->since_ns == RULE_STATE_NEVER ? RULE_IDLE : RULE_HOLDING; /* keeps S3 */
}
