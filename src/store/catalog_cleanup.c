/* What is old in the catalog's tables, as one table (see catalog_cleanup.h). */
#include "store/catalog_cleanup.h"

#define PIECE(table, key, where)                                                                   \
    "DELETE FROM " table " WHERE " key " IN (SELECT " key " FROM " table " WHERE " where           \
    " LIMIT $2) RETURNING org"

static const struct {
    const char *name, *sqlite, *postgres;
} subjects[CLEANUP_SUBJECTS] = {
    [CLEANUP_SESSIONS] = {"sessions", PIECE("sessions", "id", "expires_ns < $1"),
                          "SELECT cleanup_old_sessions($1, $2)"},
    [CLEANUP_PASSWORD_RESETS] = {"passwordResets",
                                 PIECE("password_resets", "hash", "expires_ns < $1"),
                                 "SELECT cleanup_old_password_resets($1, $2)"},
    [CLEANUP_INVITATIONS] = {"invitations", PIECE("invitations", "id", "expires_ns < $1"),
                             "SELECT cleanup_old_invitations($1, $2)"},
    [CLEANUP_COMMANDS] = {"commands", PIECE("commands", "id", "ended_ns <> 0 AND ended_ns < $1"),
                          "SELECT cleanup_old_commands($1, $2)"},
    [CLEANUP_NOTIFICATIONS] = {"notifications",
                               PIECE("notifications", "id", "state <> 0 AND ended_ns < $1"),
                               "SELECT cleanup_old_notifications($1, $2)"},
    [CLEANUP_ALERTS] = {"alerts", PIECE("alerts", "id", "resolved_ns <> 0 AND raised_ns < $1"),
                        "SELECT cleanup_old_alerts($1, $2)"},
};

const char *catalog_cleanup_name(enum cleanup_subject s)
{
    return subjects[s].name;
}

enum err catalog_cleanup_remove(struct sql_tx *tx, enum cleanup_subject s, int64_t before_ns,
                                size_t max, int64_t *orgs, size_t *ret_n)
{
    struct sql_cursor *c;
    struct sql_row row;
    size_t n = 0;
    const char *sql = tx->ops->dialect == SQL_POSTGRES ? subjects[s].postgres : subjects[s].sqlite;
    enum err e = sql_query(tx, sql, SQL_ARGS(SQL_I(before_ns), SQL_I((int64_t)max)), &c);
    if (e) return e;
    while (!(e = sql_next(c, &row)) && n < max) orgs[n++] = row.columns[0].as.i;
    sql_finish(c);
    if (e && e != ERR_END) return e;
    *ret_n = n;
    return ERR_OK;
}
