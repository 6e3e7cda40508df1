#pragma once
/* store/migration_presence.h -- devices: the status that was last told (DEVICE_OFFLINE events).
 * Threads: immutable. */
extern const char migration_presence_sql[];
