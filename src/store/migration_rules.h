#pragma once
/* store/migration_rules.h -- rules on variables, where each stands, and the alerts of everything
 * that raises some.   Threads: immutable. */
extern const char migration_rules_sql[];
