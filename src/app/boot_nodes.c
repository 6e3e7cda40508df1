/* News of other servers (see boot_nodes.h). What cannot be read now is read with everything else
 * once the database answers (nodes_resync). */
#include "app/boot_nodes.h"

#include "api/live_alerts.h"
#include "api/live_api.h"
#include "api/mqtt_bridge_ingest.h"
#include "app/boot.h"
#include "app/boot_retention.h"
#include "base/log.h"
#include "cache/cache.h"
#include "model/device_status.h"
#include "pilot/quota.h"
#include "query/cached_catalog.h"
#include "rules/notifier.h"
#include "service/auth_news.h"
#include "store/catalog_alerts.h"
#include "store/nodes.h"
#include "store/registry_news.h"

#include <stdio.h>

enum { ALERT_BYTES = 1 << 20 };

void boot_nodes_show(void *boot, const struct record_set *set)
{
    struct boot *b = boot;
    tap_push(b->app.tap, set);
    tap_push(b->rules.tap, set);
    tap_push(b->synthetics.tap, set);
}

/* --- rows ------------------------------------------------------------------------------------- */

static enum err follow_device(struct boot *b, int64_t org, int64_t id)
{
    struct app *app = &b->app;
    struct reg_device *told = NULL;
    enum err e = registry_news_device(app->registry, org, id, &told);
    if (!e && told)
        live_hub_tell_status(app->hub, told,
                             device_status_name((enum device_status)atomic_load(&told->presence)),
                             clock_wall_ns(app->clock));
    return e;
}

static enum err follow_synthetics(struct boot *b, int64_t org, int64_t device)
{
    enum err e = registry_news_variables(b->app.registry, org, device);
    if (nodes_lead(b->app.nodes)) synthetics_changed(b->synthetics.engine, org, device);
    return e;
}

/* Its number, and behind it what became of it: see migration_nodes.c. */
static bool read_alert(struct bytes text, int64_t *ret_id, enum alert_change *ret)
{
    char what = text.n ? text.p[text.n - 1] : '\0';
    *ret = what == '+' ? ALERT_RAISED : what == '-' ? ALERT_RESOLVED : ALERT_ACKNOWLEDGED;
    return text.n && bytes_to_i64(bytes_of(text.p, text.n - 1), ret_id);
}

static enum err follow_alert(struct boot *b, int64_t org, struct bytes text)
{
    struct sql_tx *tx;
    struct arena arena;
    struct alert alert;
    int64_t id;
    enum alert_change change;
    if (!read_alert(text, &id, &change)) return ERR_OK;
    enum err e = sql_begin(b->app.db, SQL_READ, &tx);
    if (e) return e;
    arena_init(&arena, ALERT_BYTES);
    e = sql_end(tx, catalog_alerts_find(tx, org, id, &arena, &alert));
    if (!e) {
        const struct alerts_hook live = live_alerts_hook(b->app.hub);
        const struct alerts_hook rules = rule_followers_hook(b->rules.rule_followers);
        live.committed(live.ctx, &alert, change);
        if (nodes_lead(b->app.nodes)) rules.committed(rules.ctx, &alert, change);
    }
    arena_done(&arena);
    return e == ERR_NOTFOUND ? ERR_OK : e; /* pruned meanwhile */
}

static enum err follow_setting(struct boot *b, struct bytes key)
{
    if (auth_news_is_secret(key)) return auth_news_secret(b->app.auth);
    if (boot_retention_is_setting(key)) return boot_retention_follow(b, key);
    return admin_follow_setting(b->admin, key);
}

static void forget_sums(struct boot *b)
{
    cache_heard_all(b->app.cache, CACHE_ANALYTICS);
    cache_heard_all(b->app.cache, CACHE_QUERIES);
}

static enum err follow(struct boot *b, enum nodes_table table, int64_t org, int64_t id,
                       struct bytes name)
{
    struct app *app = &b->app;
    bool leads = nodes_lead(app->nodes);
    switch (table) {
    case NODES_DEVICES:
        return follow_device(b, org, id);
    case NODES_VARIABLES:
        return registry_news_variables(app->registry, org, id);
    case NODES_SYNTHETICS:
        return follow_synthetics(b, org, id);
    case NODES_USERS:
        return auth_news_user(app->auth, id);
    case NODES_KEYS:
        return auth_news_key(app->auth, org, id);
    case NODES_SESSIONS:
        return auth_news_session(app->auth, name);
    case NODES_SETTINGS:
        return follow_setting(b, name);
    case NODES_RULES:
        if (leads) rule_followers_changed(b->rules.rule_followers, org, id);
        return ERR_OK;
    case NODES_ALERTS:
        return follow_alert(b, org, name);
    case NODES_COMMANDS:
        command_service_heard(app->commands, org, id);
        return ERR_OK;
    case NODES_NOTIFICATIONS:
        if (leads) notify_parts_wake(&b->notify);
        return ERR_OK;
    case NODES_CUTOFFS:
        forget_sums(b);
        return ERR_OK;
    case NODES_CACHED:
        if (bytes_is(name, "organization_limits")) quota_changed(app->quota, org);
        return ERR_OK;
    }
    return ERR_OK; /* of a later version */
}

/* Which table's rows the caches hold; "" for none of them. */
static struct bytes cached_table(enum nodes_table table, struct bytes name)
{
    if (table == NODES_CACHED) return name;
    return table == NODES_DEVICES ? BYTES("devices")
           : table == NODES_USERS ? BYTES("users")
           : table == NODES_RULES ? BYTES("rules")
                                  : BYTES("");
}

/* Rows first: who reads behind the news reads them as they are. */
static void on_changed(void *boot, enum nodes_table table, int64_t org, int64_t id,
                       struct bytes name)
{
    struct boot *b = boot;
    unsigned subjects = cached_catalog_subjects(cached_table(table, name));
    enum err e = follow(b, table, org, id, name);
    if (subjects) cached_catalog_heard(b->app.cache, subjects, org);
    if (!e) return;
    LOG(LOG_WARN, "news_not_read", LOG_S("why", err_sentence(e)));
    nodes_resync(b->app.nodes);
}

/* --- readings --------------------------------------------------------------------------------- */

static void on_records(void *boot, const struct record_set *set)
{
    struct boot *b = boot;
    struct telemetry *t = b->app.telemetry;
    int64_t now_ns = clock_wall_ns(b->app.clock);
    t->ops->heard(t, set);
    for (size_t i = 0; i < set->record_count; i++) {
        const struct record *r = &set->records[i];
        registry_news_seen(b->app.registry, r->org, r->device, r->ts_ns, now_ns);
    }
    boot_nodes_show(b, set);
}

static void on_missed(void *boot)
{
    struct boot *b = boot;
    struct telemetry *t = b->app.telemetry;
    enum err e = t->ops->reread(t);
    LOG(LOG_INFO, "readings_read_again", LOG_S("outcome", err_sentence(e)));
    followers_again(b->rules.followers);
    tap_gap(b->synthetics.tap);
    if (e) nodes_resync(b->app.nodes);
}

static void on_told(void *boot, enum nodes_topic topic, struct bytes text)
{
    struct boot *b = boot;
    if (topic == NODES_RECOMPUTE) boot_synthetics_heard(&b->synthetics, text);
    if (topic == NODES_ATTEMPT) auth_news_attempt(b->app.auth, text);
}

void boot_nodes_tell_attempt(void *boot, struct bytes news)
{
    struct boot *b = boot;
    nodes_tell(b->app.nodes, NODES_ATTEMPT, news);
}

/* --- all of it -------------------------------------------------------------------------------- */

static void on_resync(void *boot)
{
    struct boot *b = boot;
    enum err e = registry_news_all(b->app.registry);
    if (!e) e = auth_news_all(b->app.auth);
    if (!e) e = boot_retention_load(b);
    LOG(LOG_INFO, "catalog_read_again", LOG_S("outcome", err_sentence(e)));
    if (e) nodes_resync(b->app.nodes);
    for (int i = 0; i < CACHE_IDS; i++) cache_heard_all(b->app.cache, (enum cache_id)i);
    on_missed(b);
}

static void on_lead(void *boot, bool leads)
{
    struct boot *b = boot;
    LOG(LOG_INFO, leads ? "leads" : "leads_no_more", LOG_I("node", b->app.nodes->number));
    followers_lead(b->rules.followers, leads);
    synthetics_lead(b->synthetics.engine, leads);
    notifier_pause(b->notify.notifier, !leads);
    mqtt_bridge_ingest_look(atomic_load(&b->app.bridge));
}

static void on_counted(void *boot, unsigned alive)
{
    struct boot *b = boot;
    LOG(LOG_INFO, "nodes", LOG_I("alive", alive), LOG_I("node", b->app.nodes->number));
}

enum err boot_nodes_open(struct boot *b)
{
    const struct nodes_hearer hearer = {
        .ctx = b,
        .changed = on_changed,
        .records = on_records,
        .told = on_told,
        .missed = on_missed,
        .resync = on_resync,
        .lead = on_lead,
        .counted = on_counted,
    };
    nodes_hear(b->app.nodes, &hearer);
    if (nodes_lead(b->app.nodes)) return ERR_OK;
    followers_lead(b->rules.followers, false);
    notifier_pause(b->notify.notifier, true);
    return registry_news_computed(b->app.registry);
}

void boot_nodes_listen(struct boot *b)
{
    nodes_listen(b->app.nodes);
}

void boot_nodes_mute(struct boot *b)
{
    nodes_mute(b->app.nodes);
}
