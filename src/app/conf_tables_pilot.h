#pragma once
/* app/conf_tables_pilot.h -- keys of the pilot mode and of rate limits: how much an installation,
 * an organisation, a user or a device may have or use, and which features are on.
 * Threads: immutable. */
#include "app/conf_section.h"

extern const struct conf_section conf_tables_pilot;
