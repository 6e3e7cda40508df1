#pragma once
/* store/postgres/postgres_store.h -- store/telemetry.h on PostgreSQL; README.md beside it is the
 * picture and the reasons.
 * Threads: as store/telemetry.h says.   Memory: the pool is borrowed until close. */
#include "base/clock.h"
#include "store/postgres/postgres_pool.h"
#include "store/telemetry.h"

struct nodes;

struct postgres_store_opts {
    struct postgres_pool *pool;
    struct sql_db *db;         /* the same database; its migrations are applied; borrowed */
    const struct clock *clock; /* wall time: hours that may still grow */
    unsigned writers;          /* batches written at once */
};
enum err postgres_store_open(struct telemetry **ret, const struct postgres_store_opts *opts,
                             struct why *why) MUST_CHECK;
/* Sums up some hours that have ended, as maintain() does; *ret_n of them, 0: none is left. */
enum err postgres_store_sum_up(struct telemetry *t, size_t *ret_n) MUST_CHECK;
/* Others work on the database too (borrowed); once, before anything is written. */
void postgres_store_share(struct telemetry *t, struct nodes *nodes);
