/* How the server did. Of the installation, so without an organisation. A figure that nothing was
 * measured for in that time is NULL, not 0. */
#include "store/migration_trends.h"

const char migration_trends_sql[] = "CREATE TABLE performance_trends ("
                                    " step_s BIGINT NOT NULL," /* 60 or 3600 */
                                    " at_ns BIGINT NOT NULL,"  /* the beginning of the step */
                                    " samples BIGINT NOT NULL,"
                                    " database_ms DOUBLE PRECISION,"
                                    " response_ms DOUBLE PRECISION,"
                                    " cache_hit_ratio DOUBLE PRECISION,"
                                    " memory_ratio DOUBLE PRECISION,"
                                    " points_per_s DOUBLE PRECISION,"
                                    " disk_bytes DOUBLE PRECISION,"
                                    " PRIMARY KEY (step_s, at_ns));";
