#pragma once
/* rules/rule_message.h -- an alert of a rule as a sentence for people.
 * Threads: any.   Memory: the arena's. */
#include "base/arena.h"
#include "model/rule.h"

/* "Pump 1: temperature is 93.5, above 80"; p == NULL without memory. */
struct bytes rule_message(struct arena *a, const struct rule *rule, double value);
