/* What becomes of rules when their device is deleted or comes back (K2 of rule_service.h). */
#include "service/rule_service.h"
#include "store/catalog_alerts.h"

enum { AT_ONCE = 500 };
#define ARENA_BYTES ((size_t)8 << 20)

static enum err resolve_some(struct rule_service *s, struct sql_tx *tx, const struct actor *actor,
                             const struct device *d, struct arena *arena, size_t *ret_n)
{
    struct alert *alerts = NULL;
    bool changed;
    enum err e = catalog_alerts_list_open(tx, d->org, d->id, AT_ONCE, arena, &alerts, ret_n);
    for (size_t i = 0; !e && i < *ret_n; i++)
        e = alerts_resolve(s->alerts, tx, &alerts[i], d->deleted_ns, actor, &changed);
    return e;
}

static enum err removing(void *ctx, struct sql_tx *tx, const struct actor *actor,
                         const struct device *d)
{
    struct rule_service *s = ctx;
    struct arena arena;
    size_t n = AT_ONCE;
    enum err e = ERR_OK;
    arena_init(&arena, ARENA_BYTES);
    while (!e && n == AT_ONCE) {
        n = 0;
        e = resolve_some(s, tx, actor, d, &arena, &n);
        arena_reset(&arena);
    }
    arena_done(&arena);
    return e ? e : catalog_rules_retire_device(tx, d->org, d->id);
}

/* The alerts that the deletion resolved, for those who show them; who has many sees the newest. */
static void show_resolved(struct rule_service *s, struct sql_tx *tx, const struct device *d,
                          struct arena *arena)
{
    const struct alert_filter filter = {.severity = -1, .device = d->id};
    const struct catalog_page page = {.size = AT_ONCE, .no_total = true};
    struct alert *alerts = NULL;
    struct catalog_listing l = {0};
    if (catalog_alerts_list(tx, d->org, &filter, &page, arena, &alerts, &l, NULL)) return;
    for (size_t i = 0; i < l.count; i++)
        if (alerts[i].resolved_ns == d->deleted_ns)
            alerts_committed(s->alerts, &alerts[i], ALERT_RESOLVED);
}

static enum err tell_of_each(struct rule_service *s, struct sql_tx *tx, const struct device *d)
{
    int64_t ids[AT_ONCE], after = 0;
    size_t n = AT_ONCE;
    enum err e = ERR_OK;
    while (!e && n == AT_ONCE) {
        n = 0;
        e = catalog_rules_list_device(tx, d->org, d->id, after, ids, AT_ONCE, &n);
        for (size_t i = 0; i < n && !e; i++) s->changed(s->changed_ctx, d->org, after = ids[i]);
    }
    return e;
}

static void changed(void *ctx, const struct device *d)
{
    struct rule_service *s = ctx;
    struct sql_tx *tx;
    struct arena arena;
    if (!s->changed) return;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (!e) {
        arena_init(&arena, ARENA_BYTES);
        e = tell_of_each(s, tx, d);
        if (d->deleted_ns) show_resolved(s, tx, d, &arena);
        sql_rollback(tx);
        arena_done(&arena);
    }
    if (e) s->changed(s->changed_ctx, d->org, 0);
}

struct device_watcher rule_devices_watcher(struct rule_service *s)
{
    return (struct device_watcher){s, removing, changed};
}
