/* What a rule may be (see rule_checks.h). */
#include "service/rule_checks.h"

#include "service/auth_rules.h"

#include <math.h>

static void apply_name(struct rule *rule, const struct rule_change *c, struct refusal *refusal)
{
    if (c->name.set) rule->name = bytes_trim(c->name.value);
    if (!rule->name.n || !auth_rules_is_text(rule->name, RULE_NAME_MAX))
        refusal_field(refusal, "name", "must have 1 to 255 printable characters");
    if (c->description.set) rule->description = c->description.value;
    if (rule->description.n && !auth_rules_is_text(rule->description, RULE_DESCRIPTION_MAX))
        refusal_field(refusal, "description", "may have 2000 printable characters at most");
}

static void apply_variable(struct rule *rule, const struct rule_change *c, struct refusal *refusal)
{
    if (c->variable.set) rule->variable = bytes_trim(c->variable.value);
    if (!rule->variable.n || !auth_rules_is_text(rule->variable, RULE_VARIABLE_MAX))
        refusal_field(refusal, "variable", "must have 1 to 100 printable characters");
}

static void apply_threshold(struct rule *rule, const struct rule_change *c, bool created,
                            struct refusal *refusal)
{
    if (c->op.set && !rule_operator_parse(c->op.value, &rule->op))
        refusal_field(refusal, "operator", "must be GT, GTE, LT, LTE or EQ");
    if (created && !c->op.set)
        refusal_field(refusal, "operator", "is missing: GT, GTE, LT, LTE or EQ");
    if (c->threshold.set) rule->threshold = c->threshold.value;
    if (isnan(rule->threshold)) refusal_field(refusal, "threshold", "must be a number");
    if (c->clear_threshold.set) {
        rule->has_clear_threshold = !isnan(c->clear_threshold.value);
        rule->clear_threshold = c->clear_threshold.value;
    }
}

static void check_clear(const struct rule *rule, struct refusal *refusal)
{
    if (!rule->has_clear_threshold || isnan(rule->threshold)) return;
    bool upward = rule->op == RULE_GT || rule->op == RULE_GTE;
    if (rule->op == RULE_EQ)
        refusal_field(refusal, "clearThreshold", "has no meaning with EQ");
    else if (upward && rule->clear_threshold > rule->threshold)
        refusal_field(refusal, "clearThreshold", "must not be above the threshold");
    else if (!upward && rule->clear_threshold < rule->threshold)
        refusal_field(refusal, "clearThreshold", "must not be below the threshold");
}

/* A length of time in units of `unit_ns`, 0 to max_ns. */
static void apply_span(int64_t *ns, const struct rule_number *given, int64_t unit_ns,
                       int64_t absent_ns, int64_t max_ns, const char *field, const char *why,
                       struct refusal *refusal)
{
    if (!given->set) return;
    *ns = absent_ns;
    if (isnan(given->value)) return;
    if (!(given->value >= 0 && given->value <= (double)(max_ns / unit_ns)))
        refusal_field(refusal, field, why);
    else
        *ns = (int64_t)llround(given->value * (double)unit_ns);
}

void rule_checks_apply(struct rule *rule, const struct rule_change *c, bool created,
                       struct refusal *refusal)
{
    apply_name(rule, c, refusal);
    apply_variable(rule, c, refusal);
    apply_threshold(rule, c, created, refusal);
    check_clear(rule, refusal);
    apply_span(&rule->for_ns, &c->for_s, NS_PER_S, 0, RULE_FOR_MAX_NS, "forSeconds",
               "must be between 0 and 604800", refusal);
    apply_span(&rule->cooldown_ns, &c->cooldown_minutes, NS_PER_MINUTE, RULE_COOLDOWN_NS,
               RULE_COOLDOWN_MAX_NS, "cooldownMinutes", "must be between 0 and 10080", refusal);
    if (c->enabled_set) rule->enabled = c->enabled;
}

bool rule_checks_same_condition(const struct rule *a, const struct rule *b)
{
    return a->op == b->op && a->threshold == b->threshold && a->for_ns == b->for_ns &&
           a->has_clear_threshold == b->has_clear_threshold &&
           (!a->has_clear_threshold || a->clear_threshold == b->clear_threshold);
}
