#pragma once
/* app/conf_tables_planned.h -- keys that are accepted and checked, and named once at start because
 * their part is not built yet; and the prefixes whose other keys are the JVM's.
 * Threads: immutable. */
#include "conf/conf.h"

enum { CONF_TABLES_PLANNED_STORES = 9, CONF_TABLES_PLANNED_PARTS = 21, CONF_TABLES_JVM = 7 };
extern const struct conf_entry conf_tables_planned_stores[CONF_TABLES_PLANNED_STORES];
extern const struct conf_entry conf_tables_planned_parts[CONF_TABLES_PLANNED_PARTS];
extern const struct conf_entry conf_tables_jvm[CONF_TABLES_JVM];
