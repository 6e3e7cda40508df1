/* The operators of rules (see rule.h). */
#include "model/rule.h"

static const char *const names[RULE_OPERATORS] = {
    [RULE_GT] = "GT", [RULE_GTE] = "GTE", [RULE_LT] = "LT", [RULE_LTE] = "LTE", [RULE_EQ] = "EQ",
};

const char *rule_operator_name(enum rule_operator op)
{
    return names[op];
}

bool rule_operator_parse(struct bytes name, enum rule_operator *ret)
{
    for (int i = 0; i < RULE_OPERATORS; i++)
        if (bytes_is(name, names[i])) {
            *ret = (enum rule_operator)i;
            return true;
        }
    return false;
}

bool rule_operator_holds(enum rule_operator op, double value, double threshold)
{
    switch (op) {
    case RULE_GT:
        return value > threshold;
    case RULE_GTE:
        return value >= threshold;
    case RULE_LT:
        return value < threshold;
    case RULE_LTE:
        return value <= threshold;
    default:
        return value == threshold;
    }
}
