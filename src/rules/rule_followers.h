#pragma once
/* rules/rule_followers.h -- the rules on variables as followers (rules/followers.h): each reading
 * moves the state of its rules, and what comes of it is committed in groups.
 *
 *   judge ──> step (raise, resolve) ──> batch ── settle ──> one transaction:
 *                                                  epoch unchanged? alert, event, hooks, progress
 *
 * R1  the alerts of a batch and the progress of their rules are one transaction (L2 in alerts.h).
 * R2  a rule that somebody changed meanwhile (its epoch differs) raises nothing: it is loaded anew
 *     and goes on from where the change put it.
 * R3  a rule whose alert the catalog refuses for good (not: is away) is set aside until somebody
 *     changes it or the server starts again; the others go on.
 * Threads: the followers' thread, but for rule_followers_hook().   Memory: owns its followers. */
#include "rules/alerts.h"
#include "rules/followers.h"

struct rule_followers_opts {
    struct sql_db *db; /* borrowed, as the rest */
    struct alerts *alerts;
    struct followers *followers;
    const struct clock *clock;
    struct rnd *rnd;
};

struct rule_followers;
/* Becomes a client of opts->followers. */
enum err rule_followers_new(struct rule_followers **ret,
                            const struct rule_followers_opts *opts) MUST_CHECK;
/* A rule was made, changed or deleted, its alert resolved by a person; rule 0: who knows which. Any
 * thread. */
void rule_followers_changed(struct rule_followers *r, int64_t org, int64_t rule);
/* For alerts_add_hook(): learns what people resolve. */
struct alerts_hook rule_followers_hook(struct rule_followers *r);
void rule_followers_free(struct rule_followers *r); /* before the followers; NULL is fine */
