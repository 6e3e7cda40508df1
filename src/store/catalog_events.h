#pragma once
/* store/catalog_events.h -- the audit trail: rows are added and never changed: the
 * schema refuses it (migration_events.h).
 * Each call works inside the caller's transaction, so what happened and its event are one. Strings
 * that are read are copied into `a`.   Errors: those of store/sql.h.   Threads: as the tx. */
#include "base/arena.h"
#include "model/event.h"
#include "store/catalog_page.h"
#include "store/sql.h"

/* Fills e->id. */
enum err catalog_events_append(struct sql_tx *tx, struct event *e) MUST_CHECK;

/* Removes at most `max` of the organisation's events from before before_ns, the oldest first: what
 * retention does, and nothing else may. */
enum err catalog_events_remove(struct sql_tx *tx, int64_t org, int64_t before_ns, int64_t max,
                               int64_t *ret_removed) MUST_CHECK;
/* Whether there is one from before. */
enum err catalog_events_has_old(struct sql_tx *tx, int64_t org, int64_t before_ns,
                                bool *ret) MUST_CHECK;

struct event_filter {
    struct bytes type; /* empty: any; the same below */
    struct bytes entity_type;
    int severity;           /* an enum event_severity, -1 = any */
    int64_t device;         /* 0 = any */
    int64_t from_ns, to_ns; /* [from, to); to 0 = open */
};
/* Newest first, unless page->sort says otherwise. Sorts: id, createdAt, eventType, severity. With a
 * cursor: ids below `after`. */
enum err catalog_events_list(struct sql_tx *tx, int64_t org, const struct event_filter *filter,
                             const struct catalog_page *page, struct arena *a, struct event **ret,
                             struct catalog_listing *ret_listing, struct why *why) MUST_CHECK;

struct event_count {
    struct bytes name; /* a type, or a severity's name */
    int64_t count;
};
enum event_group { EVENT_BY_TYPE, EVENT_BY_SEVERITY };
/* Most frequent first; at most 1,000 groups. */
enum err catalog_events_count(struct sql_tx *tx, int64_t org, const struct event_filter *filter,
                              enum event_group group, struct arena *a, struct event_count **ret,
                              size_t *ret_n) MUST_CHECK;
