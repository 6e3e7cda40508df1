#pragma once
/* store/migration_labels.h -- the schema step that makes tags and groups.
 * Threads: immutable. */
extern const char migration_labels_sql[];
