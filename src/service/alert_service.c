/* Alerts for people (see alert_service.h). */
#include "service/alert_service.h"

static enum err find_in(struct sql_tx *tx, int64_t org, struct bytes text, struct arena *arena,
                        struct alert *ret)
{
    struct uuid uuid;
    if (!uuid_parse(text, &uuid)) return ERR_NOTFOUND;
    return catalog_alerts_find_uuid(tx, org, &uuid, arena, ret);
}

enum err alert_service_find(struct alert_service *s, int64_t org, struct bytes uuid,
                            struct arena *arena, struct alert *ret)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    return e ? e : sql_end(tx, find_in(tx, org, uuid, arena, ret));
}

enum err alert_service_list(struct alert_service *s, int64_t org, const struct alert_filter *filter,
                            const struct catalog_page *page, struct arena *arena,
                            struct alert **ret, struct catalog_listing *ret_listing,
                            struct why *why)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_alerts_list(tx, org, filter, page, arena, ret, ret_listing, why);
    return sql_end(tx, e);
}

typedef enum err change_fn(struct alerts *a, struct sql_tx *tx, struct alert *alert, int64_t at_ns,
                           const struct actor *by, bool *ret_changed);

static enum err change(struct alert_service *s, const struct actor *actor, struct bytes uuid,
                       change_fn *fn, enum alert_change what, struct arena *arena,
                       struct alert *ret)
{
    struct sql_tx *tx;
    struct alert alert;
    bool changed = false;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = find_in(tx, actor->org, uuid, arena, &alert);
    if (!e) e = fn(s->alerts, tx, &alert, clock_wall_ns(s->clock), actor, &changed);
    e = sql_end(tx, e);
    if (e) return e;
    if (changed) alerts_committed(s->alerts, &alert, what);
    *ret = alert;
    return ERR_OK;
}

enum err alert_service_acknowledge(struct alert_service *s, const struct actor *actor,
                                   struct bytes uuid, struct arena *arena, struct alert *ret)
{
    return change(s, actor, uuid, alerts_acknowledge, ALERT_ACKNOWLEDGED, arena, ret);
}

enum err alert_service_resolve(struct alert_service *s, const struct actor *actor,
                               struct bytes uuid, struct arena *arena, struct alert *ret)
{
    return change(s, actor, uuid, alerts_resolve, ALERT_RESOLVED, arena, ret);
}
