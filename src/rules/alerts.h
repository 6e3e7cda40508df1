#pragma once
/* rules/alerts.h -- the one place where alerts begin and end, whoever found the reason: a rule on a
 * variable, a fleet rule, a person.
 *
 *   finder ── transaction { its own state, alerts_raise() } ── commit ── alerts_committed()
 *                              │ row, event                        │
 *                              └ hooks.in_tx: outbox of            └ hooks.committed: sockets,
 *                                notifications                       wake the notifier
 *
 * L1  (organisation, source, rule, raised_ns) names an alert: raising it again changes nothing and
 *     says so, which is how a finder that starts over after a crash raises none twice.
 * L2  the alert, its event, its notifications and the finder's state are one transaction: after a
 *     crash all of them are there or none.
 * L3  committed() is only called for what is durable; it may be missed by a crash, so whoever hangs
 *     there only wakes or shows, and reads the catalog for what is owed.
 * Threads: any; the calls inside a transaction block on the catalog.   Memory: borrowed for the
 * call. */
#include "base/arena.h"
#include "base/clock.h"
#include "model/actor.h"
#include "model/alert.h"
#include "store/sql.h"

/* Names of events; they begin here and not in the services, so they stand here. */
#define EVENT_ALERT_CREATED      "ALERT_CREATED"
#define EVENT_ALERT_ACKNOWLEDGED "ALERT_ACKNOWLEDGED"
#define EVENT_ALERT_RESOLVED     "ALERT_RESOLVED"

struct alerts_hook {
    void *ctx;
    /* Inside the transaction; an error takes the whole transaction back. May be NULL. */
    enum err (*in_tx)(void *ctx, struct sql_tx *tx, const struct alert *alert,
                      enum alert_change change);
    /* After the commit; must not block on I/O. May be NULL. */
    void (*committed)(void *ctx, const struct alert *alert, enum alert_change change);
};
enum { ALERTS_HOOKS_MAX = 4 };

struct alerts {
    const struct clock *clock;                  /* of events */
    struct alerts_hook hooks[ALERTS_HOOKS_MAX]; /* filled at start, then immutable */
    size_t hook_count;
};
void alerts_init(struct alerts *a, const struct clock *clock);
void alerts_add_hook(struct alerts *a, const struct alerts_hook *hook);

/* |v - t| / |t|: > 2 CRITICAL, > 1 HIGH, > 0.5 MEDIUM, else LOW; threshold 0: MEDIUM. */
enum alert_severity alerts_severity(double value, double threshold);
const char *alerts_severity_name(enum alert_severity s); /* "LOW", … */
/* False for anything else than one of those names. */
bool alerts_severity_parse(struct bytes name, enum alert_severity *ret);
const char *alerts_change_name(enum alert_change change); /* "RAISED", "ACKNOWLEDGED", … */

/* Fills alert->id and, when it is new, keeps alert->uuid; *ret_new false: it was there (L1), and
 * uuid, acknowledged_ns and resolved_ns are what they are there. */
enum err alerts_raise(struct alerts *a, struct sql_tx *tx, struct alert *alert,
                      bool *ret_new) MUST_CHECK;
/* alert: as read from the catalog; sets resolved_ns. An alert that is resolved already is left.
 * by NULL: by itself. */
enum err alerts_resolve(struct alerts *a, struct sql_tx *tx, struct alert *alert, int64_t at_ns,
                        const struct actor *by, bool *ret_changed) MUST_CHECK;
/* An alert that is acknowledged already is left. */
enum err alerts_acknowledge(struct alerts *a, struct sql_tx *tx, struct alert *alert, int64_t at_ns,
                            const struct actor *by, bool *ret_changed) MUST_CHECK;
/* After the commit of a transaction in which something changed. */
void alerts_committed(struct alerts *a, const struct alert *alert, enum alert_change change);
