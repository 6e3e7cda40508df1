#pragma once
/* app/conf_tables_planned.h -- keys that are accepted and checked, and named once at start because
 * their part is not built yet; and the prefixes whose other keys are the JVM's.
 * Threads: immutable. */
#include "app/conf_section.h"

extern const struct conf_section conf_tables_planned_stores;
extern const struct conf_section conf_tables_jvm;
