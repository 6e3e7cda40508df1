/* The start order (see boot.h): each part needs only the ones above it, so the stop order is this
 * one reversed, but for what boot_stop() says. */
#include "app/boot.h"

#include "api/command_polls.h"
#include "api/dispatch.h"
#include "api/ingest_call.h"
#include "api/live_api.h"
#include "api/routes.h"
#include "app/boot_analytics.h"
#include "app/boot_cache.h"
#include "app/boot_mqtt.h"
#include "app/boot_nodes.h"
#include "app/boot_rates.h"
#include "app/boot_retention.h"
#include "app/fleet_turns.h"
#include "app/housekeeping.h"
#include "app/overrides.h"
#include "base/log.h"
#include "base/mem.h"
#include "service/auth_service.h"
#include "store/registry.h"

#include <stdio.h>

enum { TAP_BYTES_MAX = 16 << 20 };

static const char default_csp[] =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "connect-src 'self'; img-src 'self' data:; object-src 'none'";

static void note_stale_override(void *ctx, const char *key, const char *why)
{
    (void)ctx;
    LOG(LOG_WARN, "override_ignored", LOG_S("key", key), LOG_S("why", why));
}

/* --- the store -------------------------------------------------------------------------------- */

/* The data directory, and the store's own where store.url=embedded:DIR names another: both locked.
 * */
static enum err open_directories(struct boot *b, const char *data_dir, struct store_place *ret,
                                 struct why *why)
{
    enum data_dir_mode mode = b->for_command ? store_open_dir_mode(&b->settings) : DATA_DIR_CREATE;
    enum err e = data_dir_open(&b->dir, fs_real(), data_dir, mode, why);
    if (!e) e = store_open_place(&b->settings, b->dir.path, ret, why);
    if (!e && strcmp(ret->dir, b->dir.path) != 0)
        e = data_dir_open(&b->store_dir, fs_real(), ret->dir, DATA_DIR_CREATE, why);
    return e;
}

/* Whatever the configuration says: what listens there is for one command of this process. */
static void narrow(struct settings *s)
{
    s->server_address = "127.0.0.1";
    s->server_port = 0;
    s->server_loops = 1;
    s->log_level = LOG_ERROR;
}

static enum err open_store(struct boot *b, const char *data_dir, struct why *why)
{
    struct app *app = &b->app;
    struct settings *s = &b->settings;
    struct store_place place;
    enum err e = conf_fill(b->conf, s);
    if (!e) e = open_directories(b, data_dir, &place, why);
    b->store.role = b->for_command ? STORE_COMMAND : STORE_SERVER;
    if (!e) e = store_open_parts(&b->store, STORE_CATALOG, &place, s, app->clock, why);
    if (!e) e = boot_cache_watch(b);
    if (!e) e = overrides_load(b->conf, app->db, note_stale_override, NULL, why);
    if (!e) e = conf_fill(b->conf, s); /* the overrides kept in the store are above all others */
    if (!e && b->for_command) narrow(s);
    if (!e)
        e = store_open_parts(&b->store, STORE_TELEMETRY | STORE_REGISTRY, &place, s, app->clock,
                             why);
    app->nodes = b->store.nodes;
    app->telemetry = b->engine = b->store.telemetry;
    app->registry = b->store.registry;
    if (!e) e = boot_analytics_open(b);
    if (!e) e = boot_cache_open(b, why);
    if (!e) e = boot_rates_open(b, why);
    if (!e) e = boot_pilot_open(&b->pilot, app, s);
    if (!e) e = retention_new(&app->retention, s->retention_days);
    if (!e) e = boot_retention_load(b);
    return e;
}

static void close_store(struct boot *b)
{
    struct app *app = &b->app;
    if (app->registry && registry_save_seen(app->registry))
        LOG(LOG_WARN, "last_seen_not_saved", LOG_S("dir", b->dir.path));
    boot_analytics_close(b);
    store_open_close(&b->store);
    boot_cache_close(b);
    retention_free(app->retention);
    data_dir_close(&b->store_dir);
    data_dir_close(&b->dir);
}

/* --- who may ---------------------------------------------------------------------------------- */

static struct auth_limits auth_limits_of(const struct settings *s)
{
    return (struct auth_limits){
        .access_ns = s->access_token_ns,
        .refresh_ns = s->refresh_token_ns,
        .registration_enabled = s->registration_enabled,
        .password_min_chars = (unsigned)s->password_min_length,
        .attempts_per_minute = (unsigned)s->auth_per_minute,
    };
}

static enum err open_services(struct boot *b, struct why *why)
{
    struct app *app = &b->app;
    const struct auth_service_opts opts = {
        .db = app->db,
        .registry = app->registry,
        .clock = app->clock,
        .rnd = app->rnd,
        .jwt_secret = bytes_str(b->settings.jwt_secret),
        .limits = auth_limits_of(&b->settings),
        .pilot = app->limits,
        .public_url = bytes_str(b->settings.public_url),
        .send_mail = b->settings.smtp_host[0] ? notify_parts_send_mail : NULL,
        .mail_committed = notify_parts_wake,
        .send_mail_ctx = &b->notify,
        .tell_attempt = boot_nodes_tell_attempt,
        .tell_attempt_ctx = b,
    };
    enum err e = notify_parts_init(&b->notify, app, &b->settings, why);
    if (!e) e = auth_service_open(&app->auth, &opts, why);
    if (!e && !b->for_command)
        e = auth_bootstrap_run(app->auth, bytes_str(b->settings.admin_email),
                               bytes_str(b->settings.admin_password), &b->first, why);
    if (e) return e;
    b->devices = (struct device_service){
        .db = app->db,
        .registry = app->registry,
        .telemetry = app->telemetry,
        .clock = app->clock,
        .rnd = app->rnd,
        .limits = app->limits,
    };
    app->devices = &b->devices;
    b->commands.db = app->db;
    b->commands.clock = app->clock;
    app->commands = &b->commands;
    e = command_polls_new(&app->polls, app->clock);
    if (e) return e;
    const struct command_watcher watcher = command_polls_watcher(app->polls);
    command_service_watch(app->commands, &watcher);
    b->dashboards = (struct dashboard_service){
        .db = app->db,
        .registry = app->registry,
        .auth = app->auth,
        .clock = app->clock,
        .rnd = app->rnd,
        .limits = app->limits,
    };
    app->dashboards = &b->dashboards;
    boot_pilot_join(&b->pilot);
    return ERR_OK;
}

/* --- the pipeline ----------------------------------------------------------------------------- */

static struct batch_opts batch_opts_of(const struct settings *s, const struct clock *clock)
{
    return (struct batch_opts){
        .batch_records = (size_t)s->batch_records,
        .timeout_ns = s->batch_timeout_ns,
        .linger_ns = s->commit_linger_ns,
        .slots = (unsigned)s->batches_at_once,
        .queue_capacity = (size_t)s->queue_records,
        .each_request_alone = !s->async_processing,
        .clock = clock,
    };
}

static enum err copy_property_tags(struct boot *b)
{
    size_t n = 0;
    while (b->settings.property_tags[n]) n++;
    b->property_tags = mem_array(n, sizeof *b->property_tags);
    if (!b->property_tags) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) b->property_tags[i] = bytes_str(b->settings.property_tags[i]);
    b->app.property_tags = b->property_tags;
    b->app.property_tag_count = n;
    return ERR_OK;
}

static enum err open_pipeline(struct boot *b, struct why *why)
{
    struct app *app = &b->app;
    const struct settings *s = &b->settings;
    const struct admit_opts admit = {
        .registry = app->registry,
        .db = app->db,
        .retention = app->retention,
        .clock = app->clock,
        .auto_provision = s->auto_provision,
        .token_own_device = s->token_scope == SETTINGS_SCOPE_DEVICE,
    };
    const struct batch_opts batch = batch_opts_of(s, app->clock);
    enum err e = copy_property_tags(b);
    if (!e) e = admit_new(&app->admit, &admit);
    if (!e) e = live_hub_new(&app->hub, app);
    if (!e) e = tap_new(&app->tap, "tap", TAP_BYTES_MAX);
    if (!e) e = boot_rules_open(&b->rules, app);
    if (!e) e = boot_synthetics_open(&b->synthetics, app, why);
    if (e) return e;
    const struct tap_watcher watcher = live_hub_watcher(app->hub);
    tap_watch(app->tap, &watcher);
    const struct batch_tap tap = {b, boot_nodes_show};
    if (!(b->ingest_metrics = mem_zalloc(sizeof *b->ingest_metrics))) return ERR_NOMEM;
    app->ingest_metrics = b->ingest_metrics;
    return batch_new(&app->batch, &batch, app->telemetry, &tap);
}

static enum err open_executors(struct boot *b)
{
    struct app *app = &b->app;
    const struct settings *s = &b->settings;
    struct executor_opts async = {
        .name = "async",
        .core = (unsigned)s->async_core,
        .max = (unsigned)s->async_max,
        .queue_capacity = (size_t)s->async_queue,
        .share = s->async_max > 1 ? (unsigned)s->async_max / 4 + 1 : 1, /* of ON_PASSWORDS */
    };
    struct executor_opts telemetry = {
        .name = "telemetry",
        .core = (unsigned)s->telemetry_core,
        .max = (unsigned)s->telemetry_max,
        .queue_capacity = (size_t)s->telemetry_queue,
    };
    struct executor_opts analytics = {
        .name = "analytics",
        .core = (unsigned)s->analytics_core,
        .max = (unsigned)s->analytics_max,
        .queue_capacity = (size_t)s->analytics_queue,
        .share = s->analytics_max > 1 ? (unsigned)s->analytics_max / 2 : 1,
    };
    boot_performance_watch(&async);
    boot_performance_watch(&telemetry);
    boot_performance_watch(&analytics);
    enum err e = executor_new(&app->async, &async);
    if (!e) e = executor_new(&app->telemetry_pool, &telemetry);
    if (!e) e = executor_new(&app->analytics, &analytics);
    return e;
}

/* --- the network ------------------------------------------------------------------------------ */

static enum err open_server(struct boot *b, struct why *why)
{
    const struct settings *s = &b->settings;
    struct app *app = &b->app;
    enum err e = routes_new(&app->routes);
    if (e) return e;
    const struct http_server_opts opts = {
        .host = s->server_address,
        .port = (uint16_t)s->server_port,
        .loops = boot_mqtt_loops(s),
        .max_connections = (unsigned)s->server_max_connections,
        .max_per_address = (unsigned)s->server_per_address,
        .trusted_proxies = s->trusted_proxies,
        .idle_timeout_ns = s->server_idle_timeout_ns,
        .clock = app->clock,
        .rnd = app->rnd,
    };
    const struct http_handler handler = dispatch_handler(app);
    struct http_server *server;
    e = http_server_start(&server, &opts, &handler, why);
    if (!e) atomic_store(&app->server, server);
    return e;
}

/* --- settings that change while the server runs ----------------------------------------------- */

static void apply_live(struct boot *b)
{
    const struct settings *s = &b->settings;
    struct app *app = &b->app;
    atomic_store(&app->live.ack_durable, s->ack == SETTINGS_ACK_DURABLE);
    atomic_store(&app->live.max_data_points, (size_t)s->max_data_points);
    atomic_store(&app->live.query_timeout_ns, s->query_timeout_ns);
    atomic_store(&app->live.aggregation_timeout_ns, s->aggregation_timeout_ns);
    atomic_store(&app->live.registration_enabled, s->registration_enabled);
    log_set_level((enum log_level)s->log_level);
    retention_set_default(app->retention, s->retention_days);
    boot_pilot_apply(&b->pilot, s);
    boot_performance_apply(&b->performance, s);
    boot_watch_apply(&b->watch, s);
    const struct auth_limits limits = auth_limits_of(s);
    auth_service_set_limits(app->auth, &limits);
    const struct batch_opts batch = batch_opts_of(s, app->clock);
    batch_configure(app->batch, &batch);
    boot_cache_apply(b);
}

static void on_changed(void *ctx, const struct conf_entry *entry, bool applied)
{
    LOG(LOG_INFO, applied ? "config_applied" : "config_needs_restart", LOG_S("key", entry->key));
    if (applied) apply_live(ctx);
}

void boot_reload(struct boot *b)
{
    struct why why = {""};
    if (admin_reload(b->admin, &why))
        LOG(LOG_ERROR, "config_refused", LOG_S("why", why.text));
    else
        LOG(LOG_INFO, "config_reloaded", LOG_S("signal", "SIGHUP"));
}

static enum err open_admin(struct boot *b, struct why *why)
{
    struct app *app = &b->app;
    const struct admin_opts opts = {
        .dir = b->dir.path,
        .clock = app->clock,
        .db = app->db,
        .telemetry = app->telemetry,
        .engine = b->store.pool ? NULL : b->engine,
        .store_dir = b->store.pool          ? NULL
                     : b->store_dir.path[0] ? b->store_dir.path
                                            : b->dir.path,
        .retention = app->retention,
        .auth = app->auth,
        .devices = app->devices,
        .conf = b->conf,
        .settings = &b->settings,
        .changed = on_changed,
        .changed_ctx = b,
        .serving = true,
    };
    enum err e = admin_new(&b->admin, &opts);
    if (!e && !b->for_command) /* who comes meanwhile is told that the directory is in use */
        e = control_start(&b->control, b->dir.path, admin_verbs, admin_verb_count, b->admin, why);
    if (!e) boot_watch_take_admin(&b->watch, b->admin);
    if (!e) e = fleet_turns_new(&b->fleet_turns, &b->rules.fleet, app->analytics);
    if (!e)
        e = boot_analytics_turns_new(&b->analytics_turns, app, b->settings.analytics_refresh_ns);
    if (!e)
        e = housekeeping_start(&b->housekeeping, app, b->admin, b->fleet_turns, b->analytics_turns);
    return e;
}

static enum err start(struct boot *b, const char *data_dir, struct why *why)
{
    struct app *app = &b->app;
    app->clock = clock_real();
    app->rnd = rnd_system();
    app->started_wall_ns = clock_wall_ns(app->clock);
    app->started_mono_ns = clock_mono_ns(app->clock);
    why->text[0] = 0;
    enum err e = open_store(b, data_dir, why);
    if (!e) e = log_open((enum log_level)b->settings.log_level, b->settings.log_json != 0);
    b->logging = !e;
    if (!e) e = open_services(b, why);
    if (!e) e = open_pipeline(b, why);
    if (!e) e = open_executors(b);
    if (!e) e = boot_performance_open(&b->performance, app, &b->settings, b->store.pool, why);
    if (!e) e = boot_watch_open(&b->watch, app, &b->settings, b->store.pool, b->dir.path);
    if (!e) e = notify_parts_start(&b->notify, app, b->for_command);
    if (!e) {
        app->cors_origins = b->settings.cors_origins;
        e = dispatch_prepare(app, b->settings.web_csp[0] ? b->settings.web_csp : default_csp);
        app->ws_max_sessions = b->settings.ws_max_sessions;
        app->ws_idle_timeout_ns = b->settings.ws_idle_timeout_ns;
        apply_live(b);
        if (!e) e = open_admin(b, why);
    }
    if (!e) e = boot_nodes_open(b);
    if (!e) boot_rules_start(&b->rules);
    if (!e) boot_synthetics_start(&b->synthetics);
    if (!e) boot_nodes_listen(b);
    if (!e) e = boot_mqtt_open(b, why);
    if (!e) e = open_server(b, why); /* last: whoever connects finds everything there */
    if (!e) admin_set_url(b->admin, b->settings.server_address, http_server_port(app->server));
    if (e) {
        if (!why->text[0]) why_say(why, e, "%s", err_sentence(e));
        boot_stop(b);
    }
    return e;
}

enum err boot_start(struct boot *b, struct conf *conf, const char *data_dir, struct why *why)
{
    *b = (struct boot){.conf = conf, .dir.lock = FILE_CLOSED, .store_dir.lock = FILE_CLOSED};
    return start(b, data_dir, why);
}

enum err boot_start_for_command(struct boot *b, struct conf *conf, const char *data_dir,
                                struct why *why)
{
    *b = (struct boot){
        .conf = conf, .dir.lock = FILE_CLOSED, .store_dir.lock = FILE_CLOSED, .for_command = true};
    return start(b, data_dir, why);
}

/* Not the reverse of the start:
 * - What other servers tell comes to nobody any more; another one leads, if there is one.
 * - Commands, the notifier and the polls stop before HTTP, because requests wait for them: each is
 *   answered while there is a server. What is owed meanwhile waits in the outbox.
 * - The housekeeper stops before MQTT, which it looks after: it meets no stopped loop.
 * - Servers stop before the executors, because they wait for what executors still answer.
 * - Synthetic variables end before the queue that takes their results, rules behind it: they judge
 *   all that was written, results too. */
void boot_stop(struct boot *b)
{
    struct app *app = &b->app;
    control_stop(b->control);
    boot_nodes_mute(b);
    notify_parts_stop(&b->notify);
    command_polls_close(app->polls);
    http_server_stop(atomic_exchange(&app->server, NULL), b->settings.shutdown_timeout_ns);
    housekeeping_stop(b->housekeeping);
    boot_mqtt_stop(b);
    executor_free(app->analytics);
    fleet_turns_free(b->fleet_turns); /* behind the executor that runs them */
    boot_analytics_turns_free(b->analytics_turns);
    executor_free(app->telemetry_pool);
    executor_free(app->async);
    command_polls_free(app->polls);
    boot_mqtt_free(b);
    boot_synthetics_finish(&b->synthetics);
    batch_free(app->batch);
    boot_synthetics_close(&b->synthetics);
    boot_rules_close(&b->rules);
    tap_free(app->tap);
    live_hub_free(app->hub);
    admit_free(app->admit);
    boot_watch_close(&b->watch);
    boot_performance_close(&b->performance);
    admin_free(b->admin);
    notify_parts_done(&b->notify);
    auth_service_free(app->auth);
    boot_pilot_close(&b->pilot);
    close_store(b);
    routes_free(app->routes);
    buf_done(&app->security_lines);
    mem_free(b->ingest_metrics);
    mem_free(b->property_tags);
    if (b->logging) log_close();
    conf_free(b->conf);
    *b = (struct boot){.dir.lock = FILE_CLOSED, .store_dir.lock = FILE_CLOSED};
}
