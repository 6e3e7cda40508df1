#pragma once
/* tests/helpers/index_world.h -- a PostgreSQL of the program's own schema with a pilot's year in
 * it, and for each index a call of the program whose statement it serves. What PostgreSQL then did
 * is read from its own log: auto_explain writes the plan of every statement that runs, so it is the
 * program's text with the program's parameters that is looked at, never a copy.
 * Used by tests/contract/index_proofs_test.c and by bench/indexes.c.
 * Threads: one.   Memory: the caller's struct. */
#include "base/arena.h"
#include "postgres_server.h"
#include "store/postgres/postgres_store.h"
#include "store/sql.h"

typedef struct pg_conn PGconn;

/* How much of it. A row of telemetry_records is one device and time with its two values. */
struct index_size {
    int64_t rows;         /* of telemetry_records, over 365 days */
    int64_t hour_devices; /* of 500, with a year of hours each */
    int64_t fleet;        /* devices of the eleventh organisation, which sends nothing */
    int64_t unit;         /* the tables of the catalog are multiples of it */
};

struct index_world {
    struct postgres_server server;
    struct postgres_pool *pool;
    struct sql_db *db;
    struct telemetry *telemetry;
    PGconn *pg; /* of who looks */
    int log;
    struct arena arena; /* of the call under way */
};

#define INDEX_YEAR_NS INT64_C(1735689600000000000) /* 2025-01-01, when the year begins */
#define INDEX_DAY_NS  INT64_C(86400000000000)

/* False: there is no PostgreSQL. Schema and data are there afterwards. */
bool index_world_open(struct index_world *w, const struct index_size *size);
void index_world_close(struct index_world *w);
/* Fills the tables; index_world_open() does. */
void index_seed_fill(struct index_world *w, const struct index_size *size);
/* A statement that has to work. */
void index_world_tell(struct index_world *w, const char *sql);
/* The first value of an answer, "" without one. */
void index_world_ask(struct index_world *w, const char *sql, char *ret, size_t n);

struct index_case {
    const char *index;
    const char *query; /* the function of the program that asks */
    bool fleet;        /* shown on the eleventh organisation */
    void (*run)(struct index_world *w);
};
extern const struct index_case index_cases[];
extern const size_t index_case_count;

/* One statement that a case ran: how long it took inside the server, and whether its plan uses the
 * index or one of its partitions'. */
struct index_run {
    bool used;
    double ms;
    char text[2048]; /* of the statement */
};
/* Runs the case. Without `text`: the statement that used the index, or the last one when none did.
 * With it: that statement. */
void index_world_run(struct index_world *w, const struct index_case *c, const char *text,
                     struct index_run *ret);
/* The planner sees the index, with those of its partitions, or does not. */
void index_world_show(struct index_world *w, const char *index, bool seen);
