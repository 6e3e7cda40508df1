/* The pilot's part of the start order (see boot_pilot.h). */
#include "app/boot_pilot.h"

#include "base/log.h"
#include "pilot/rate_hours.h"
#include "pilot/rate_share.h"
#include "store/nodes.h"
#include "store/registry.h"

void boot_pilot_apply(struct boot_pilot *b, const struct settings *s)
{
    for (int i = 0; i < LIMITS; i++) atomic_store(&b->limits.max[i], s->limit_max[i]);
    atomic_store(&b->limits.lifted, !s->pilot_mode);
    atomic_store(&b->features.enabled, s->features_enabled);
    atomic_store(&b->features.disabled, s->features_disabled);
    atomic_store(&b->app->live.support_email, s->support_email);
    const struct rates_limits rates = {
        .enabled = s->rate_limiting,
        .per_minute = {s->requests_per_minute, s->reads_per_minute, s->telemetry_per_minute},
        .burst = {s->request_burst, 0, 0},
    };
    rates_configure(b->rates, &rates);
    quota_changed(b->quota, 0);
}

static unsigned count_nodes(void *nodes)
{
    return nodes_alive(nodes);
}

static void plan_changed(void *ctx, int64_t org)
{
    quota_changed(ctx, org);
}

enum err boot_pilot_open(struct boot_pilot *b, struct app *app, const struct settings *s)
{
    b->app = app;
    b->features.limits = &b->limits;
    const struct quota_opts quota = {app->db, app->clock, &b->limits};
    const struct rates_opts rates = {
        .clock = app->clock, .nodes = count_nodes, .nodes_ctx = app->nodes, .share = b->share};
    enum err e = quota_new(&b->quota, &quota);
    if (!e) e = ledger_new(&b->ledger, app->db, app->clock);
    if (!e) e = rates_new(&b->rates, &rates);
    if (e) return e;
    boot_pilot_apply(b, s);
    b->plans = (struct pilot_plans){
        .db = app->db,
        .clock = app->clock,
        .limits = &b->limits,
        .features = &b->features,
        .changed = plan_changed,
        .changed_ctx = b->quota,
    };
    registry_set_limits(app->registry, &b->limits);
    app->limits = &b->limits;
    app->plans = &b->plans;
    app->quota = b->quota;
    app->rates = b->rates;
    app->ledger = b->ledger;
    return ERR_OK;
}

void boot_pilot_join(struct boot_pilot *b)
{
    struct app *app = b->app;
    b->onboarding = (struct onboarding){app->auth, app->devices, app->dashboards, &b->plans};
    app->onboarding = &b->onboarding;
}

void boot_pilot_close(struct boot_pilot *b)
{
    enum err e = b->rates ? rate_hours_write(b->rates, b->app->db, b->app->clock) : ERR_OK;
    if (e) LOG(LOG_WARN, "last_minute_of_rates_not_kept", LOG_S("why", err_sentence(e)));
    ledger_free(b->ledger);
    rate_share_free(b->share);
    rates_free(b->rates);
    quota_free(b->quota);
    b->ledger = NULL;
    b->rates = NULL;
    b->share = NULL;
    b->quota = NULL;
}
