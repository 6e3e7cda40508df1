/* Prometheus text of everything that is counted. Labels are routes, methods, statuses, stages and
 * executors: all bounded by tables of ours, never a device or an organisation. */
#include "api/handlers.h"
#include "api/ingest_call.h"
#include "api/live_api.h"
#include "api/metrics_operations.h"
#include "api/mqtt_bridge_ingest.h"
#include "api/routes.h"
#include "base/log.h"
#include "build_info.h"
#include "cache/cache.h"
#include "perf/prometheus.h"
#include "pilot/performance.h"
#include "pilot/watch.h"
#include "service/notify_service.h"

#include <stdio.h>
#include <sys/resource.h>

static void write_requests(struct app *app, struct buf *b)
{
    struct route_table *t = app->routes;
    char labels[256];
    prometheus_family(b, "sensorvision_http_requests_total", "counter",
                      "Answered requests by method, route and status.");
    for (size_t i = 0; i < routes_count(t); i++) {
        const struct route *r = routes_at(t, i);
        struct route_figures *f = routes_figures(t, r);
        for (int s = 0; s < ROUTE_STATUSES; s++) {
            uint64_t n = atomic_load_explicit(&f->by_status[s], memory_order_relaxed);
            if (!n) continue;
            snprintf(labels, sizeof labels, "method=\"%s\",route=\"%s\",status=\"%d\"",
                     http1_method_name(r->method), r->path, route_statuses[s]);
            prometheus_count(b, "sensorvision_http_requests_total", labels, n);
        }
    }
}

static void write_durations(struct app *app, struct buf *b)
{
    static const char name[] = "sensorvision_http_request_duration_seconds";
    struct route_table *t = app->routes;
    char labels[256];
    prometheus_family(b, name, "histogram",
                      "From the complete head to the written answer, by route.");
    for (size_t i = 0; i < routes_count(t); i++) {
        const struct route *r = routes_at(t, i);
        struct route_figures *f = routes_figures(t, r);
        if (!histogram_count(&f->probe.took)) continue; /* twenty lines for each of hundreds */
        snprintf(labels, sizeof labels, "method=\"%s\",route=\"%s\"", http1_method_name(r->method),
                 r->path);
        prometheus_histogram(b, name, labels, &f->probe.took);
    }
}

/* All routes of the API together. */
static void write_api_response(struct app *app, struct buf *b)
{
    static const char name[] = "sensorvision_api_response_seconds";
    struct histogram all = {0};
    for (size_t i = 0; i < routes_count(app->routes); i++) {
        struct route_figures *f = routes_figures(app->routes, routes_at(app->routes, i));
        for (int k = 0; k < HISTOGRAM_BUCKETS; k++)
            all.buckets[k] += atomic_load_explicit(&f->probe.took.buckets[k], memory_order_relaxed);
        all.sum_ns += atomic_load_explicit(&f->probe.took.sum_ns, memory_order_relaxed);
    }
    prometheus_family(b, name, "histogram", "Response time of all routes together.");
    prometheus_histogram(b, name, NULL, &all);
}

static void write_gauge(struct buf *b, const char *name, const char *help, double value)
{
    prometheus_family(b, name, "gauge", help);
    prometheus_sample(b, name, NULL, value);
}

static void write_total(struct buf *b, const char *name, const char *help, uint64_t value)
{
    prometheus_family(b, name, "counter", help);
    prometheus_count(b, name, NULL, value);
}

static void write_ingest(struct app *app, struct buf *b)
{
    static const char stages[] = "sensorvision_telemetry_processing_seconds";
    const struct ingest_metrics *m = app->ingest_metrics;
    const struct batch_timings *t = batch_read_timings(app->batch);
    static const char messages[] = "sensorvision_telemetry_messages_total";
    prometheus_family(b, messages, "counter", "Telemetry requests by the way they came.");
    prometheus_count(b, messages, "transport=\"http\"", counter_read(&m->messages_http));
    prometheus_count(b, messages, "transport=\"line_protocol\"",
                     counter_read(&m->messages_line_protocol));
    prometheus_count(b, messages, "transport=\"import\"", counter_read(&m->messages_import));
    prometheus_count(b, messages, "transport=\"mqtt\"", counter_read(&m->messages_mqtt));
    prometheus_family(b, "sensorvision_telemetry_points_total", "counter", "Points made durable.");
    prometheus_count(b, "sensorvision_telemetry_points_total", NULL, counter_read(&m->points));
    write_gauge(b, "sensorvision_telemetry_throughput_per_hour",
                "Points made durable in the last 60 minutes, to the minute.",
                (double)ingest_metrics_last_hour(m));
    prometheus_family(b, stages, "histogram", "Time a request spends in each stage of ingest.");
    prometheus_histogram(b, stages, "stage=\"decode\"", &m->decode);
    prometheus_histogram(b, stages, "stage=\"admit\"", &m->admit);
    prometheus_histogram(b, stages, "stage=\"queue\"", &t->queued);
    prometheus_histogram(b, stages, "stage=\"write\"", &t->written);
}

static void write_mqtt(struct app *app, struct buf *b)
{
    struct mqtt_api_stats s;
    struct mqtt_api *mqtt = atomic_load(&app->mqtt);
    if (!mqtt) return;
    mqtt_api_read_stats(mqtt, &s);
    write_gauge(b, "sensorvision_mqtt_connections", "Open MQTT connections.",
                s.server.open_connections);
    write_gauge(b, "sensorvision_mqtt_sessions_away", "MQTT sessions kept without a connection.",
                s.server.sessions_away);
    write_total(b, "sensorvision_mqtt_accepted_total", "MQTT connections that came.",
                s.server.accepted);
    write_total(b, "sensorvision_mqtt_connections_refused_total",
                "MQTT connections closed because there were too many.",
                s.server.refused_connections);
    write_total(b, "sensorvision_mqtt_taken_over_total",
                "MQTT connections ended by a newer one of the same client.", s.server.taken_over);
    write_total(b, "sensorvision_mqtt_malformed_total",
                "MQTT connections ended because of what they sent.", s.server.malformed);
    write_total(b, "sensorvision_mqtt_refused_total", "MQTT messages that were not taken.",
                s.refused);
}

static void write_bridge(struct app *app, struct buf *b)
{
    struct mqtt_bridge_stats s;
    struct mqtt_bridge_ingest *bridge = atomic_load(&app->bridge);
    if (!bridge) return;
    mqtt_bridge_ingest_read(bridge, &s);
    if (s.wanted) /* elsewhere it would be a broker that is away */
        write_gauge(b, "sensorvision_mqtt_broker_connected",
                    "1 while the other broker is there; of the server that reads it.", s.connected);
    write_total(b, "sensorvision_mqtt_broker_messages_total",
                "Messages of the other broker made durable.", s.messages);
    write_total(b, "sensorvision_mqtt_broker_refused_total",
                "Messages of the other broker that were not taken.", s.refused);
}

static void write_batches(struct app *app, struct buf *b)
{
    struct batch_stats s;
    batch_read_stats(app->batch, &s);
    write_gauge(b, "sensorvision_telemetry_queue_depth", "Records waiting to be made durable.",
                (double)s.pending_records);
    write_gauge(b, "sensorvision_telemetry_active_batches", "Batches being written now.",
                s.active_batches);
    write_total(b, "sensorvision_telemetry_records_written_total", "Records made durable.",
                s.records_written);
    write_total(b, "sensorvision_telemetry_batches_failed_total", "Batches with a refused write.",
                s.batches_failed);
    write_total(b, "sensorvision_telemetry_records_retried_total",
                "Records written again alone after their group failed.", s.records_retried);
    write_total(b, "sensorvision_telemetry_records_refused_total",
                "Records refused one by one, with their reason.",
                counter_read(&app->ingest_metrics->records_refused));
    write_total(b, "sensorvision_telemetry_queue_full_total",
                "Requests refused because the queue was full.", s.refused_full);
    write_total(b, "sensorvision_live_records_dropped_total",
                "Records the live sockets were shown only as newest values.",
                tap_dropped(app->tap));
    write_gauge(b, "sensorvision_live_sessions", "Open live sockets.",
                (double)live_hub_sessions(app->hub));
}

static void write_store(struct app *app, struct buf *b)
{
    struct telemetry_stats s;
    telemetry_read_stats(app->telemetry, &s);
    prometheus_family(b, "sensorvision_store_bytes", "gauge", "Bytes on disk by kind.");
    prometheus_count(b, "sensorvision_store_bytes", "kind=\"wal\"", s.wal_bytes);
    prometheus_count(b, "sensorvision_store_bytes", "kind=\"raw\"", s.raw_bytes);
    prometheus_count(b, "sensorvision_store_bytes", "kind=\"rollup\"", s.rollup_bytes);
    write_gauge(b, "sensorvision_store_head_points", "Points in memory, not sealed yet.",
                (double)s.head_points);
    write_gauge(b, "sensorvision_store_blocks", "Sealed blocks.", (double)s.blocks);
    write_gauge(b, "sensorvision_store_writable", "1 while writes can be made durable.",
                s.writable);
    double free_bytes, disk_bytes;
    if (watch_read_disk(app->watch, &free_bytes, &disk_bytes)) {
        write_gauge(b, "sensorvision_disk_free_bytes", "Free, of the data directory's disk.",
                    free_bytes);
        write_gauge(b, "sensorvision_disk_size_bytes", "All of that disk.", disk_bytes);
    }
    write_total(b, "sensorvision_store_flushes_total", "Times heads were sealed.", s.flushes);
    write_total(b, "sensorvision_store_merges_total", "Times small files were merged.", s.merges);
}

static void write_executor(struct buf *b, const char *family, const char *pool, double value)
{
    char labels[64];
    snprintf(labels, sizeof labels, "pool=\"%s\"", pool);
    prometheus_sample(b, family, labels, value);
}

static void write_executors(struct app *app, struct buf *b)
{
    struct executor *const pools[] = {app->async, app->telemetry_pool, app->analytics};
    static const char *const names[] = {"async", "telemetry", "analytics"};
    struct executor_stats stats[3];
    for (int i = 0; i < 3; i++) stats[i] = executor_read_stats(pools[i]);
    prometheus_family(b, "sensorvision_executor_threads", "gauge", "Threads of an executor.");
    for (int i = 0; i < 3; i++)
        write_executor(b, "sensorvision_executor_threads", names[i], stats[i].threads);
    prometheus_family(b, "sensorvision_executor_active", "gauge", "Threads that are not idle.");
    for (int i = 0; i < 3; i++)
        write_executor(b, "sensorvision_executor_active", names[i], stats[i].active);
    prometheus_family(b, "sensorvision_executor_queued", "gauge", "Work waiting for a thread.");
    for (int i = 0; i < 3; i++)
        write_executor(b, "sensorvision_executor_queued", names[i], (double)stats[i].queued);
    prometheus_family(b, "sensorvision_executor_completed_total", "counter", "Work done.");
    for (int i = 0; i < 3; i++)
        write_executor(b, "sensorvision_executor_completed_total", names[i],
                       (double)stats[i].completed);
    prometheus_family(b, "sensorvision_executor_rejected_total", "counter", "Work refused: full.");
    for (int i = 0; i < 3; i++)
        write_executor(b, "sensorvision_executor_rejected_total", names[i],
                       (double)stats[i].rejected);
}

static void write_process(struct app *app, const struct performance_sample *sample, struct buf *b)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    double cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                 (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
    prometheus_family(b, "process_cpu_seconds_total", "counter", "User and system CPU time.");
    prometheus_sample(b, "process_cpu_seconds_total", NULL, cpu);
    struct process_memory memory;
    struct rlimit files = {0};
    process_figures_memory(&memory);
    getrlimit(RLIMIT_NOFILE, &files);
    write_gauge(b, "process_resident_memory_bytes", "Resident memory.", (double)memory.resident);
    double ratio = (double)memory.resident / (double)sample->memory_limit;
    write_gauge(b, "sensorvision_memory_usage_ratio", "Resident memory of what the machine has.",
                ratio);
    write_gauge(b, "sensorvision_jvm_memory_usage_percent",
                "The same from 0 to 100, under the name old dashboards read.", ratio * 100);
    write_gauge(b, "process_virtual_memory_bytes", "Virtual memory.", (double)memory.virtual_bytes);
    write_gauge(b, "process_open_fds", "Open file descriptors.", sample->descriptors);
    write_gauge(b, "process_max_fds", "File descriptors at most.", (double)files.rlim_cur);
    write_gauge(b, "process_start_time_seconds", "Start, in seconds since 1970.",
                (double)app->started_wall_ns / 1e9);
    prometheus_family(b, "sensorvision_build_info", "gauge", "1, labelled with what was built.");
    prometheus_sample(b, "sensorvision_build_info",
                      "version=\"" BUILD_VERSION "\",commit=\"" BUILD_COMMIT "\"", 1);
}

static void write_activity(const struct performance_sample *sample, struct buf *b)
{
    write_gauge(b, "sensorvision_active_devices_24h", "Devices seen within 24 hours.",
                (double)sample->devices);
    write_gauge(b, "sensorvision_pilot_organizations_active",
                "Organisations with a device seen within 24 hours.", (double)sample->orgs);
}

static void write_errors(struct app *app, struct buf *b)
{
    struct batch_stats batch;
    uint64_t answers = 0;
    for (size_t i = 0; i < routes_count(app->routes); i++) {
        struct route_figures *f = routes_figures(app->routes, routes_at(app->routes, i));
        for (int s = 0; s < ROUTE_STATUSES; s++)
            if (route_statuses[s] >= 500)
                answers += atomic_load_explicit(&f->by_status[s], memory_order_relaxed);
    }
    batch_read_stats(app->batch, &batch);
    prometheus_family(b, "sensorvision_errors_total", "counter", "What went wrong, by kind.");
    prometheus_count(b, "sensorvision_errors_total", "kind=\"http_5xx\"", answers);
    prometheus_count(b, "sensorvision_errors_total", "kind=\"write_failed\"", batch.batches_failed);
    prometheus_count(b, "sensorvision_errors_total", "kind=\"queue_full\"", batch.refused_full);
    prometheus_count(b, "sensorvision_errors_total", "kind=\"log_line_dropped\"", log_dropped());
}

static void write_server(struct app *app, struct buf *b)
{
    struct http_server *server = atomic_load(&app->server);
    if (!server) return;
    struct http_server_stats s;
    http_server_read_stats(server, &s);
    write_total(b, "sensorvision_http_connections_total", "Accepted connections.", s.accepted);
    write_total(b, "sensorvision_http_connections_refused_total", "Connections refused by a limit.",
                s.refused_connections);
    write_total(b, "sensorvision_http_malformed_requests_total", "Requests the HTTP codec refused.",
                s.refused_requests);
    write_gauge(b, "sensorvision_http_connections_open", "Open connections.", s.open_connections);
}

static void write_notifications(struct app *app, struct buf *b)
{
    static const char name[] = "sensorvision_notifications_total";
    const struct notifier_stats s = notifier_read_stats(app->notify->notifier);
    prometheus_family(b, name, "counter",
                      "Attempts to deliver, by what followed: delivered, tried again, given up.");
    prometheus_count(b, name, "result=\"delivered\"", s.delivered);
    prometheus_count(b, name, "result=\"retried\"", s.retried);
    prometheus_count(b, name, "result=\"failed\"", s.failed);
}

enum cache_column {
    CACHE_RATIO,
    CACHE_HITS,
    CACHE_MISSES,
    CACHE_SIZE,
    CACHE_BYTES,
    CACHE_EVICTIONS,
    CACHE_COLUMNS
};

static double cache_figure(const struct cache_figures *f, enum cache_column column)
{
    double sum = 0;
    if (column == CACHE_RATIO) return cache_hit_ratio(f);
    if (column == CACHE_HITS) return (double)f->hits;
    if (column == CACHE_MISSES) return (double)f->misses;
    for (int tier = 0; tier < CACHE_TIERS; tier++) {
        const struct cache_stats *s = &f->tiers[tier];
        const double columns[CACHE_COLUMNS] = {
            0, 0, 0, (double)s->entries, (double)s->bytes, (double)s->evictions};
        sum += columns[column];
    }
    return sum;
}

static void write_caches(struct app *app, struct buf *b)
{
    static const struct {
        const char *name, *type, *help;
    } families[CACHE_COLUMNS] = {
        {"sensorvision_cache_hit_ratio", "gauge", "Hits of all looks since start, by cache."},
        {"sensorvision_cache_hits_total", "counter", "Looks that found something."},
        {"sensorvision_cache_misses_total", "counter", "Looks that found nothing in any tier."},
        {"sensorvision_cache_size", "gauge", "Entries of a cache."},
        {"sensorvision_cache_bytes", "gauge", "Bytes of a cache."},
        {"sensorvision_cache_evictions_total", "counter", "Entries that made room for others."},
    };
    struct cache_figures figures[CACHE_IDS];
    char labels[64];
    for (int i = 0; i < CACHE_IDS; i++)
        cache_read_figures(app->cache, (enum cache_id)i, &figures[i]);
    for (int f = 0; f < CACHE_COLUMNS; f++) {
        prometheus_family(b, families[f].name, families[f].type, families[f].help);
        for (int i = 0; i < CACHE_IDS; i++) {
            snprintf(labels, sizeof labels, "cache=\"%s\"", cache_name((enum cache_id)i));
            prometheus_sample(b, families[f].name, labels,
                              cache_figure(&figures[i], (enum cache_column)f));
        }
    }
}

static void write_redis(struct app *app, struct buf *b)
{
    const struct cache_redis_figures f = cache_read_redis(app->cache);
    if (!f.configured) return;
    write_gauge(b, "sensorvision_redis_up", "1 while Redis is asked.", f.up);
    write_total(b, "sensorvision_redis_given_up_total",
                "Times Redis was away, slow or wrong, and not asked any more.", f.breaks);
    write_total(b, "sensorvision_redis_taken_up_total", "Times Redis was found good.", f.taken_up);
    write_total(b, "sensorvision_redis_wrong_answers_total",
                "Answers that were not to the question.", f.lies);
}

/* GET /metrics and /actuator/prometheus */
void metrics_get(struct api_call *c)
{
    struct buf *b = c->body;
    struct performance_sample sample;
    performance_sample_read(c->app->performance, &sample);
    write_requests(c->app, b);
    write_durations(c->app, b);
    write_api_response(c->app, b);
    write_ingest(c->app, b);
    write_batches(c->app, b);
    write_mqtt(c->app, b);
    write_bridge(c->app, b);
    write_notifications(c->app, b);
    write_store(c->app, b);
    write_caches(c->app, b);
    write_redis(c->app, b);
    write_executors(c->app, b);
    write_server(c->app, b);
    write_activity(&sample, b);
    write_errors(c->app, b);
    write_process(c->app, &sample, b);
    metrics_operations_write(c->app, b);
    api_answer(c, 200, "text/plain; version=0.0.4; charset=utf-8");
}
