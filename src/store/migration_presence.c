/* What was last told of a device: 0 nothing yet, 1 ONLINE, 2 OFFLINE; kept so that a restart tells
 * nothing twice. */
#include "store/migration_presence.h"

const char migration_presence_sql[] =
    "ALTER TABLE devices ADD COLUMN presence BIGINT NOT NULL DEFAULT 0;";
