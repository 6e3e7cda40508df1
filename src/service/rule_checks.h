#pragma once
/* service/rule_checks.h -- from what was said to a rule that can be: every wrong field is named.
 * Threads: any (values).   Memory: strings are borrowed from the change. */
#include "service/rule_service.h"

/* Puts the change on top of *rule; the device is left to who can look it up. created: everything
 * that has to be there is asked for. */
void rule_checks_apply(struct rule *rule, const struct rule_change *change, bool created,
                       struct refusal *refusal);
/* Would the same readings make another alert of it? */
bool rule_checks_same_condition(const struct rule *a, const struct rule *b);
