#pragma once
/* store/migration_dashboards.h -- the schema of dashboards, widgets and shares, one step of
 * migrations.c.   Threads: immutable. */
extern const char migration_dashboards_sql[];
