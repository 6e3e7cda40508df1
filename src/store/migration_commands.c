/* Commands of devices (see model/command.h). What has not ended is found by an index of its own, so
 * that neither a poll nor the expiry walks what has. */
#include "store/migration_commands.h"

const char migration_commands_sql[] =
    "CREATE TABLE commands ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " org BIGINT NOT NULL,"
    " device BIGINT NOT NULL,"
    " name TEXT NOT NULL,"
    " payload TEXT,"
    " state BIGINT NOT NULL DEFAULT 0,"
    " requested_by TEXT,"
    " created_ns BIGINT NOT NULL,"
    " expires_ns BIGINT NOT NULL,"
    " sent_ns BIGINT NOT NULL DEFAULT 0,"
    " ended_ns BIGINT NOT NULL DEFAULT 0,"
    " FOREIGN KEY (org, device) REFERENCES devices (org, id));"
    "CREATE INDEX commands_device ON commands (org, device, id);"
    "CREATE INDEX commands_waiting ON commands (org, device, id) WHERE ended_ns = 0;"
    "CREATE INDEX commands_expiry ON commands (expires_ns) WHERE ended_ns = 0;"
    "CREATE INDEX commands_ended ON commands (ended_ns) WHERE ended_ns <> 0;";
