#pragma once
/* store/catalog_alerts.h -- the alerts, of whatever raised them; rules/alerts.h is how one begins
 * and ends. Each call works inside the caller's transaction. Strings that are read are copied into
 * `a`.   Errors: those of store/sql.h; ERR_NOTFOUND when there is no such row in that organisation.
 * Threads: as the tx. */
#include "base/arena.h"
#include "model/alert.h"
#include "store/catalog_page.h"
#include "store/sql.h"

/* Fills alert->id. *ret_new false: (org, source, rule, raised_ns) was there, nothing is changed,
 * and id, uuid, acknowledged_ns, resolved_ns are what it says. */
enum err catalog_alerts_insert(struct sql_tx *tx, struct alert *alert, bool *ret_new) MUST_CHECK;
enum err catalog_alerts_find(struct sql_tx *tx, int64_t org, int64_t alert, struct arena *a,
                             struct alert *ret) MUST_CHECK;
enum err catalog_alerts_find_uuid(struct sql_tx *tx, int64_t org, const struct uuid *uuid,
                                  struct arena *a, struct alert *ret) MUST_CHECK;
/* Writes acknowledged_ns, _by, resolved_ns and _by of the row (org, id). */
enum err catalog_alerts_update(struct sql_tx *tx, const struct alert *alert) MUST_CHECK;

struct alert_filter {
    int source; /* an enum alert_source, -1 = any */
    bool unacknowledged, open;
    int severity;            /* an enum alert_severity, -1 = any */
    int64_t device;          /* 0 = any */
    const struct uuid *rule; /* NULL = any */
    int64_t from_ns, to_ns;  /* raised in [from, to); to 0 = without an end */
};
/* Newest first, unless page->sort says otherwise. Sorts: id, timestamp, severity, deviceId,
 * ruleName. With a cursor: ids below `after`. */
enum err catalog_alerts_list(struct sql_tx *tx, int64_t org, const struct alert_filter *filter,
                             const struct catalog_page *page, struct arena *a, struct alert **ret,
                             struct catalog_listing *ret_listing, struct why *why) MUST_CHECK;
enum err catalog_alerts_count(struct sql_tx *tx, int64_t org, const struct alert_filter *filter,
                              int64_t *ret) MUST_CHECK;
/* How many are open of each device that has one, of all organisations; at most a million. */
struct alert_count {
    uint64_t device;
    int64_t count;
};
enum err catalog_alerts_count_open(struct sql_tx *tx, struct arena *a, struct alert_count **ret,
                                   size_t *ret_n) MUST_CHECK;
/* The open alerts of a device, at most cap, oldest first. */
enum err catalog_alerts_list_open(struct sql_tx *tx, int64_t org, int64_t device, size_t cap,
                                  struct arena *a, struct alert **ret, size_t *ret_n) MUST_CHECK;
/* Open ones of all organisations behind (org, id) in that order, at most cap. */
enum err catalog_alerts_open_after(struct sql_tx *tx, int64_t org, int64_t id, size_t cap,
                                   struct arena *a, struct alert **ret, size_t *ret_n) MUST_CHECK;
