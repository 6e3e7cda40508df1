#pragma once
/* store/postgres/migration_cleanup.h -- functions of the database that make partitions of readings
 * and remove what has become old; the .c file says which.   Threads: immutable. */
extern const char migration_cleanup_sql[];
