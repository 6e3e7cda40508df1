#pragma once
/* store/migration_located.h -- devices: when somebody last said where they are.
 * Threads: immutable. */
extern const char migration_located_sql[];
