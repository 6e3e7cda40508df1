#pragma once
/* store/catalog_notifications.h -- deliveries: what is owed to whom, what became of it. A row is
 * pending until it is sent or given up; then it is a line of the log, without its payload, until
 * retention takes it. Each call works inside the caller's transaction. Strings that are read are
 * copied into `a`.   Errors: those of store/sql.h, ERR_NOTFOUND.   Threads: as the tx. */
#include "base/arena.h"
#include "model/notification.h"
#include "store/catalog_page.h"
#include "store/sql.h"

enum err catalog_notifications_insert(struct sql_tx *tx, struct notification *n) MUST_CHECK;

/* What is being sent now and therefore left out. */
enum { CATALOG_NOTIFICATIONS_BUSY = 8 };
struct catalog_busy {
    struct bytes targets[CATALOG_NOTIFICATIONS_BUSY];
    int64_t orgs[CATALOG_NOTIFICATIONS_BUSY];
    size_t target_count, org_count; /* together 15 at most */
};
/* The pending one that is due first, whether its time has come or not. ERR_NOTFOUND: none. */
enum err catalog_notifications_next(struct sql_tx *tx, const struct catalog_busy *busy,
                                    struct arena *a, struct notification *ret) MUST_CHECK;
/* Attempts, status, error and next_ns of one that stays pending; ERR_NOTFOUND: it has ended. */
enum err catalog_notifications_again(struct sql_tx *tx, const struct notification *n) MUST_CHECK;
/* State, attempts, status, error and ended_ns; the payload goes. */
enum err catalog_notifications_end(struct sql_tx *tx, const struct notification *n) MUST_CHECK;
/* Nothing of this target is due before that time. */
enum err catalog_notifications_delay(struct sql_tx *tx, int64_t org, struct bytes target,
                                     int64_t until_ns) MUST_CHECK;
/* Pending ones of the target, counted up to max, and when the last of them is due (0: none). */
struct catalog_queue {
    int64_t waiting, last_ns;
};
enum err catalog_notifications_queue(struct sql_tx *tx, int64_t org, struct bytes target,
                                     int64_t max, struct catalog_queue *ret) MUST_CHECK;
/* Of the organisation's rows of that state the newest `keep` stay, but no more than at_most go. */
enum err catalog_notifications_trim(struct sql_tx *tx, int64_t org, enum notification_state state,
                                    int64_t keep, int64_t at_most) MUST_CHECK;
/* Rows of that kind made since then. */
enum err catalog_notifications_recent(struct sql_tx *tx, int64_t org, struct bytes what,
                                      int64_t since_ns, int64_t *ret) MUST_CHECK;

struct notification_filter {
    int64_t user;       /* 0: everybody's and the organisation's own */
    int channel;        /* an enum notify_channel, -1 = any */
    int state;          /* an enum notification_state, -1 = any */
    struct bytes alert; /* uuid as text; empty: any */
    int64_t webhook;    /* 0: any */
};
/* Newest first. Sorts: id, createdAt. */
enum err catalog_notifications_list(struct sql_tx *tx, int64_t org,
                                    const struct notification_filter *filter,
                                    const struct catalog_page *page, struct arena *a,
                                    struct notification **ret, struct catalog_listing *ret_listing,
                                    struct why *why) MUST_CHECK;
struct notification_counts {
    int64_t pending, sent, failed;
};
enum err catalog_notifications_count(struct sql_tx *tx, int64_t org,
                                     const struct notification_filter *filter,
                                     struct notification_counts *ret) MUST_CHECK;
