/* Webhooks and preferences (see catalog_webhooks.h). */
#include "store/catalog_webhooks.h"

#include "store/catalog_rows.h"

#define WEBHOOK                                                                                    \
    "SELECT id, org, name, url, secret, changes, min_severity, enabled, created_ns, updated_ns "   \
    "FROM webhooks WHERE org = $1 AND deleted_ns = 0 "
#define PREFERENCE                                                                                 \
    "SELECT p.id, p.org, p.user_id, p.channel, p.enabled, p.destination, p.secret, "               \
    "p.min_severity, p.created_ns, p.updated_ns, u.email FROM notification_preferences p "         \
    "JOIN users u ON u.org = p.org AND u.id = p.user_id WHERE p.org = $1 "

enum { WEBHOOKS_MAX = 1000, RECEIVERS_MAX = 100000 }; /* services allow far fewer */

static void read_webhook(struct catalog_reader *r, void *item)
{
    struct webhook *w = item;
    w->id = catalog_rows_int(r);
    w->org = catalog_rows_int(r);
    w->name = catalog_rows_text(r);
    w->url = catalog_rows_text(r);
    w->secret = catalog_rows_text(r);
    w->changes = (unsigned)catalog_rows_int(r);
    w->min_severity = (enum alert_severity)catalog_rows_int(r);
    w->enabled = catalog_rows_int(r) != 0;
    w->created_ns = catalog_rows_int(r);
    w->updated_ns = catalog_rows_int(r);
}

enum err catalog_webhooks_insert(struct sql_tx *tx, struct webhook *w)
{
    return catalog_rows_insert(
        tx,
        "INSERT INTO webhooks (org, name, url, secret, changes, min_severity, enabled, "
        "created_ns, updated_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
        SQL_ARGS(SQL_I(w->org), catalog_rows_opt(w->name), SQL_T(w->url), SQL_T(w->secret),
                 SQL_I(w->changes), SQL_I(w->min_severity), SQL_I(w->enabled), SQL_I(w->created_ns),
                 SQL_I(w->updated_ns)),
        &w->id);
}

enum err catalog_webhooks_find(struct sql_tx *tx, int64_t org, int64_t id, struct arena *a,
                               struct webhook *ret)
{
    return catalog_rows_one(tx, WEBHOOK "AND id = $2", SQL_ARGS(SQL_I(org), SQL_I(id)), a,
                            read_webhook, ret, sizeof *ret);
}

enum err catalog_webhooks_list(struct sql_tx *tx, int64_t org, struct arena *a,
                               struct webhook **ret, size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(tx, WEBHOOK "ORDER BY id", SQL_ARGS(SQL_I(org)), a, read_webhook,
                                  sizeof(struct webhook), WEBHOOKS_MAX, &items, ret_n);
    if (!e) *ret = items;
    return e;
}

enum err catalog_webhooks_count(struct sql_tx *tx, int64_t org, int64_t *ret)
{
    return catalog_rows_number(tx,
                               "SELECT count(*) FROM webhooks WHERE org = $1 AND deleted_ns = 0",
                               SQL_ARGS(SQL_I(org)), ret);
}

enum err catalog_webhooks_update(struct sql_tx *tx, const struct webhook *w)
{
    return catalog_rows_change(
        tx,
        "UPDATE webhooks SET name = $1, url = $2, secret = $3, changes = $4, min_severity = $5, "
        "enabled = $6, updated_ns = $7 WHERE org = $8 AND id = $9 AND deleted_ns = 0",
        SQL_ARGS(catalog_rows_opt(w->name), SQL_T(w->url), SQL_T(w->secret), SQL_I(w->changes),
                 SQL_I(w->min_severity), SQL_I(w->enabled), SQL_I(w->updated_ns), SQL_I(w->org),
                 SQL_I(w->id)));
}

enum err catalog_webhooks_delete(struct sql_tx *tx, int64_t org, int64_t id, int64_t now_ns)
{
    return catalog_rows_change(tx,
                               "UPDATE webhooks SET deleted_ns = $1, secret = '' "
                               "WHERE org = $2 AND id = $3 AND deleted_ns = 0",
                               SQL_ARGS(SQL_I(now_ns), SQL_I(org), SQL_I(id)));
}

/* --- preferences ------------------------------------------------------------------------------ */

static void read_preference(struct catalog_reader *r, void *item)
{
    struct notify_preference *p = item;
    p->id = catalog_rows_int(r);
    p->org = catalog_rows_int(r);
    p->user = catalog_rows_int(r);
    p->channel = (enum notify_channel)catalog_rows_int(r);
    p->enabled = catalog_rows_int(r) != 0;
    p->destination = catalog_rows_text(r);
    p->secret = catalog_rows_text(r);
    p->min_severity = (enum alert_severity)catalog_rows_int(r);
    p->created_ns = catalog_rows_int(r);
    p->updated_ns = catalog_rows_int(r);
    p->email = catalog_rows_text(r);
}

enum err catalog_webhooks_prefer(struct sql_tx *tx, struct notify_preference *p)
{
    enum err e = catalog_rows_insert(
        tx,
        "INSERT INTO notification_preferences (org, user_id, channel, enabled, destination, "
        "secret, min_severity, created_ns, updated_ns) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
        "ON CONFLICT (org, user_id, channel) DO UPDATE SET enabled = excluded.enabled, "
        "destination = excluded.destination, secret = excluded.secret, "
        "min_severity = excluded.min_severity, updated_ns = excluded.updated_ns RETURNING id",
        SQL_ARGS(SQL_I(p->org), SQL_I(p->user), SQL_I(p->channel), SQL_I(p->enabled),
                 catalog_rows_opt(p->destination), catalog_rows_opt(p->secret),
                 SQL_I(p->min_severity), SQL_I(p->created_ns), SQL_I(p->updated_ns)),
        &p->id);
    if (e) return e;
    return catalog_rows_number(
        tx, "SELECT created_ns FROM notification_preferences WHERE org = $1 AND id = $2",
        SQL_ARGS(SQL_I(p->org), SQL_I(p->id)), &p->created_ns);
}

enum err catalog_webhooks_preference(struct sql_tx *tx, int64_t org, int64_t user,
                                     enum notify_channel channel, struct arena *a,
                                     struct notify_preference *ret)
{
    return catalog_rows_one(tx, PREFERENCE "AND p.user_id = $2 AND p.channel = $3",
                            SQL_ARGS(SQL_I(org), SQL_I(user), SQL_I(channel)), a, read_preference,
                            ret, sizeof *ret);
}

enum err catalog_webhooks_preference_by_id(struct sql_tx *tx, int64_t org, int64_t id,
                                           struct arena *a, struct notify_preference *ret)
{
    return catalog_rows_one(tx, PREFERENCE "AND p.id = $2", SQL_ARGS(SQL_I(org), SQL_I(id)), a,
                            read_preference, ret, sizeof *ret);
}

static enum err list(struct sql_tx *tx, const char *sql, struct sql_args args, struct arena *a,
                     struct notify_preference **ret, size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(tx, sql, args, a, read_preference,
                                  sizeof(struct notify_preference), RECEIVERS_MAX, &items, ret_n);
    if (!e) *ret = items;
    return e;
}

enum err catalog_webhooks_preferences(struct sql_tx *tx, int64_t org, int64_t user, struct arena *a,
                                      struct notify_preference **ret, size_t *ret_n)
{
    return list(tx, PREFERENCE "AND p.user_id = $2 ORDER BY p.id",
                SQL_ARGS(SQL_I(org), SQL_I(user)), a, ret, ret_n);
}

enum err catalog_webhooks_unprefer(struct sql_tx *tx, int64_t org, int64_t user,
                                   enum notify_channel channel)
{
    return catalog_rows_change(tx,
                               "DELETE FROM notification_preferences "
                               "WHERE org = $1 AND user_id = $2 AND channel = $3",
                               SQL_ARGS(SQL_I(org), SQL_I(user), SQL_I(channel)));
}

enum err catalog_webhooks_receivers(struct sql_tx *tx, int64_t org, enum alert_severity severity,
                                    struct arena *a, struct notify_preference **ret, size_t *ret_n)
{
    return list(tx,
                PREFERENCE "AND p.enabled = 1 AND p.min_severity <= $2 AND u.enabled = 1 "
                           "AND u.deleted_ns = 0 ORDER BY p.id",
                SQL_ARGS(SQL_I(org), SQL_I(severity)), a, ret, ret_n);
}
