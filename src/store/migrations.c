/* The catalog's schema, step by step (see migrations.h).
 *
 * Every tenant's table has the organisation first in its keys, and refers to users and devices by
 * (org, id), so a row of one organisation cannot name a thing of another. Times are nanoseconds, 0
 * is never. Names that ignore case are compared as lower(name). A soft-deleted row leaves the
 * partial indexes, and with them the names it held. */
#include "store/migrations.h"

#include "store/migration_commands.h"
#include "store/migration_dashboards.h"
#include "store/migration_events.h"
#include "store/migration_fleet_rules.h"
#include "store/migration_labels.h"
#include "store/migration_located.h"
#include "store/migration_notify.h"
#include "store/migration_people.h"
#include "store/migration_performance.h"
#include "store/migration_pilot.h"
#include "store/migration_presence.h"
#include "store/migration_rules.h"
#include "store/migration_synthetics.h"
#include "store/migration_trends.h"
#include "store/postgres/migration_analytics.h"
#include "store/postgres/migration_cleanup.h"
#include "store/postgres/migration_nodes.h"
#include "store/postgres/migration_telemetry.h"

static const char people[] =
    "CREATE TABLE organizations ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL,"
    " created_ns BIGINT NOT NULL,"
    " deleted_ns BIGINT NOT NULL DEFAULT 0);"
    "CREATE UNIQUE INDEX organizations_name ON organizations (lower(name)) WHERE deleted_ns = 0;"

    "CREATE TABLE users ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " org BIGINT NOT NULL REFERENCES organizations (id),"
    " username TEXT NOT NULL,"
    " email TEXT NOT NULL,"
    " first_name TEXT,"
    " last_name TEXT,"
    " password_hash TEXT NOT NULL,"
    " roles BIGINT NOT NULL,"
    " enabled BIGINT NOT NULL,"
    " theme_preference TEXT,"
    " avatar_version BIGINT NOT NULL DEFAULT 0,"
    " failed_logins BIGINT NOT NULL DEFAULT 0,"
    " last_failed_ns BIGINT NOT NULL DEFAULT 0,"
    " last_login_ns BIGINT NOT NULL DEFAULT 0,"
    " password_changed_ns BIGINT NOT NULL,"
    " created_ns BIGINT NOT NULL,"
    " updated_ns BIGINT NOT NULL,"
    " deleted_ns BIGINT NOT NULL DEFAULT 0);"
    "CREATE UNIQUE INDEX users_org ON users (org, id);"
    "CREATE UNIQUE INDEX users_username ON users (lower(username)) WHERE deleted_ns = 0;"
    "CREATE UNIQUE INDEX users_email ON users (lower(email)) WHERE deleted_ns = 0;"

    "CREATE TABLE sessions ("
    " id TEXT NOT NULL PRIMARY KEY,"
    " org BIGINT NOT NULL,"
    " user_id BIGINT NOT NULL,"
    " current_hash BLOB NOT NULL,"
    " previous_hash BLOB,"
    " remember BIGINT NOT NULL,"
    " created_ns BIGINT NOT NULL,"
    " rotated_ns BIGINT NOT NULL,"
    " expires_ns BIGINT NOT NULL,"
    " revoked_ns BIGINT NOT NULL DEFAULT 0,"
    " FOREIGN KEY (org, user_id) REFERENCES users (org, id));"
    "CREATE INDEX sessions_user ON sessions (org, user_id);"
    "CREATE INDEX sessions_revoked ON sessions (revoked_ns) WHERE revoked_ns <> 0;"

    "CREATE TABLE api_keys ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " org BIGINT NOT NULL,"
    " user_id BIGINT NOT NULL,"
    " name TEXT NOT NULL,"
    " description TEXT,"
    " hash BLOB NOT NULL,"
    " display_prefix TEXT NOT NULL,"
    " display_suffix TEXT NOT NULL,"
    " created_ns BIGINT NOT NULL,"
    " last_used_ns BIGINT NOT NULL DEFAULT 0,"
    " expires_ns BIGINT NOT NULL DEFAULT 0,"
    " revoked_ns BIGINT NOT NULL DEFAULT 0,"
    " FOREIGN KEY (org, user_id) REFERENCES users (org, id));"
    "CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);"
    "CREATE INDEX api_keys_user ON api_keys (org, user_id);";

static const char things[] =
    "CREATE TABLE devices ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " org BIGINT NOT NULL REFERENCES organizations (id),"
    " uuid BLOB NOT NULL,"
    " external_id TEXT NOT NULL,"
    " name TEXT,"
    " description TEXT,"
    " active BIGINT NOT NULL,"
    " location TEXT,"
    " sensor_type TEXT,"
    " firmware_version TEXT,"
    " properties TEXT,"
    " latitude DOUBLE PRECISION,"
    " longitude DOUBLE PRECISION,"
    " altitude DOUBLE PRECISION,"
    " last_seen_ns BIGINT NOT NULL DEFAULT 0,"
    " provisioned_by BIGINT NOT NULL DEFAULT 0,"
    " token_hash BLOB,"
    " token_display TEXT,"
    " token_created_ns BIGINT NOT NULL DEFAULT 0,"
    " token_used_ns BIGINT NOT NULL DEFAULT 0,"
    " created_ns BIGINT NOT NULL,"
    " updated_ns BIGINT NOT NULL,"
    " deleted_ns BIGINT NOT NULL DEFAULT 0);"
    "CREATE UNIQUE INDEX devices_org ON devices (org, id);"
    "CREATE UNIQUE INDEX devices_external ON devices (org, external_id) WHERE deleted_ns = 0;"
    "CREATE UNIQUE INDEX devices_uuid ON devices (org, uuid);"
    "CREATE UNIQUE INDEX devices_token ON devices (token_hash) WHERE token_hash IS NOT NULL;"
    "CREATE INDEX devices_deleted ON devices (org, external_id, deleted_ns) WHERE deleted_ns <> 0;"

    "CREATE TABLE variables ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " org BIGINT NOT NULL,"
    " device BIGINT NOT NULL,"
    " name TEXT NOT NULL,"
    " display_name TEXT,"
    " description TEXT,"
    " unit TEXT,"
    " data_type TEXT,"
    " data_source TEXT,"
    " icon TEXT,"
    " color TEXT,"
    " min_value DOUBLE PRECISION,"
    " max_value DOUBLE PRECISION,"
    " decimal_places BIGINT NOT NULL DEFAULT -1,"
    " created_ns BIGINT NOT NULL,"
    " updated_ns BIGINT NOT NULL,"
    " FOREIGN KEY (org, device) REFERENCES devices (org, id));"
    "CREATE UNIQUE INDEX variables_name ON variables (org, device, name);";

static const char records[] =
    "CREATE TABLE events ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " org BIGINT NOT NULL,"
    " type TEXT NOT NULL,"
    " severity BIGINT NOT NULL,"
    " entity_type TEXT,"
    " entity_id TEXT,"
    " title TEXT,"
    " description TEXT,"
    " metadata TEXT,"
    " user_id BIGINT NOT NULL DEFAULT 0,"
    " device BIGINT NOT NULL DEFAULT 0,"
    " actor TEXT,"
    " address TEXT,"
    " request_id TEXT,"
    " created_ns BIGINT NOT NULL);"
    "CREATE INDEX events_org ON events (org, id);"
    "CREATE INDEX events_created ON events (org, created_ns);"
    "CREATE INDEX events_device ON events (org, device, id) WHERE device <> 0;"

    "CREATE TABLE settings ("
    " key TEXT NOT NULL PRIMARY KEY,"
    " value BLOB NOT NULL,"
    " who TEXT,"
    " when_ns BIGINT NOT NULL);";

static const char resets[] = "CREATE TABLE password_resets ("
                             " hash BLOB NOT NULL PRIMARY KEY,"
                             " org BIGINT NOT NULL,"
                             " user_id BIGINT NOT NULL,"
                             " expires_ns BIGINT NOT NULL);"
                             "CREATE INDEX password_resets_user ON password_resets (org, user_id);";

const struct migration migrations_catalog[] = {
    {1, "organizations, users, sessions and API keys", people, NULL},
    {2, "devices and variables", things, NULL},
    {3, "events and settings", records, NULL},
    {4, "requests to reset a password", resets, NULL},
    {5, "the status of a device that was last told", migration_presence_sql, NULL},
    {6, "commands of devices", migration_commands_sql, NULL},
    {7, "rules and alerts", migration_rules_sql, NULL},
    {8, "dashboards, widgets and shares", migration_dashboards_sql, NULL},
    {9, "invitations, pictures, deleted organisations", migration_people_sql, NULL},
    {10, "tags and groups", migration_labels_sql, NULL},
    {11, "fleet rules", migration_fleet_rules_sql, NULL},
    {12, "webhooks, preferences and deliveries", migration_notify_sql, NULL},
    {13, "when the place of a device was said", migration_located_sql, NULL},
    {14, "an audit trail that is only added to", migration_events_sql,
     migration_events_postgres_sql},
    {15, "readings on PostgreSQL", "", migration_telemetry_sql},
    {16, "synthetic variables", migration_synthetics_sql, NULL},
    {17, "limits, usage, refusals and feedback", migration_pilot_sql, NULL},
    {18, "views of what an installation does", "", migration_analytics_sql},
    {19, "how the server did", migration_trends_sql, NULL},
    {20, "partitions and what becomes old on PostgreSQL", "", migration_cleanup_sql},
    {21, "V57__Pilot_performance_indexes", migration_performance_sql,
     migration_performance_postgres_sql},
    {22, "what each server on PostgreSQL is told of", "", migration_nodes_sql},
};
const size_t migrations_catalog_count = sizeof migrations_catalog / sizeof migrations_catalog[0];
