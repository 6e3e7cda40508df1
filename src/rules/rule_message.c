/* The sentence of an alert (see rule_message.h). */
#include "rules/rule_message.h"

#include "base/clock.h"
#include "codec/number.h"

static const char *const words[RULE_OPERATORS] = {
    [RULE_GT] = "above",        [RULE_GTE] = "at or above", [RULE_LT] = "below",
    [RULE_LTE] = "at or below", [RULE_EQ] = "equal to",
};

struct bytes rule_message(struct arena *a, const struct rule *rule, double value)
{
    char is[NUMBER_TEXT_MAX], limit[NUMBER_TEXT_MAX];
    struct bytes device = rule->device_name.n ? rule->device_name : rule->device_external_id;
    int is_n = (int)number_format(value, is), limit_n = (int)number_format(rule->threshold, limit);
    const char *text = arena_printf(a, "%.*s: %.*s is %.*s, %s %.*s", (int)device.n, device.p,
                                    (int)rule->variable.n, rule->variable.p, is_n, is,
                                    words[rule->op], limit_n, limit);
    long long held_s = rule->for_ns / NS_PER_S;
    if (text && held_s) text = arena_printf(a, "%s for at least %lld s", text, held_s);
    return bytes_str(text);
}
