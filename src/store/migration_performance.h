#pragma once
/* store/migration_performance.h -- see migrations.c.   Threads: immutable. */

extern const char migration_performance_sql[], migration_performance_postgres_sql[];
