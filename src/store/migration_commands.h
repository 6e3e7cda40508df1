#pragma once
/* store/migration_commands.h -- the schema step that makes the commands of devices.
 * Threads: immutable. */
extern const char migration_commands_sql[];
