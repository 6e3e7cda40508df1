/* Events are added and never changed; the database itself refuses. Retention says in the same
 * transaction up to when it removes (event_removals), so that a DELETE that is a mistake, or
 * somebody's, finds a closed door. Triggers are the one thing that PostgreSQL spells differently.
 *
 * Indexes: every filter of the list has one that goes on by id, newest first. */
#include "store/migration_events.h"

#define TABLES                                                                                     \
    "CREATE INDEX events_type ON events (org, type, id);"                                          \
    "CREATE INDEX events_severity ON events (org, severity, id);"                                  \
    "CREATE INDEX events_entity ON events (org, entity_type, id);"                                 \
    "CREATE TABLE event_removals ("                                                                \
    " org BIGINT NOT NULL PRIMARY KEY,"                                                            \
    " before_ns BIGINT NOT NULL);"

const char migration_events_sql[] =
    TABLES "CREATE TRIGGER events_no_update BEFORE UPDATE ON events "
           "BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END;"
           "CREATE TRIGGER events_no_delete BEFORE DELETE ON events "
           "WHEN NOT EXISTS (SELECT 1 FROM event_removals r "
           "WHERE r.org = OLD.org AND OLD.created_ns < r.before_ns) "
           "BEGIN SELECT RAISE(ABORT, 'events are removed by their retention only'); END;";

const char migration_events_postgres_sql[] =
    TABLES "CREATE FUNCTION events_no_update() RETURNS trigger LANGUAGE plpgsql AS $$ "
           "BEGIN RAISE EXCEPTION 'an event is never changed' USING ERRCODE = '23000'; END $$;"
           "CREATE TRIGGER events_no_update BEFORE UPDATE ON events "
           "FOR EACH ROW EXECUTE FUNCTION events_no_update();"
           "CREATE FUNCTION events_no_delete() RETURNS trigger LANGUAGE plpgsql AS $$ "
           "BEGIN IF NOT EXISTS (SELECT 1 FROM event_removals r WHERE r.org = OLD.org "
           "AND OLD.created_ns < r.before_ns) THEN "
           "RAISE EXCEPTION 'events are removed by their retention only' USING ERRCODE = '23000'; "
           "END IF; RETURN OLD; END $$;"
           "CREATE TRIGGER events_no_delete BEFORE DELETE ON events "
           "FOR EACH ROW EXECUTE FUNCTION events_no_delete();";
