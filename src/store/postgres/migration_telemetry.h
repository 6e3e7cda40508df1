#pragma once
/* store/postgres/migration_telemetry.h -- the tables of readings on PostgreSQL; README.md beside it
 * says what they hold.   Threads: immutable. */
extern const char migration_telemetry_sql[];
