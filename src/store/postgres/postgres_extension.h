#pragma once
/* store/postgres/postgres_extension.h -- what an extension of the server does for readings, where
 * it is there and its key says so: postgres_timescale.c (compressed hypertables instead of months)
 * and postgres_citus.c (readings and sums spread over servers by device). Both are statements
 * written to the extensions' documentation; plain PostgreSQL 15 is what the tests prove.
 *
 * Each runs once, behind the migrations, on a database that has no readings yet: then it has what
 * it is. A database that has readings as months stays as it is, and the start says so.
 * Threads: before anybody else uses the database.   Memory: borrowed for the call. */
#include "store/postgres/postgres_pool.h"

enum postgres_extension_state {
    EXTENSION_USED,    /* by this call, or since an earlier one */
    EXTENSION_ABSENT,  /* the server does not have it: the store works without */
    EXTENSION_TOO_LATE /* there are readings already: the store works without */
};
enum err postgres_timescale_use(struct postgres_pool *pool, enum postgres_extension_state *ret,
                                struct why *why) MUST_CHECK;
enum err postgres_citus_use(struct postgres_pool *pool, enum postgres_extension_state *ret,
                            struct why *why) MUST_CHECK;

/* Of both: looks whether it is available, in use (the sql answers a row), too late; else runs the
 * statements in one transaction. */
struct postgres_extension {
    const char *name;   /* in pg_available_extensions */
    const char *in_use; /* a question with one boolean */
    const char *const *statements;
    size_t n;
};
enum err postgres_extension_use(struct postgres_pool *pool, const struct postgres_extension *x,
                                enum postgres_extension_state *ret, struct why *why) MUST_CHECK;
