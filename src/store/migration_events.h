#pragma once
/* store/migration_events.h -- the step that makes the audit trail one that nobody edits.
 * Threads: immutable. */

extern const char migration_events_sql[];
extern const char migration_events_postgres_sql[];
