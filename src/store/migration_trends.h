#pragma once
/* store/migration_trends.h -- how the server did, by minutes and by hours.
 * Threads: immutable. */
extern const char migration_trends_sql[];
