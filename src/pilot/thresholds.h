#pragma once
/* pilot/thresholds.h -- the four figures somebody has to be told about, and telling it: an alert of
 * the administrators' organisation, with its event, webhooks, mails and Alertmanager, like any
 * other alert (rules/alerts.h).
 *
 * P1  an alert follows its state: when the catalog refuses, the next judgement tries again, for as
 *     long as the state holds.
 * P2  an alert that was open when the server ended is open when it starts: it is not raised again.
 * P3  what a process judged of itself is told apart from what it took over with an open alert
 *     (`here`): the health of one server is not that of another, or of the one before a restart.
 * Threads: any; judging blocks on the catalog when something begins or ends.
 * Memory: everything in the options is borrowed. */
#include "base/rnd.h"
#include "pilot/threshold.h"
#include "rules/alerts.h"
#include "sys/lock.h"

enum threshold_id {
    THRESHOLD_SLOW_QUERY, /* ms: the slowest statement */
    THRESHOLD_CACHE_HITS, /* 0 to 1: look-ups that found something */
    THRESHOLD_MEMORY,     /* 0 to 1: of what the process may use */
    THRESHOLD_RESPONSE,   /* ms: the 95th percentile of answers */
    THRESHOLD_IDS
};
struct threshold_about {
    const char *name;                 /* "slowQuery" */
    const char *title;                /* "Slow query" */
    const char *unit;                 /* "ms", "ratio" */
    const char *what;                 /* "the slowest statement took", before the value */
    const char *limit_key, *hold_key; /* of the configuration */
};
extern const struct threshold_about thresholds_about[THRESHOLD_IDS];

struct thresholds {
    struct sql_db *db;
    struct alerts *alerts;
    const struct clock *clock;
    struct rnd *rnd;
    struct lock lock; /* guards the rest */
    struct threshold_limits limits[THRESHOLD_IDS];
    struct threshold states[THRESHOLD_IDS];
    struct uuid alert[THRESHOLD_IDS];                          /* of what is raised */
    int64_t alert_id[THRESHOLD_IDS], alert_org[THRESHOLD_IDS]; /* 0: nothing is raised */
    bool here[THRESHOLD_IDS]; /* the state was reached by this process's own figures */
};
void thresholds_init(struct thresholds *t, struct sql_db *db, struct alerts *alerts,
                     const struct clock *clock, struct rnd *rnd);
void thresholds_done(struct thresholds *t);
void thresholds_set_limits(struct thresholds *t, const struct threshold_limits limits[]);
/* What is open already (P2); what this process has judged itself stays. */
enum err thresholds_load(struct thresholds *t) MUST_CHECK;

/* One value of each; NAN: not known. leads false: another node tells people, here only the states
 * move. The first error is returned, the others are judged all the same. */
enum err thresholds_judge(struct thresholds *t, const double values[THRESHOLD_IDS],
                          bool leads) MUST_CHECK;

struct threshold_view {
    struct threshold_limits limits;
    struct threshold state;
    bool raised;
    struct uuid alert;
    bool beyond; /* beyond its limit for its hold time by figures of this process, and not over */
};
void thresholds_read(struct thresholds *t, struct threshold_view ret[THRESHOLD_IDS]);
