#pragma once
/* store/sql_statement.h -- every statement that was ever sent, by its text: its probe, what it cost
 * in each of the last 24 hours, and the plan of its last slow run.
 *
 * A statement is called by the function that asked for it first ("catalog_devices_find"); two texts
 * of one function have one name. SQL_STATEMENTS_MAX of them are told apart; what comes later is
 * counted as "other statements".
 * Threads: any; nobody waits but for a copy of a plan.   Memory: static, 5 KiB for each that is
 * used. */
#include "perf/probe.h"
#include "store/sql.h"

enum {
    SQL_STATEMENTS_MAX = 512,
    SQL_NAME_MAX = 64,
    SQL_TEXT_MAX = 1024, /* what is longer is cut, and not explained */
    SQL_PLAN_MAX = 2048,
    SQL_HOURS = 24,
};
#define SQL_PLAN_EVERY_NS (INT64_C(60) * 1000000000)

struct sql_hour {
    _Atomic int64_t number; /* monotonic hours */
    _Atomic uint64_t count, total_ns, slow, slow_ns;
    _Atomic int64_t max_ns;
};

/* Its last slow run: asked for by who ran it, answered by sql_plan_turn(). */
enum sql_plan_state { SQL_PLAN_IDLE, SQL_PLAN_COPYING, SQL_PLAN_WANTED, SQL_PLAN_BUSY };
struct sql_plan {
    _Atomic int state;         /* enum sql_plan_state */
    _Atomic int64_t asked_ns;  /* monotonic; of the last one that was asked for */
    struct sql_kept_args args; /* of whoever moved the state to COPYING, then of the turn */
    void *kept;                /* the same in a store's own form: its explain() reads it; owned */
    atomic_flag busy;          /* guards the rest */
    int64_t took_ns, wall_ns;  /* of the run; when it was explained, 0: never */
    char text[SQL_PLAN_MAX];
};

struct sql_statement {
    struct probe probe;
    char name[SQL_NAME_MAX], text[SQL_TEXT_MAX];
    bool whole; /* text is */
    uint64_t hash;
    struct sql_hour hours[SQL_HOURS];
    struct sql_plan plan;
};

struct sql_statement *sql_statement_find(const char *file, const char *func, const char *text);
/* One run that has ended; args: NULL or what it was asked with. */
void sql_statement_note(struct sql_statement *s, int64_t took_ns, enum err outcome,
                        const struct sql_kept_args *args);
/* For a store that keeps parameters in a form of its own. True: the run is to be explained, and the
 * caller asks, with one block of memory that it gives away; NULL: it had none after all. */
bool sql_statement_claim_plan(struct sql_statement *s, int64_t took_ns) MUST_CHECK;
void sql_statement_ask_plan(struct sql_statement *s, void *kept);
void sql_statement_keep_args(struct sql_kept_args *ret, struct sql_args args);

/* Those that were used, by number; NULL behind the last. */
struct sql_statement *sql_statement_at(size_t i);
struct sql_statement_sum {
    uint64_t count, total_ns, slow, slow_ns;
    int64_t max_ns;
};
/* Of the last `hours` (1 to SQL_HOURS), the one under way included. */
struct sql_statement_sum sql_statement_sum(const struct sql_statement *s, int hours);
/* Wall time of the plan, 0 when there is none; text as long as SQL_PLAN_MAX. */
int64_t sql_statement_plan(struct sql_statement *s, char ret[SQL_PLAN_MAX]);
