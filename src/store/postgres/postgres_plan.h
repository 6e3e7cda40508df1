#pragma once
/* store/postgres/postgres_plan.h -- what the store's own statements took, by name, and how
 * PostgreSQL runs those that were slow: they go where the catalog's go (store/sql_statement.h), and
 * sql_plan_turn() explains them later, on a connection of its own. EXPLAIN alone: nothing is
 * executed.
 *
 * What is kept of a slow run, once a minute of a statement at most, is a copy of its parameters;
 * of an array the first POSTGRES_PLAN_ELEMENTS, and the plan says so.
 * Threads: any.   Memory: copies belong to the statement until they are explained. */
#include "store/postgres/postgres_wire.h"
#include "store/sql_statement.h"

enum { POSTGRES_PLAN_ELEMENTS = 1000 };

/* One run that has ended; args: what it was asked with, borrowed for the call. */
void postgres_plan_note(struct sql_statement *s, int64_t took_ns, enum err outcome,
                        const struct postgres_args *args);
/* The plan of `sql` with what was kept of its parameters, or why there is none; as an operation of
 * struct sql_ops. */
enum err postgres_plan_explain(struct postgres_pool *pool, const char *sql, const void *kept,
                               char *ret, size_t cap) MUST_CHECK;
