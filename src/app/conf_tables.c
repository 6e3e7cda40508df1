/* Every key that does something, by section (see conf_tables.h). The rows that are accepted for
 * parts not built yet stand in conf_tables_planned.c. A default is written as a file would write it
 * and goes through the same parser. */
#include "app/conf_tables.h"

#include "app/conf_tables_cache.h"
#include "app/conf_tables_notify.h"
#include "app/conf_tables_performance.h"
#include "app/conf_tables_pilot.h"
#include "app/conf_tables_planned.h"

#include <stddef.h>

#define AT(member)   offsetof(struct settings, member)
#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define HIKARI       "spring.datasource.hikari."

enum { LIVE = CONF_LIVE, RESTART = 0 };

/* Arithmetic behind a limit: a connection costs at most 40 KiB, so 65,536 of them are 2.5 GiB. */
static const struct conf_entry server_table[] = {
    {"server.address", AT(server_address), CONF_TEXT, "0.0.0.0", 2, 45, RESTART,
     "The IP address that HTTP listens on.", NULL},
    {"server.port", AT(server_port), CONF_COUNT, "8080", 0, 65535, RESTART,
     "The port that HTTP listens on; 0 takes any free one.", NULL},
    {"server.loops", AT(server_loops), CONF_COUNT, "0", 0, 64, RESTART,
     "Event loop threads; 0 is one per core, at most 8.", NULL},
    {"server.max-connections", AT(server_max_connections), CONF_COUNT, "8192", 1, 65536, RESTART,
     "Connections open at once; one more is refused.", NULL},
    {"server.per-address", AT(server_per_address), CONF_COUNT, "2000", 1, 65536, RESTART,
     "Connections open at once from one address.", NULL},
    {"server.max-connections-per-address", CONF_NOWHERE, CONF_TEXT, "", 0, 0, CONF_ALIAS,
     "As server.per-address.", "server.per-address"},
    {"server.idle-timeout", AT(server_idle_timeout_ns), CONF_MS, "75s", 1000, 3600000, RESTART,
     "A keep-alive connection without a request is closed after this long.", NULL},
    {"server.trusted-proxies", AT(trusted_proxies), CONF_LIST, "", 0, 64, RESTART,
     "X-Forwarded-For is believed from these networks only (10.0.0.0/8, ::1).", NULL},
    {"web.dir", CONF_NOWHERE, CONF_TEXT, "", 0, 0, CONF_PLANNED,
     "Serves the single-page application in this directory instead of the built-in pages.", NULL},
    {"web.csp", AT(web_csp), CONF_TEXT, "", 0, 0, RESTART,
     "The Content-Security-Policy of those pages; empty is the strict built-in one.", NULL},
    {"server.public-url", AT(public_url), CONF_TEXT, "", 0, 200, RESTART,
     "Where people reach this server (https://iot.example.org): the start of links in mails.",
     NULL},
    {"cors.allowed-origins", AT(cors_origins), CONF_LIST,
     "http://localhost:3000,http://localhost:3001,http://localhost:3002,http://localhost:3003", 0,
     100, RESTART, "Origins that browsers may call from, and open sockets from, beside our own.",
     NULL},
    {"shutdown-timeout", AT(shutdown_timeout_ns), CONF_S, "10s", 1, 600, RESTART,
     "How long a stop waits for requests in flight.", NULL},
};

static const struct conf_entry store_table[] = {
    {"store.url", AT(store_url), CONF_TEXT, "", 0, 2000, CONF_SECRET,
     "embedded:DIR, or postgres://USER:PASSWORD@HOST:PORT/DATABASE; empty is an embedded store in "
     "the data directory.",
     NULL},
    {"spring.datasource.url", CONF_NOWHERE, CONF_TEXT, "", 0, 0, CONF_ALIAS,
     "As store.url; jdbc:postgresql://HOST:PORT/DATABASE too.", "store.url"},
    {"store.memory-bytes", AT(store_memory_bytes), CONF_BYTES, "64MiB", 4194304, 1099511627776,
     RESTART, "Heads and decoded chunks together take this much memory at most.", NULL},
    {"store.postgres.username", AT(postgres_username), CONF_TEXT, "", 0, 128, RESTART,
     "PostgreSQL: the role; empty is the one of the address.", NULL},
    {"spring.datasource.username", CONF_NOWHERE, CONF_TEXT, "", 0, 0, CONF_ALIAS,
     "As store.postgres.username.", "store.postgres.username"},
    {"store.postgres.password", AT(postgres_password), CONF_TEXT, "", 0, 1024, CONF_SECRET,
     "PostgreSQL: its password; empty is the one of the address.", NULL},
    {"spring.datasource.password", CONF_NOWHERE, CONF_TEXT, "", 0, 0, CONF_ALIAS,
     "As store.postgres.password.", "store.postgres.password"},
    {"store.postgres.citus", AT(postgres_citus), CONF_BOOL, "false", 0, 0, RESTART,
     "PostgreSQL: readings are spread over servers by device, where the server has Citus and the "
     "database no readings yet; else the start says why not.",
     NULL},
    {"store.postgres.timescaledb", AT(postgres_timescaledb), CONF_BOOL, "false", 0, 0, RESTART,
     "PostgreSQL: readings are kept in compressed hypertables, where the server has TimescaleDB "
     "and "
     "the database no readings yet; else the start says why not.",
     NULL},
    {HIKARI "maximum-pool-size", AT(postgres_max), CONF_COUNT, "20", 4, 1000, RESTART,
     "PostgreSQL: connections at most, beside one that keeps other servers away.", NULL},
    {HIKARI "minimum-idle", AT(postgres_min_idle), CONF_COUNT, "5", 0, 1000, RESTART,
     "PostgreSQL: idle connections kept.", NULL},
    {HIKARI "connection-timeout", AT(postgres_connect_timeout_ns), CONF_MS, "30000", 100, 600000,
     RESTART, "PostgreSQL: how long a free connection is waited for.", NULL},
    {HIKARI "idle-timeout", AT(postgres_idle_timeout_ns), CONF_MS, "600000", 0, 86400000, RESTART,
     "PostgreSQL: an idle connection above minimum-idle is closed after this long; 0 is never.",
     NULL},
    {HIKARI "max-lifetime", AT(postgres_max_lifetime_ns), CONF_MS, "1800000", 0, 86400000, RESTART,
     "PostgreSQL: a connection is replaced after this long; 0 is never.", NULL},
    {HIKARI "leak-detection-threshold", AT(postgres_leak_threshold_ns), CONF_MS, "60000", 0,
     86400000, RESTART, "PostgreSQL: a connection held this long counts as leaked; 0 is never.",
     NULL},
    {"spring.jpa.properties.hibernate.jdbc.batch_size", AT(postgres_batch_rows), CONF_COUNT, "25",
     1, 10000, RESTART,
     "Rows in one statement of a relational batch write: when `move` fills the tables of another "
     "database; a statement has 80 values at most, whatever this says. Readings go by groups.",
     NULL},
};

static const struct conf_entry executor_table[] = {
    {"spring.task.execution.pool.core-size", AT(async_core), CONF_COUNT, "8", 1, 256, RESTART,
     "Threads that stay in the async executor (catalog, passwords).", NULL},
    {"spring.task.execution.pool.max-size", AT(async_max), CONF_COUNT, "16", 1, 256, RESTART,
     "Threads of the async executor at most.", NULL},
    {"spring.task.execution.pool.queue-capacity", AT(async_queue), CONF_COUNT, "100", 1, 1000000,
     RESTART, "Tasks waiting for the async executor at most; more are refused with 503.", NULL},
    {"pilot.telemetry.executor.core-size", AT(telemetry_core), CONF_COUNT, "4", 1, 256, RESTART,
     "Threads that stay in the telemetry executor (large bodies, provisioning).", NULL},
    {"pilot.telemetry.executor.max-size", AT(telemetry_max), CONF_COUNT, "8", 1, 256, RESTART,
     "Threads of the telemetry executor at most.", NULL},
    {"pilot.telemetry.executor.queue-capacity", AT(telemetry_queue), CONF_COUNT, "4096", 1, 1000000,
     RESTART, "Requests waiting for the telemetry executor at most.", NULL},
    {"pilot.analytics.executor.core-size", AT(analytics_core), CONF_COUNT, "2", 1, 256, RESTART,
     "Threads that stay in the analytics executor (scans, aggregates, exports).", NULL},
    {"pilot.analytics.executor.max-size", AT(analytics_max), CONF_COUNT, "4", 1, 256, RESTART,
     "Threads of the analytics executor at most.", NULL},
    {"pilot.analytics.executor.queue-capacity", AT(analytics_queue), CONF_COUNT, "1024", 1, 1000000,
     RESTART, "Queries waiting for the analytics executor at most.", NULL},
};

static const struct conf_entry telemetry_table[] = {
    {"pilot.telemetry.batch-size", AT(batch_records), CONF_COUNT, "100", 1, 1000000, LIVE,
     "A batch is written once it holds this many records.", NULL},
    {"pilot.telemetry.batch-timeout", AT(batch_timeout_ns), CONF_MS, "5000", 1, 600000, LIVE,
     "... or once its oldest record, which nobody waits for, is this old.", NULL},
    {"pilot.telemetry.commit-linger", AT(commit_linger_ns), CONF_MS, "0", 0, 5, LIVE,
     "A batch that a sender waits for is kept open this much longer for others to join.", NULL},
    {"pilot.telemetry.max-concurrent-batches", AT(batches_at_once), CONF_COUNT, "5", 1, 64, LIVE,
     "Batches being written at once.", NULL},
    {"pilot.telemetry.queue-capacity", AT(queue_records), CONF_COUNT, "100000", 1, 100000000, LIVE,
     "Records waiting at most; past that a request is refused whole with 503.", NULL},
    {"pilot.telemetry.async-processing", AT(async_processing), CONF_BOOL, "true", 0, 0, LIVE,
     "false makes each request its own batch.", NULL},
    {"pilot.telemetry.ack", AT(ack), CONF_CHOICE, "durable", 0, 0, LIVE,
     "Answer when the points are durable, or as soon as they are queued.", "durable|queued"},
    {"telemetry.auto-provision.enabled", AT(auto_provision), CONF_BOOL, "true", 0, 0, RESTART,
     "Devices that are not known yet are created when they first send.", NULL},
    {"device.token-scope", AT(token_scope), CONF_CHOICE, "organization", 0, 0, RESTART,
     "Whether a device's token writes (and creates) all devices of its organisation or itself "
     "only.",
     "organization|device"},
    {"influx.property-tags", AT(property_tags), CONF_LIST,
     "region,datacenter,rack,os,arch,team,service,location,sensor_type,firmware_version", 0, 100,
     RESTART, "Tags of line protocol that become properties of the device.", NULL},
};

static const struct conf_entry query_table[] = {
    {"pilot.device.max-concurrent-queries", CONF_NOWHERE, CONF_COUNT, "10", 1, 1000, CONF_PLANNED,
     "Queries of raw telemetry running at once.", NULL},
    {"pilot.device.query-timeout", AT(query_timeout_ns), CONF_MS, "30000", 100, 3600000, LIVE,
     "A query of raw telemetry is given up after this long (503); exports are not bounded.", NULL},
    {"pilot.analytics.max-data-points", AT(max_data_points), CONF_COUNT, "10000", 1, 10000000, LIVE,
     "Buckets in one answer; more is 422 with the smallest interval that fits.", NULL},
    {"pilot.analytics.aggregation-timeout", AT(aggregation_timeout_ns), CONF_MS, "60000", 100,
     3600000, LIVE, "An aggregation, or a batch of them, is given up after this long (503).", NULL},
    {"pilot.data-retention-days", AT(retention_days), CONF_COUNT, "90", 0, 36500, LIVE,
     "Points older than this are dropped, and refused when they arrive; 0 keeps them for ever.",
     NULL},
    {"pilot.rollup-retention-days", AT(rollup_retention_days), CONF_COUNT, "0", 0, 36500, LIVE,
     "The same for hourly rollups, which may outlive their points; 0 keeps them for ever.", NULL},
    {"events.retention-days", AT(event_retention_days), CONF_COUNT, "365", 0, 36500, LIVE,
     "Events older than this are removed, which is an event itself; 0 keeps them for ever.", NULL},
    {"analytics.refresh-interval", AT(analytics_refresh_ns), CONF_S, "60s", 1, 86400, RESTART,
     "Volume of organisations, activity of devices and statistics of the program are made anew "
     "this often, when something has changed.",
     NULL},
    {"analytics.refresh-timeout", AT(analytics_timeout_ns), CONF_S, "10s", 1, 3600, RESTART,
     "PostgreSQL: a refresh of the materialized views that takes longer is given up, and what they "
     "held stays.",
     NULL},
};

static const struct conf_entry people_table[] = {
    {"app.jwt.secret", AT(jwt_secret), CONF_TEXT, "", 32, 4096, CONF_SECRET | CONF_NO_ZERO,
     "Signs access tokens (HS256); empty is made at first start and kept in the store.", NULL},
    {"app.jwt.expiration-ms", AT(access_token_ns), CONF_MS, "28800000", 1000, 2592000000.0, LIVE,
     "Life of an access token.", NULL},
    {"app.jwt.refresh-expiration-ms", AT(refresh_token_ns), CONF_MS, "604800000", 1000,
     31536000000.0, LIVE, "Life of a refresh token.", NULL},
    {"app.registration.enabled", AT(registration_enabled), CONF_BOOL, "true", 0, 0, LIVE,
     "Anybody may register with a new organisation.", NULL},
    {"app.security.password.min-length", AT(password_min_length), CONF_COUNT, "12", 8, 128, LIVE,
     "Shorter passwords are refused.", NULL},
    {"rate-limiting.auth-per-minute", AT(auth_per_minute), CONF_COUNT, "10", 1, 1e6, LIVE,
     "Failed attempts to log in, per address and per account.", NULL},
    {"admin.email", AT(admin_email), CONF_TEXT, "", 0, 254, RESTART,
     "The administrator made at first start; the login name is the part before the @.", NULL},
    {"admin.password", AT(admin_password), CONF_TEXT, "", 0, 128, CONF_SECRET,
     "Their password; empty makes one up and prints it once.", NULL},
};

static const struct conf_entry live_table[] = {
    {"websocket.max-sessions", AT(ws_max_sessions), CONF_COUNT, "200", 1, 65536, RESTART,
     "Live sockets open at once.", NULL},
    {"websocket.idle-timeout", AT(ws_idle_timeout_ns), CONF_MS, "300000", 1000, 86400000, RESTART,
     "A live socket on which nothing is said in either direction is closed after this long.", NULL},
    {"log.level", AT(log_level), CONF_CHOICE, "info", 0, 0, LIVE, "Which lines are logged.",
     "error|warn|info|debug"},
    {"log.format", AT(log_json), CONF_CHOICE, "logfmt", 0, 0, RESTART, "How they are written.",
     "logfmt|json"},
    {"spring.profiles.include", CONF_NOWHERE, CONF_LIST, "", 0, 32, CONF_READER,
     "Loads the sibling files application-<profile>.properties behind this one; later wins.", NULL},
    {"spring.profiles.active", CONF_NOWHERE, CONF_LIST, "", 0, 32, CONF_READER,
     "The same, behind the included ones.", NULL},
};

/* An idle connection costs under 2 KiB, so 65,536 of them are 128 MiB. */
static const struct conf_entry mqtt_table[] = {
    {"mqtt.enabled", AT(mqtt_enabled), CONF_BOOL, "true", 0, 0, RESTART,
     "Listen for MQTT 3.1.1 and 5.", NULL},
    {"mqtt.address", AT(mqtt_address), CONF_TEXT, "0.0.0.0", 2, 45, RESTART,
     "The IP address that MQTT listens on.", NULL},
    {"mqtt.port", AT(mqtt_port), CONF_COUNT, "1883", 0, 65535, RESTART,
     "The port that MQTT listens on; 0 takes any free one.", NULL},
    {"mqtt.tls.port", AT(mqtt_tls_port), CONF_COUNT, "8883", 0, 65535, RESTART,
     "The port of MQTT over TLS; it listens only when there is a certificate.", NULL},
    {"mqtt.tls.cert", AT(mqtt_tls_cert), CONF_TEXT, "", 0, 0, RESTART,
     "The certificate of MQTT over TLS with its chain, a PEM file; empty is no TLS.", NULL},
    {"mqtt.tls.key", AT(mqtt_tls_key), CONF_TEXT, "", 0, 0, RESTART,
     "The key of that certificate, a PEM file.", NULL},
    {"mqtt.device-auth-required", AT(mqtt_auth_required), CONF_BOOL, "true", 0, 0, RESTART,
     "Every message needs a device's token, at CONNECT or as apiToken in it; false counts messages "
     "without one as the first organisation's.",
     NULL},
    {"mqtt.broker.url", AT(mqtt_broker_url), CONF_TEXT, "", 0, 512, CONF_SECRET,
     "Also subscribe on an existing broker: mqtt://[user:password@]host[:port], or mqtts://. Its "
     "messages prove themselves by their apiToken.",
     NULL},
    {"mqtt.max-connections", AT(mqtt_max_connections), CONF_COUNT, "1000", 1, 65536, RESTART,
     "MQTT connections open at once; one more is closed.", NULL},
    {"mqtt.per-address", AT(mqtt_per_address), CONF_COUNT, "1000", 1, 65536, RESTART,
     "MQTT connections open at once from one address.", NULL},
    {"mqtt.max-packet", AT(mqtt_max_packet), CONF_BYTES, "1MiB", 1024, 16777216, RESTART,
     "A larger packet ends its connection.", NULL},
    {"mqtt.max-publish-rate", AT(mqtt_publish_rate), CONF_COUNT, "1000", 1, 1000000, RESTART,
     "Messages a second of one connection; what is more is read later, not refused.", NULL},
};

static const struct conf_section server_section = {"Server and pages",
                                                   "What HTTP listens on and whom it believes.",
                                                   CONF_SECTION_ROWS(server_table)};
static const struct conf_section store_section = {"Store", "Where the data is.",
                                                  CONF_SECTION_ROWS(store_table)};
static const struct conf_section executor_section = {
    "Executors", "Pools of threads for work that may block.", CONF_SECTION_ROWS(executor_table)};
static const struct conf_section telemetry_section = {
    "Telemetry in", "Batching and acknowledgement.", CONF_SECTION_ROWS(telemetry_table)};
static const struct conf_section query_section = {
    "Queries and retention", "How much one answer may cost, and how long data stays.",
    CONF_SECTION_ROWS(query_table)};
static const struct conf_section people_section = {"People", "Logins, tokens, registration.",
                                                   CONF_SECTION_ROWS(people_table)};
static const struct conf_section mqtt_section = {"MQTT", "The built-in broker end for devices.",
                                                 CONF_SECTION_ROWS(mqtt_table)};
static const struct conf_section live_section = {"Live sockets, log, profiles", "The rest.",
                                                 CONF_SECTION_ROWS(live_table)};

const struct conf_section *const conf_tables_sections[] = {
    &server_section,     &store_section,     &executor_section,  &telemetry_section,
    &query_section,      &people_section,    &mqtt_section,      &live_section,
    &conf_tables_notify, &conf_tables_cache, &conf_tables_pilot, &conf_tables_performance,
    &conf_tables_jvm,
};
const size_t conf_tables_section_count = COUNT(conf_tables_sections);

const struct conf_entry *conf_tables_all(size_t *ret_n)
{
    static struct conf_entry all[256];
    static size_t count;
    for (size_t s = 0, n = 0; !count && s <= conf_tables_section_count; s++) {
        if (s == conf_tables_section_count) {
            count = n;
            break;
        }
        const struct conf_section *section = conf_tables_sections[s];
        bug_if(n + section->count > COUNT(all));
        memcpy(all + n, section->entries, section->count * sizeof *all);
        n += section->count;
    }
    *ret_n = count;
    return all;
}

enum err conf_tables_load(struct conf **ret, struct settings *ret_settings, const char *file,
                          const char *const *sets, size_t set_count, struct why *why)
{
    struct conf_opts opts = {.fs = fs_real(), .file = file, .sets = sets, .set_count = set_count};
    opts.table = conf_tables_all(&opts.entries);
    struct conf *c;
    enum err e = conf_load(&c, &opts, why);
    if (e) return e;
    struct settings settings = {0};
    e = conf_fill(c, &settings);
    if (e) {
        conf_free(c);
        return why_say(why, e, "%s", err_sentence(e));
    }
    *ret_settings = settings;
    *ret = c;
    return ERR_OK;
}
