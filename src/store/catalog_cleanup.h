#pragma once
/* store/catalog_cleanup.h -- what the catalog's tables are rid of when it is old: logins and
 * requests that have expired, invitations, commands and deliveries that have ended, alerts that are
 * resolved. On PostgreSQL by functions of the database (postgres/migration_cleanup.c), which
 * whoever keeps house there may call too.   Threads: as the tx.   Errors: those of store/sql.h. */
#include "store/sql.h"

enum cleanup_subject {
    CLEANUP_SESSIONS, /* since they expired, as the next two */
    CLEANUP_PASSWORD_RESETS,
    CLEANUP_INVITATIONS,
    CLEANUP_COMMANDS,      /* since they ended, as the next */
    CLEANUP_NOTIFICATIONS, /* the log; what is still owed stays */
    CLEANUP_ALERTS,        /* since they were raised, when they are resolved */
    CLEANUP_SUBJECTS
};

/* "sessions", "passwordResets", … */
const char *catalog_cleanup_name(enum cleanup_subject s);
/* Removes at most `max` rows of any organisation that were over before before_ns;
 * orgs[0 .. *ret_n): whose each of them was. */
enum err catalog_cleanup_remove(struct sql_tx *tx, enum cleanup_subject s, int64_t before_ns,
                                size_t max, int64_t *orgs, size_t *ret_n) MUST_CHECK;
