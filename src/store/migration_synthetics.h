#pragma once
/* store/migration_synthetics.h -- the schema step that makes synthetic variables.
 * Threads: immutable. */
extern const char migration_synthetics_sql[];
