/* When the place of a device was last said, for pages that show how old it is. */
#include "store/migration_located.h"

const char migration_located_sql[] =
    "ALTER TABLE devices ADD COLUMN located_ns BIGINT NOT NULL DEFAULT 0;";
