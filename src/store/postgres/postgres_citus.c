/* Citus (12 or later): readings and hourly sums are spread over its servers by device, side by side
 * (colocated), so that summing an hour up and a query of a device are the work of one server. What
 * every server needs for that, stale hours and edges, is a reference table, whole on each; the
 * catalog stays on the coordinator, which is the server of store.url.
 *
 *   keys        a key has to hold what is distributed by: that of the sums gets the device, which a
 *               series has one of anyway
 *   partitions  months as without it; Citus makes and drops the parts on its servers. It does not
 *               detach concurrently, so that is done under a lock that is waited for 2 s
 *   retention   in pieces as without it
 *
 * Citus carries telemetry_merge() to its servers with the tables that use it. */
#include "store/postgres/postgres_extension.h"

static const char *const statements[] = {
    "CREATE EXTENSION IF NOT EXISTS citus",
    "ALTER TABLE telemetry_hours DROP CONSTRAINT telemetry_hours_pkey",
    "ALTER TABLE telemetry_hours ADD PRIMARY KEY (org, device, series, hour_ns)",
    "SELECT create_distributed_table('telemetry_records', 'device')",
    ("SELECT create_distributed_table('telemetry_hours', 'device', "
     "colocate_with => 'telemetry_records')"),
    "SELECT create_reference_table('telemetry_stale')",
    "SELECT create_reference_table('telemetry_cutoffs')",
};

enum err postgres_citus_use(struct postgres_pool *pool, enum postgres_extension_state *ret,
                            struct why *why)
{
    const struct postgres_extension x = {
        .name = "citus",
        .in_use = "SELECT count(*) > 0 FROM pg_dist_partition "
                  "WHERE logicalrelid = 'telemetry_records'::regclass",
        .statements = statements,
        .n = sizeof statements / sizeof *statements,
    };
    return postgres_extension_use(pool, &x, ret, why);
}
