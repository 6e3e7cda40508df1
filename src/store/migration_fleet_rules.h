#pragma once
/* store/migration_fleet_rules.h -- rules over many devices, and what their alerts say beside
 * the usual.   Threads: immutable. */
extern const char migration_fleet_rules_sql[];
