#pragma once
/* service/device_rules.h -- what a device's words and places may be. Every wrong field is named.
 * Threads: any (values). */
#include "model/device.h"
#include "model/variable.h"
#include "service/refusal.h"

void device_rules_check(const struct device *d, struct refusal *refusal);
void device_rules_check_variable(const struct variable *v, struct refusal *refusal);
