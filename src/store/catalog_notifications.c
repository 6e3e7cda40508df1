/* Deliveries (see catalog_notifications.h). */
#include "store/catalog_notifications.h"

#include "store/catalog_rows.h"

#include <stdio.h>

#define COLUMNS                                                                                    \
    "id, org, uuid, channel, webhook, preference, target, user_id, what, alert, destination, "     \
    "subject, message, payload, state, attempts, status, error, created_ns, next_ns, ended_ns"

enum { SQL_TEXT = CATALOG_WHERE_TEXT + 512 };

static void read_notification(struct catalog_reader *r, void *item)
{
    struct notification *n = item;
    n->id = catalog_rows_int(r);
    n->org = catalog_rows_int(r);
    catalog_rows_blob(r, n->uuid.b, sizeof n->uuid.b);
    n->channel = (enum notify_channel)catalog_rows_int(r);
    n->webhook = catalog_rows_int(r);
    n->preference = catalog_rows_int(r);
    n->target = catalog_rows_text(r);
    n->user = catalog_rows_int(r);
    n->what = catalog_rows_text(r);
    n->alert = catalog_rows_text(r);
    n->destination = catalog_rows_text(r);
    n->subject = catalog_rows_text(r);
    n->message = catalog_rows_text(r);
    n->payload = catalog_rows_text(r);
    n->state = (enum notification_state)catalog_rows_int(r);
    n->attempts = catalog_rows_int(r);
    n->status = catalog_rows_int(r);
    n->error = catalog_rows_text(r);
    n->created_ns = catalog_rows_int(r);
    n->next_ns = catalog_rows_int(r);
    n->ended_ns = catalog_rows_int(r);
}

enum err catalog_notifications_insert(struct sql_tx *tx, struct notification *n)
{
    return catalog_rows_insert(
        tx,
        "INSERT INTO notifications (org, uuid, channel, webhook, preference, target, user_id, "
        "what, alert, destination, subject, message, payload, state, attempts, status, error, "
        "created_ns, next_ns, ended_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
        "$12, $13, $14, $15, $16, $17, $18, $19, $20) RETURNING id",
        SQL_ARGS(SQL_I(n->org), SQL_B(bytes_of(n->uuid.b, sizeof n->uuid.b)), SQL_I(n->channel),
                 SQL_I(n->webhook), SQL_I(n->preference), SQL_T(n->target), SQL_I(n->user),
                 SQL_T(n->what), catalog_rows_opt(n->alert), SQL_T(n->destination),
                 catalog_rows_opt(n->subject), catalog_rows_opt(n->message),
                 catalog_rows_opt(n->payload), SQL_I(n->state), SQL_I(n->attempts),
                 SQL_I(n->status), catalog_rows_opt(n->error), SQL_I(n->created_ns),
                 SQL_I(n->next_ns), SQL_I(n->ended_ns)),
        &n->id);
}

enum err catalog_notifications_next(struct sql_tx *tx, const struct catalog_busy *busy,
                                    struct arena *a, struct notification *ret)
{
    struct catalog_where w = {0};
    char sql[SQL_TEXT];
    catalog_rows_where(&w, "state = ?", SQL_I(NOTIFICATION_PENDING));
    for (size_t i = 0; i < busy->target_count; i++)
        catalog_rows_where(&w, "target <> ?", SQL_T(busy->targets[i]));
    for (size_t i = 0; i < busy->org_count; i++)
        catalog_rows_where(&w, "org <> ?", SQL_I(busy->orgs[i]));
    /* "state = 0" once more as text: a planner that sees a parameter cannot use a partial index */
    int n = snprintf(sql, sizeof sql,
                     "SELECT " COLUMNS " FROM notifications WHERE state = 0 AND %s "
                     "ORDER BY next_ns, id LIMIT 1",
                     w.text);
    bug_if(n < 0 || (size_t)n >= sizeof sql);
    return catalog_rows_one(tx, sql, (struct sql_args){w.values, w.n}, a, read_notification, ret,
                            sizeof *ret);
}

enum err catalog_notifications_again(struct sql_tx *tx, const struct notification *n)
{
    return catalog_rows_change(tx,
                               "UPDATE notifications SET attempts = $1, status = $2, error = $3, "
                               "next_ns = $4 WHERE org = $5 AND id = $6 AND state = 0",
                               SQL_ARGS(SQL_I(n->attempts), SQL_I(n->status),
                                        catalog_rows_opt(n->error), SQL_I(n->next_ns),
                                        SQL_I(n->org), SQL_I(n->id)));
}

enum err catalog_notifications_end(struct sql_tx *tx, const struct notification *n)
{
    return catalog_rows_change(tx,
                               "UPDATE notifications SET state = $1, attempts = $2, status = $3, "
                               "error = $4, ended_ns = $5, payload = NULL "
                               "WHERE org = $6 AND id = $7 AND state = 0",
                               SQL_ARGS(SQL_I(n->state), SQL_I(n->attempts), SQL_I(n->status),
                                        catalog_rows_opt(n->error), SQL_I(n->ended_ns),
                                        SQL_I(n->org), SQL_I(n->id)));
}

enum err catalog_notifications_delay(struct sql_tx *tx, int64_t org, struct bytes target,
                                     int64_t until_ns)
{
    return sql_exec(tx,
                    "UPDATE notifications SET next_ns = $1 "
                    "WHERE state = 0 AND org = $2 AND target = $3 AND next_ns < $1",
                    SQL_ARGS(SQL_I(until_ns), SQL_I(org), SQL_T(target)), NULL);
}

static void read_queue(struct catalog_reader *r, void *item)
{
    struct catalog_queue *q = item;
    q->waiting = catalog_rows_int(r);
    q->last_ns = catalog_rows_int(r);
}

enum err catalog_notifications_queue(struct sql_tx *tx, int64_t org, struct bytes target,
                                     int64_t max, struct catalog_queue *ret)
{
    return catalog_rows_one(tx,
                            "SELECT count(*), max(next_ns) FROM (SELECT next_ns FROM notifications "
                            "WHERE state = 0 AND org = $1 AND target = $2 LIMIT $3) AS waiting",
                            SQL_ARGS(SQL_I(org), SQL_T(target), SQL_I(max)), NULL, read_queue, ret,
                            sizeof *ret);
}

enum err catalog_notifications_trim(struct sql_tx *tx, int64_t org, enum notification_state state,
                                    int64_t keep, int64_t at_most)
{
    return sql_exec(tx,
                    "DELETE FROM notifications WHERE org = $1 AND id IN ("
                    "SELECT id FROM notifications WHERE org = $1 AND state = $2 AND id <= ("
                    "SELECT id FROM notifications WHERE org = $1 AND state = $2 "
                    "ORDER BY id DESC LIMIT 1 OFFSET $3) ORDER BY id LIMIT $4)",
                    SQL_ARGS(SQL_I(org), SQL_I(state), SQL_I(keep), SQL_I(at_most)), NULL);
}

enum err catalog_notifications_recent(struct sql_tx *tx, int64_t org, struct bytes what,
                                      int64_t since_ns, int64_t *ret)
{
    /* the newest thousand of the organisation are enough to count a minute of tests */
    return catalog_rows_number(
        tx,
        "SELECT count(*) FROM (SELECT what, created_ns FROM notifications WHERE org = $1 "
        "ORDER BY id DESC LIMIT 1000) AS newest WHERE what = $2 AND created_ns >= $3",
        SQL_ARGS(SQL_I(org), SQL_T(what), SQL_I(since_ns)), ret);
}

static struct catalog_where where_of(int64_t org, const struct notification_filter *f)
{
    struct catalog_where w = {0};
    catalog_rows_where(&w, "org = ?", SQL_I(org));
    if (f->user) catalog_rows_where(&w, "user_id = ? AND user_id <> 0", SQL_I(f->user));
    if (f->channel >= 0) catalog_rows_where(&w, "channel = ?", SQL_I(f->channel));
    if (f->state >= 0) catalog_rows_where(&w, "state = ?", SQL_I(f->state));
    if (f->alert.n) catalog_rows_where(&w, "alert = ?", SQL_T(f->alert));
    if (f->webhook) catalog_rows_where(&w, "webhook = ? AND webhook <> 0", SQL_I(f->webhook));
    return w;
}

enum err catalog_notifications_list(struct sql_tx *tx, int64_t org,
                                    const struct notification_filter *filter,
                                    const struct catalog_page *page, struct arena *a,
                                    struct notification **ret, struct catalog_listing *ret_listing,
                                    struct why *why)
{
    static const struct catalog_sort sorts[] = {{"id", "id"}, {"createdAt", "created_ns"}};
    static const struct catalog_list list = {COLUMNS,
                                             "notifications",
                                             sorts,
                                             sizeof sorts / sizeof sorts[0],
                                             true,
                                             read_notification,
                                             sizeof(struct notification)};
    struct catalog_where where = where_of(org, filter);
    void *items;
    enum err e = catalog_rows_page(tx, &list, &where, page, a, &items, ret_listing, why);
    if (!e) *ret = items;
    return e;
}

static void read_count(struct catalog_reader *r, void *item)
{
    struct notification_counts *c = item;
    c->pending = catalog_rows_int(r);
    c->sent = catalog_rows_int(r);
    c->failed = catalog_rows_int(r);
}

enum err catalog_notifications_count(struct sql_tx *tx, int64_t org,
                                     const struct notification_filter *filter,
                                     struct notification_counts *ret)
{
    struct catalog_where w = where_of(org, filter);
    char sql[SQL_TEXT];
    int n = snprintf(sql, sizeof sql,
                     "SELECT sum(CASE WHEN state = 0 THEN 1 ELSE 0 END), "
                     "sum(CASE WHEN state = 1 THEN 1 ELSE 0 END), "
                     "sum(CASE WHEN state = 2 THEN 1 ELSE 0 END) FROM notifications WHERE %s",
                     w.text);
    bug_if(n < 0 || (size_t)n >= sizeof sql);
    return catalog_rows_one(tx, sql, (struct sql_args){w.values, w.n}, NULL, read_count, ret,
                            sizeof *ret);
}
