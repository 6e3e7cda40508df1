#pragma once
/* store/postgres/migration_analytics.h -- materialized views of what an installation does; the .c
 * file says which, postgres_analytics.h who refreshes and reads them.   Threads: immutable. */
extern const char migration_analytics_sql[];
