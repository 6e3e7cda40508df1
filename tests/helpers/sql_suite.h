#pragma once
/* tests/helpers/sql_suite.h -- what store/sql.h promises, as one suite of tests that runs on each
 * database behind it.
 * Threads: its own.   Memory: the driver is borrowed. */
#include "store/sql.h"

struct sql_suite_driver {
    const char *name;
    const char *blob_type;                            /* "BLOB", "BYTEA" */
    enum err (*open)(void *ctx, struct sql_db **ret); /* the same database each time */
    void (*close)(void *ctx, struct sql_db *db);
    void (*wipe)(void *ctx); /* nothing of an earlier test is left */
    void *ctx;
};

/* 0, or the number of tests that failed. */
int sql_suite_run(const struct sql_suite_driver *driver);
