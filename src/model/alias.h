#pragma once
/* model/alias.h -- two names of one variable: the smart meters of the earlier platform sent
 * kwConsumption and powerFactor, its database had kw_consumption and power_factor. A variable is
 * looked for by its exact name first, then by its alias.   Threads: any. */
#include "base/bytes.h"

/* The other name; p == NULL for a name that has none. */
struct bytes alias_of(struct bytes name);
