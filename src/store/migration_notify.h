#pragma once
/* store/migration_notify.h -- the schema of notifications.   Threads: immutable. */
extern const char migration_notify_sql[];
