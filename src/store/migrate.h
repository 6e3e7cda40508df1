#pragma once
/* store/migrate.h -- brings a database's schema to what this program knows. Migrations are numbered
 * data; what was applied is written down with its checksum, so a script that was edited afterwards
 * is refused by name, and a database from a newer program is not touched.
 *
 * A migration is one transaction with its own line in schema_migrations: applied wholly or not. One
 * whose text begins with MIGRATE_ALONE is not: its statements run one by one outside a transaction
 * (CREATE INDEX CONCURRENTLY lets nobody wait, and refuses to be in one), and its line is written
 * behind the last. Killed half-way it goes on where it was: each statement says IF NOT EXISTS, and
 * an index that was left half-built is dropped and made again.
 *
 * On PostgreSQL all of it is done by one process at a time (an advisory lock); others wait.
 * Threads: before anybody else uses the database.   Memory: the list is borrowed. */
#include "base/err.h"
#include "store/sql.h"

/* A script that begins with this is not transactional; its statements end with ";\n". */
#define MIGRATE_ALONE "-- not transactional\n"

struct migration {
    int64_t number; /* 1, 2, 3, … without a gap */
    const char *name;
    const char *script;   /* "": nothing to do for SQLite */
    const char *postgres; /* what PostgreSQL is told instead; NULL: the same in its words */
};

enum migrate_state { MIGRATE_APPLIED, MIGRATE_PENDING, MIGRATE_EDITED, MIGRATE_UNKNOWN };

struct migrate_line {
    int64_t number;
    const char *name; /* of the database for an unknown one; borrowed for the visit */
    enum migrate_state state;
    int64_t applied_ns; /* 0 when pending */
    bool alone;         /* not transactional */
    const char *script; /* NULL for an unknown one */
};

/* CRC32C over the bytes of the script in that dialect. */
uint32_t migrate_checksum(const struct migration *m, enum sql_dialect dialect);
/* Applies what is pending. ERR_VERSION: the database knows a migration that is not in the list.
 * ERR_CORRUPT: one that was applied was edited or is missing. `why` names it; nothing is changed
 * then. */
enum err migrate_run(struct sql_db *db, const struct migration *list, size_t n, int64_t now_ns,
                     struct why *why) MUST_CHECK;
/* Tells the state of each, changes nothing; a database without any is all pending. */
enum err migrate_status(struct sql_db *db, const struct migration *list, size_t n,
                        void (*visit)(void *ctx, const struct migrate_line *line), void *ctx,
                        struct why *why) MUST_CHECK;
