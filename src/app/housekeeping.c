/* What has to happen from time to time (see housekeeping.h): a table of jobs with their periods. A
 * job that fails is logged once and tried again at its next turn. */
#include "app/housekeeping.h"

#include "app/boot_analytics.h"
#include "app/cache_warmer.h"
#include "app/fleet_turns.h"

#include "api/command_polls.h"
#include "api/ingest_call.h"
#include "api/live_api.h"
#include "api/mqtt_api.h"
#include "base/log.h"
#include "base/mem.h"
#include "pilot/ledger.h"
#include "pilot/performance_costly.h"
#include "pilot/quota.h"
#include "pilot/rate_hours.h"
#include "pilot/watch.h"
#include "service/auth_users.h"
#include "service/command_service.h"
#include "service/device_health.h"
#include "service/device_presence.h"
#include "service/device_purge.h"
#include "service/organization_purge.h"
#include "store/nodes.h"
#include "store/registry.h"
#include "store/sql_plan.h"
#include "sys/lock.h"
#include "sys/thread.h"

#define WARM_SLICE_NS   (100 * NS_PER_MS)
#define HEALTH_SLICE_NS (50 * NS_PER_MS) /* of every second, while a pass is under way */

struct housekeeping {
    struct app *app;
    struct admin *admin;
    struct device_presence presence;
    struct device_health *health;
    struct fleet_turns *fleet;
    struct analytics_turns *analytics;
    struct cache_warmer *warmer;
    pthread_t thread;
    struct lock lock; /* guards closing */
    struct cond wake;
    bool closing;
};

static const struct actor self = {.name = {"system", 6}};

static enum err maintain_store(struct housekeeping *h)
{
    return telemetry_maintain(h->app->telemetry);
}

static enum err maintain_auth(struct housekeeping *h)
{
    return auth_service_maintain(h->app->auth);
}

static enum err watch_performance(struct housekeeping *h)
{
    performance_sample_tick(h->app->performance);
    return watch_tick(h->app->watch, nodes_lead(h->app->nodes));
}

static enum err refresh_performance(struct housekeeping *h)
{
    performance_costly_refresh(h->app->performance);
    return ERR_OK;
}

static enum err read_performance_ahead(struct housekeeping *h)
{
    performance_costly_read_ahead(h->app->performance);
    return ERR_OK;
}

/* What was slow is explained, a few at a time. */
static enum err explain_slow(struct housekeeping *h)
{
    size_t n = 0;
    return sql_plan_turn(h->app->db, clock_wall_ns(h->app->clock), 4, &n);
}

static enum err check_live(struct housekeeping *h)
{
    live_hub_check(h->app->hub);
    return ERR_OK;
}

static enum err note_minute(struct housekeeping *h)
{
    ingest_metrics_note_minute(h->app->ingest_metrics);
    return ERR_OK;
}

static void show_presence(void *ctx, const struct reg_device *d, enum device_status status,
                          int64_t at_ns)
{
    live_hub_tell_status(ctx, d, device_status_name(status), at_ns);
}

static enum err note_presence(struct housekeeping *h)
{
    size_t n = 0;
    return device_presence_run(&h->presence, &n);
}

static enum err note_health(struct housekeeping *h)
{
    bool done;
    return device_health_run(h->health, HEALTH_SLICE_NS, &done);
}

static enum err keep_quotas(struct housekeeping *h)
{
    enum err e = quota_maintain(h->app->quota), written = ledger_write(h->app->ledger);
    return e ? e : written;
}

static enum err keep_rate_hours(struct housekeeping *h)
{
    return rate_hours_write(h->app->rates, h->app->db, h->app->clock);
}

static enum err kick_fleet(struct housekeeping *h)
{
    return fleet_turns_kick(h->fleet);
}

static enum err kick_analytics(struct housekeeping *h)
{
    return boot_analytics_kick(h->analytics);
}

static enum err save_seen(struct housekeeping *h)
{
    return registry_save_seen(h->app->registry);
}

static enum err warm_caches(struct housekeeping *h)
{
    return cache_warmer_run(h->warmer, WARM_SLICE_NS);
}

static enum err retain(struct housekeeping *h)
{
    struct admin_retained retained = {0};
    struct why why = {""};
    enum err e = admin_retain(h->admin, &self, &retained, &why);
    if (!e && retained.points)
        LOG(LOG_INFO, "retention_dropped", LOG_I("points", retained.points),
            LOG_I("organizations", retained.organizations));
    return e;
}

static enum err purge_devices(struct housekeeping *h)
{
    size_t n = 0;
    enum err e = device_purge_run(h->app->devices, &n);
    if (n) LOG(LOG_INFO, "deleted_devices_purged", LOG_I("devices", n));
    return e;
}

static enum err check_polls(struct housekeeping *h)
{
    command_polls_check(h->app->polls);
    if (h->app->mqtt) mqtt_api_check(h->app->mqtt);
    return ERR_OK;
}

static enum err expire_commands(struct housekeeping *h)
{
    size_t n = 0;
    return command_service_expire(h->app->commands, &n);
}

static enum err retain_events(struct housekeeping *h)
{
    int64_t n = 0;
    bool more = false;
    enum err e = admin_retain_events(h->admin, &self, &n, &more);
    if (n) LOG(LOG_INFO, "old_events_removed", LOG_I("events", n));
    return e;
}

static enum err clean(struct housekeeping *h)
{
    struct cleanup_removed removed = {{0}};
    bool more = false;
    enum err e = admin_clean(h->admin, &self, &removed, &more);
    int64_t rows = 0;
    for (int i = 0; i < CLEANUP_SUBJECTS; i++) rows += removed.rows[i];
    if (!e && rows) LOG(LOG_INFO, "leftovers_removed", LOG_I("rows", rows));
    return e;
}

static enum err purge_users(struct housekeeping *h)
{
    size_t n = 0;
    enum err e = auth_users_purge(h->app->auth, &n);
    if (n) LOG(LOG_INFO, "deleted_users_forgotten", LOG_I("users", n));
    return e;
}

/* A bounded piece of one at a time. */
static enum err purge_organizations(struct housekeeping *h)
{
    bool more = false;
    return organization_purge_run(h->app->devices, &more);
}

static enum err check_backup(struct housekeeping *h)
{
    admin_backup_check(h->admin);
    return ERR_OK;
}

static const struct job {
    const char *name;
    int64_t period_ns;
    enum err (*run)(struct housekeeping *);
} jobs[] = {
    {"maintain_store", NS_PER_S, maintain_store},
    {"maintain_auth", NS_PER_S, maintain_auth},
    {"watch_performance", NS_PER_S, watch_performance},
    {"refresh_performance", NS_PER_MINUTE, refresh_performance},
    {"read_performance_ahead", 5 * NS_PER_S, read_performance_ahead},
    {"explain_slow_queries", NS_PER_S, explain_slow},
    {"check_live_sessions", NS_PER_S, check_live},
    {"check_command_polls", NS_PER_S, check_polls},
    {"expire_commands", 2 * NS_PER_S, expire_commands},
    {"note_throughput", NS_PER_MINUTE, note_minute},
    {"note_presence", 5 * NS_PER_S, note_presence},
    {"note_health", NS_PER_S, note_health},
    {"fleet_rules", NS_PER_S, kick_fleet},
    {"analytics", NS_PER_S, kick_analytics},
    {"warm_caches", NS_PER_S, warm_caches},
    {"quotas", NS_PER_S, keep_quotas},
    {"rate_hours", NS_PER_MINUTE, keep_rate_hours},
    {"save_last_seen", 10 * NS_PER_S, save_seen},
    {"retention", NS_PER_HOUR, retain},
    {"purge_deleted_devices", 10 * NS_PER_MINUTE, purge_devices},
    {"purge_deleted_organizations", NS_PER_MINUTE, purge_organizations},
    {"event_retention", 10 * NS_PER_MINUTE, retain_events},
    {"purge_deleted_users", 10 * NS_PER_MINUTE, purge_users},
    {"cleanup", 10 * NS_PER_MINUTE, clean},
    {"check_backup", NS_PER_MINUTE, check_backup},
};
enum { JOBS = sizeof jobs / sizeof *jobs };

/* Of those, what the server that leads does for all that share the store. */
static enum err (*const once[])(struct housekeeping *) = {
    expire_commands, note_presence,       kick_fleet,    kick_analytics, retain,
    purge_devices,   purge_organizations, retain_events, purge_users,    clean,
};

static bool is_another_ones(const struct housekeeping *h, int job)
{
    if (nodes_lead(h->app->nodes)) return false;
    for (size_t i = 0; i < sizeof once / sizeof *once; i++)
        if (jobs[job].run == once[i]) return true;
    return false;
}

static void run_job(struct housekeeping *h, int i, bool *failing)
{
    enum err e = jobs[i].run(h);
    if (e && !failing[i])
        LOG(LOG_ERROR, "job_failed", LOG_S("job", jobs[i].name), LOG_S("why", err_sentence(e)));
    if (!e && failing[i]) LOG(LOG_INFO, "job_recovered", LOG_S("job", jobs[i].name));
    failing[i] = e != ERR_OK;
}

static void *run(void *arg)
{
    struct housekeeping *h = arg;
    int64_t due_ns[JOBS];
    bool failing[JOBS] = {false};
    for (int i = 0; i < JOBS; i++) due_ns[i] = clock_mono_ns(h->app->clock) + jobs[i].period_ns;
    lock_take(&h->lock);
    while (!h->closing) {
        cond_wait_for(&h->wake, &h->lock, NS_PER_S);
        if (h->closing) break;
        lock_release(&h->lock);
        for (int i = 0; i < JOBS; i++) {
            if (clock_mono_ns(h->app->clock) < due_ns[i]) continue;
            due_ns[i] = clock_mono_ns(h->app->clock) + jobs[i].period_ns;
            if (is_another_ones(h, i)) continue;
            run_job(h, i, failing);
        }
        lock_take(&h->lock);
    }
    lock_release(&h->lock);
    return NULL;
}

enum err housekeeping_start(struct housekeeping **ret, struct app *app, struct admin *admin,
                            struct fleet_turns *fleet, struct analytics_turns *analytics)
{
    struct housekeeping *h = mem_zalloc(sizeof *h);
    if (!h) return ERR_NOMEM;
    h->app = app;
    h->admin = admin;
    h->fleet = fleet;
    h->analytics = analytics;
    h->presence = (struct device_presence){
        .db = app->db,
        .registry = app->registry,
        .clock = app->clock,
        .started_ns = app->started_wall_ns,
        .ctx = app->hub,
        .changed = show_presence,
    };
    lock_init(&h->lock, LOCK_RANK_EXECUTOR);
    cond_init(&h->wake);
    enum err e = device_health_new(&h->health, app->db, app->registry, app->telemetry, app->clock);
    if (!e) e = cache_warmer_new(&h->warmer, app);
    if (!e) e = thread_start(&h->thread, run, h, "housekeeper", 512 * 1024);
    if (e) {
        cache_warmer_free(h->warmer);
        device_health_free(h->health);
        mem_free(h);
        return e;
    }
    *ret = h;
    return ERR_OK;
}

void housekeeping_stop(struct housekeeping *h)
{
    if (!h) return;
    lock_take(&h->lock);
    h->closing = true;
    cond_signal(&h->wake);
    lock_release(&h->lock);
    pthread_join(h->thread, NULL);
    cond_done(&h->wake);
    lock_done(&h->lock);
    cache_warmer_free(h->warmer);
    device_health_free(h->health);
    mem_free(h);
}
