/* Rows that each server keeps in memory: who changes one of them, by whatever program, tells all
 * servers with the commit (postgres_news.c). No service has to remember it, and what is rolled
 * back is told to nobody. Columns that change with every reading (when a device was seen) tell
 * nothing. */
#include "store/postgres/migration_nodes.h"

/* On a table: which letter (store/nodes.h), after what, and which column says what changed. */
#define TELLS(table, letter, after, column)                                                        \
    "CREATE TRIGGER " table "_tell AFTER " after " ON " table                                      \
    " FOR EACH ROW EXECUTE FUNCTION catalog_tell('" letter "', '" column "');"

const char migration_nodes_sql[] =
    "CREATE FUNCTION catalog_tell() RETURNS trigger LANGUAGE plpgsql AS $$ "
    "DECLARE r RECORD; org BIGINT := 0; what TEXT; "
    "BEGIN "
    "IF TG_OP = 'DELETE' THEN r := OLD; ELSE r := NEW; END IF; "
    "IF TG_ARGV[1] = 'key' THEN what := r.key; "
    "ELSIF TG_TABLE_NAME = 'organizations' THEN org := r.id; what := TG_TABLE_NAME; "
    "ELSE org := r.org; "
    " IF TG_ARGV[1] = 'id' THEN what := r.id; "
    " ELSIF TG_ARGV[1] = 'device' THEN what := r.device; "
    " ELSIF TG_ARGV[1] = 'table' THEN what := TG_TABLE_NAME; "
    " ELSIF TG_ARGV[1] = 'alert' THEN what := r.id || "
    "  CASE WHEN TG_OP = 'INSERT' THEN '+' WHEN r.resolved_ns <> OLD.resolved_ns THEN '-' "
    "  ELSE '!' END; "
    " ELSE what := ''; END IF; "
    "END IF; "
    "PERFORM pg_notify('sensorvision', 'c' || TG_ARGV[0] || ':' || org || ':' || what || ':' || "
    "current_setting('application_name')); "
    "RETURN NULL; END $$;"

    /* what memory is made of */
    TELLS("devices", "d",
          "INSERT OR DELETE OR UPDATE OF uuid, external_id, name, description, active, location, "
          "sensor_type, firmware_version, properties, latitude, longitude, altitude, token_hash, "
          "presence, updated_ns, deleted_ns",
          "id") TELLS("variables", "v", "INSERT OR DELETE",
                      "device") TELLS("synthetics", "y", "INSERT OR DELETE OR UPDATE", "device")
        TELLS("users", "u",
              "INSERT OR DELETE OR UPDATE OF org, username, email, first_name, last_name, roles, "
              "enabled, theme_preference, avatar_version, last_login_ns, updated_ns, deleted_ns",
              "id") TELLS("api_keys", "k",
                          "INSERT OR DELETE OR UPDATE OF hash, expires_ns, revoked_ns", "id")
            TELLS("sessions", "s", "UPDATE OF revoked_ns", "id")
                TELLS("settings", "t", "INSERT OR DELETE OR UPDATE", "key")
                    TELLS("rules", "r", "INSERT OR DELETE OR UPDATE", "id")

    /* what somebody waits for */
    TELLS("alerts", "a", "INSERT OR UPDATE", "alert") TELLS("commands", "c", "INSERT", "device")
        TELLS("notifications", "n", "INSERT", "none")

    /* what is cached, beside the above: once for each organisation and transaction */
    TELLS("telemetry_cutoffs", "x", "INSERT OR UPDATE", "none")
        TELLS("organization_limits", "q", "INSERT OR DELETE OR UPDATE", "table")
            TELLS("organizations", "q", "INSERT OR DELETE OR UPDATE", "table")
                TELLS("labels", "q", "INSERT OR DELETE OR UPDATE", "table")
                    TELLS("device_labels", "q", "INSERT OR DELETE", "table")
                        TELLS("dashboards", "q", "INSERT OR DELETE", "table")
                            TELLS("fleet_rules", "q", "INSERT OR DELETE", "table");
