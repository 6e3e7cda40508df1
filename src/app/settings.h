#pragma once
/* app/settings.h -- the effective configuration as one struct: a member per honoured key, filled
 * from conf_tables.c by conf_fill(). boot.c hands each module the members it needs; no module below
 * app/ sees this header. Units: _ns nanoseconds, _bytes bytes, _ratio 0 to 1, everything else
 * counts. Threads: owner only (the thread that boots; control verbs take its lock). Memory: texts
 * and lists are borrowed from the struct conf that filled it; never NULL. */
#include "cache/cache_key.h"
#include "model/limit.h"

#include <stdbool.h>
#include <stdint.h>

enum settings_ack { SETTINGS_ACK_DURABLE, SETTINGS_ACK_QUEUED };
enum settings_scope { SETTINGS_SCOPE_ORGANIZATION, SETTINGS_SCOPE_DEVICE };

struct settings {
    /* the network */
    const char *server_address; /* an IP address to bind */
    int64_t server_port, server_loops, server_max_connections, server_per_address;
    int64_t server_idle_timeout_ns, shutdown_timeout_ns;
    const char *const *trusted_proxies; /* CIDR texts */
    const char *web_csp;                /* "" = built in */
    const char *public_url;             /* where people reach us; "" = not known */
    const char *const *cors_origins;

    /* the store */
    const char *store_url; /* "" = embedded in the data directory */
    int64_t store_memory_bytes;
    const char *postgres_username, *postgres_password; /* "" = as the url says */
    int64_t postgres_max, postgres_min_idle;           /* connections */
    int64_t postgres_connect_timeout_ns, postgres_idle_timeout_ns, postgres_max_lifetime_ns;
    int64_t postgres_leak_threshold_ns;
    int64_t postgres_batch_rows; /* in one statement that writes many */
    bool postgres_citus, postgres_timescaledb;

    /* the executors */
    int64_t async_core, async_max, async_queue;
    int64_t telemetry_core, telemetry_max, telemetry_queue;
    int64_t analytics_core, analytics_max, analytics_queue;

    /* telemetry in */
    int64_t batch_records, batch_timeout_ns, commit_linger_ns, batches_at_once, queue_records;
    bool async_processing;
    int ack; /* enum settings_ack */
    bool auto_provision;
    int token_scope; /* enum settings_scope */
    const char *const *property_tags;

    /* queries and retention */
    int64_t max_data_points;
    int64_t query_timeout_ns, aggregation_timeout_ns;
    int64_t retention_days, rollup_retention_days; /* 0 = for ever */
    int64_t event_retention_days;                  /* 0 = for ever */
    int64_t analytics_refresh_ns, analytics_timeout_ns;

    /* people and their sessions */
    const char *jwt_secret; /* "" = made at first start, kept in the store */
    int64_t access_token_ns, refresh_token_ns;
    bool registration_enabled;
    int64_t password_min_length, auth_per_minute;
    const char *admin_email, *admin_password; /* "" = made up at first start */

    /* live */
    int64_t ws_max_sessions, ws_idle_timeout_ns;

    /* MQTT */
    const char *mqtt_address, *mqtt_tls_cert, *mqtt_tls_key;
    const char *mqtt_broker_url; /* "" = none */
    int64_t mqtt_port, mqtt_tls_port, mqtt_max_connections, mqtt_per_address, mqtt_max_packet,
        mqtt_publish_rate;
    bool mqtt_enabled, mqtt_auth_required;

    /* notifications; "" = none */
    int64_t notify_threads, notify_attempts, notify_retry_ns, notify_timeout_ns;
    int64_t notify_retention_days;
    const char *site_webhook_url, *site_webhook_secret, *alertmanager_url;
    int64_t alertmanager_resend_ns;
    bool notify_allow_private;
    const char *smtp_host, *smtp_username, *smtp_password, *smtp_from, *smtp_ca_file;
    int64_t smtp_port;
    int smtp_tls; /* enum outgoing_tls */

    /* the caches */
    const char *cache_url, *redis_host, *redis_password; /* "" = none */
    int64_t redis_port, redis_connections, redis_timeout_ns;
    int64_t cache_max_bytes, cache_default_life_ns;
    int64_t cache_life_ns[CACHE_IDS]; /* 0 = the default */

    /* the pilot */
    int64_t slow_query_hold_ns, cache_hit_hold_ns, memory_hold_ns, response_hold_ns;
    bool performance_enabled, performance_metrics;
    int64_t slow_query_ns, response_time_ns;
    int64_t watch_step_ns, retention_cost_bytes;
    double cache_hit_ratio, memory_usage_ratio;
    bool pilot_mode;
    int64_t limit_max[LIMITS];
    const char *support_email; /* "" = none */
    bool rate_limiting;
    int64_t requests_per_minute, request_burst, reads_per_minute, telemetry_per_minute;
    int64_t rate_redis_timeout_ns;
    const char *const *features_enabled, *const *features_disabled;

    /* the log */
    int log_level; /* enum log_level */
    int log_json;  /* 0 logfmt, 1 json */
};
