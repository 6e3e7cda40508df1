#pragma once
/* service/event_service.h -- the audit trail: every change appends what happened, in the
 * transaction of the change itself, so that neither exists without the other. Names of types stand
 * in event_types.h.   Threads: as the transaction.   Memory: borrowed for the call. */
#include "model/actor.h"
#include "model/event.h"
#include "store/catalog_events.h"

/* What a change says of itself; NULL members are absent. */
struct event_note {
    const char *type; /* one of event_types.h */
    enum event_severity severity;
    const char *entity_type;
    struct bytes entity_id;
    const char *title;
    struct bytes description;
    struct bytes metadata; /* a JSON object as text */
    int64_t org;           /* 0: the actor's */
    int64_t user;          /* whom it is about; 0: the actor */
    int64_t device;        /* 0 = none */
};

enum err event_service_append(struct sql_tx *tx, int64_t now_ns, const struct actor *actor,
                              const struct event_note *note) MUST_CHECK;

/* At most this many of one organisation in one transaction: some 30 ms of the catalog. */
enum { EVENT_REMOVE_AT_ONCE = 5000 };
/* Removes events from before before_ns, of every organisation and of the installation, each in a
 * transaction of its own with the event that tells of it. *ret_more: an organisation has more. */
enum err event_service_retain(struct sql_db *db, int64_t now_ns, int64_t before_ns,
                              const struct actor *actor, int64_t *ret_removed,
                              bool *ret_more) MUST_CHECK;

/* Reading, each in a transaction of its own. ERR_INVALID: no such sort. */
enum err event_service_list(struct sql_db *db, int64_t org, const struct event_filter *filter,
                            const struct catalog_page *page, struct arena *arena,
                            struct event **ret, struct catalog_listing *ret_listing,
                            struct why *why) MUST_CHECK;
enum err event_service_count(struct sql_db *db, int64_t org, const struct event_filter *filter,
                             enum event_group group, struct arena *arena, struct event_count **ret,
                             size_t *ret_n) MUST_CHECK;
