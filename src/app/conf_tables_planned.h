#pragma once
/* app/conf_tables_planned.h -- the prefixes whose other keys are the JVM's: listed once as ignored.
 * Threads: immutable. */
#include "app/conf_section.h"

extern const struct conf_section conf_tables_jvm;
