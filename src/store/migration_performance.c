/* V57__Pilot_performance_indexes: the name by which people of the earlier platform know this layer;
 * its number here is the place in our own list. Each index serves the statement named beside it; on
 * PostgreSQL tests/contract/index_proofs_test.c runs that very statement and reads from its plan
 * that the index is used, and bench/indexes.c prints what the statement costs without it.
 *
 * PostgreSQL makes them without holding up who writes; the one on readings cannot be made so (its
 * table has partitions): it holds writers up while it is built. SQLite takes those alone that spare
 * a walk over a table that grows: there each index is one more page of every commit. */
#include "store/migration_performance.h"

#include "store/migrate.h"

#define ON_SQLITE(words)   "CREATE INDEX " words ";"
#define ON_POSTGRES(words) "CREATE INDEX CONCURRENTLY IF NOT EXISTS " words ";\n"

/* What both make. */
#define BOTH(CREATE)                                                                               \
    /* catalog_alerts_list of one rule */                                                          \
    CREATE("alerts_rule ON alerts (org, rule_uuid, id)")                                           \
    /* catalog_alerts_list_open: a device with a long history has few open ones */                 \
    CREATE("alerts_open_device ON alerts (org, device, id) "                                       \
           "WHERE resolved_ns = 0 AND device <> 0")                                                \
    /* catalog_notifications_list of one webhook, of one alert */                                  \
    CREATE("notifications_webhook ON notifications (org, webhook, id) WHERE webhook <> 0")         \
    CREATE("notifications_alert ON notifications (org, alert, id) WHERE alert IS NOT NULL")        \
    /* catalog_notifications_list of those that failed */                                          \
    CREATE("notifications_state ON notifications (org, state, id)")                                \
    /* catalog_devices_list_purgeable, every ten minutes */                                        \
    CREATE("devices_purgeable ON devices (deleted_ns, id) WHERE deleted_ns <> 0")                  \
    /* catalog_synthetics_load: the next devices that have some */                                 \
    CREATE("synthetics_device ON synthetics (device)")                                             \
    /* catalog_cleanup_remove of sessions */                                                       \
    CREATE("sessions_expiry ON sessions (expires_ns)")

const char migration_performance_sql[] = BOTH(ON_SQLITE);

/* clang-format off */
const char migration_performance_postgres_sql[] = MIGRATE_ALONE
    /* devices_external and devices_created, fleet_rules_uuid serve their statements as well */
    "DROP INDEX CONCURRENTLY IF EXISTS devices_alive;\n"
    "DROP INDEX CONCURRENTLY IF EXISTS fleet_rules_org;\n"
    BOTH(ON_POSTGRES)
    /* catalog_alerts_list by severity, sorted by rule or device */
    ON_POSTGRES("alerts_severity ON alerts (org, severity, id)")
    ON_POSTGRES("alerts_rule_name ON alerts (org, lower(rule_name), id)")
    ON_POSTGRES("alerts_device_name ON alerts (org, device_external_id, id)")
    /* catalog_notifications_list of one channel, sorted by time */
    ON_POSTGRES("notifications_channel ON notifications (org, channel, id)")
    ON_POSTGRES("notifications_created ON notifications (org, created_ns, id)")
    /* catalog_devices_list with a place; sorted, the first page of a large fleet */
    ON_POSTGRES("devices_located ON devices (org, id) "
                "WHERE deleted_ns = 0 AND latitude IS NOT NULL")
    ON_POSTGRES("devices_name ON devices (org, lower(coalesce(name, external_id)), id) "
                "WHERE deleted_ns = 0")
    ON_POSTGRES("devices_location ON devices (org, lower(coalesce(location, '')), id) "
                "WHERE deleted_ns = 0")
    ON_POSTGRES("devices_sensor_type ON devices (org, lower(coalesce(sensor_type, '')), id) "
                "WHERE deleted_ns = 0")
    ON_POSTGRES("devices_created ON devices (org, created_ns, id) WHERE deleted_ns = 0")
    /* catalog_cleanup_remove of requests to reset a password */
    ON_POSTGRES("password_resets_expiry ON password_resets (expires_ns)")
    /* postgres_retain: the readings an organisation forgets, and what is recent of it */
    "CREATE INDEX IF NOT EXISTS telemetry_records_recent ON telemetry_records (org, ts_ns);\n";
/* clang-format on */
