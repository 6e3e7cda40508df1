/* The rules' part of the start order (see boot_rules.h). */
#include "app/boot_rules.h"

#include "api/live_alerts.h"
#include "service/device_service.h"

enum { TAP_BYTES_MAX = 16 << 20 };

static void wake(void *tap)
{
    tap_wake(tap);
}

static void rule_changed(void *ctx, int64_t org, int64_t rule)
{
    rule_followers_changed(ctx, org, rule);
}

static enum err open_followers(struct boot_rules *b)
{
    struct app *app = b->app;
    const struct followers_opts opts = {app->registry, app->telemetry, app->clock};
    enum err e = followers_new(&b->followers, &opts);
    if (e) return e;
    const struct rule_followers_opts rules = {
        .db = app->db,
        .alerts = &b->alerts,
        .followers = b->followers,
        .clock = app->clock,
        .rnd = app->rnd,
    };
    e = rule_followers_new(&b->rule_followers, &rules);
    if (!e) e = tap_new(&b->tap, "rules", TAP_BYTES_MAX);
    if (!e) followers_set_waker(b->followers, wake, b->tap);
    return e;
}

enum err boot_rules_open(struct boot_rules *b, struct app *app)
{
    b->app = app;
    alerts_init(&b->alerts, app->clock);
    enum err e = open_followers(b);
    if (e) return e;
    const struct alerts_hook live = live_alerts_hook(app->hub);
    const struct alerts_hook rules = rule_followers_hook(b->rule_followers);
    alerts_add_hook(&b->alerts, &live);
    alerts_add_hook(&b->alerts, &rules);
    b->alert_service = (struct alert_service){app->db, &b->alerts, app->clock};
    b->rule_service = (struct rule_service){
        .db = app->db,
        .registry = app->registry,
        .telemetry = app->telemetry,
        .alerts = &b->alerts,
        .clock = app->clock,
        .rnd = app->rnd,
        .limits = app->limits,
        .changed = rule_changed,
        .changed_ctx = b->rule_followers,
    };
    b->fleet = (struct fleet_engine){
        .db = app->db,
        .registry = app->registry,
        .telemetry = app->telemetry,
        .clock = app->clock,
        .rnd = app->rnd,
        .alerts = &b->alerts,
    };
    b->fleet_rules.engine = &b->fleet;
    b->fleet_rules.limits = app->limits;
    app->fleet_rules = &b->fleet_rules;
    app->devices->watcher = rule_devices_watcher(&b->rule_service);
    app->alerts = &b->alerts;
    app->alert_service = &b->alert_service;
    app->rules = &b->rule_service;
    return ERR_OK;
}

void boot_rules_start(struct boot_rules *b)
{
    const struct tap_watcher watcher = {
        .ctx = b->followers,
        .watches = followers_watches,
        .on_records = followers_on_records,
        .on_gap = followers_on_gap,
        .on_idle = followers_on_idle,
    };
    tap_watch(b->tap, &watcher);
}

void boot_rules_close(struct boot_rules *b)
{
    if (b->followers) followers_stop(b->followers);
    tap_free(b->tap);
    rule_followers_free(b->rule_followers);
    followers_free(b->followers);
}
