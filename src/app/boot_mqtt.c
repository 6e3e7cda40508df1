/* MQTT from the settings (see boot_mqtt.h). */
#include "app/boot_mqtt.h"

#include "api/mqtt_api.h"
#include "api/mqtt_bridge_ingest.h"
#include "base/log.h"
#include "net/tls.h"
#include "store/catalog_organizations.h"

#include <unistd.h>

enum { LOOPS_UNASKED = 8, TAKEN_BYTES = 256 << 20 };

unsigned boot_mqtt_loops(const struct settings *s)
{
    if (s->server_loops) return (unsigned)s->server_loops;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > LOOPS_UNASKED ? LOOPS_UNASKED : (unsigned)cores;
}

static enum err first_org(struct boot *b, int64_t *ret)
{
    struct sql_tx *tx;
    enum err e = sql_begin(b->app.db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_organizations_first(tx, ret);
    return sql_end(tx, e);
}

static enum err open_port(struct boot *b, int64_t open_org, struct why *why)
{
    const struct settings *s = &b->settings;
    struct app *app = &b->app;
    const struct mqtt_api_opts opts = {
        .server = {.host = s->mqtt_address,
                   .port = (uint16_t)s->mqtt_port,
                   .loops = boot_mqtt_loops(s),
                   .max_connections = (unsigned)s->mqtt_max_connections,
                   .max_per_address = (unsigned)s->mqtt_per_address,
                   .tls = b->mqtt_tls,
                   .tls_port = (uint16_t)s->mqtt_tls_port,
                   .max_packet = (uint32_t)s->mqtt_max_packet,
                   .publish_rate = (uint32_t)s->mqtt_publish_rate,
                   .max_taken_bytes = TAKEN_BYTES,
                   .clock = app->clock,
                   .rnd = app->rnd},
        .open_org = open_org,
    };
    struct mqtt_api *mqtt;
    struct conf_origin origin = {.layer = CONF_FROM_DEFAULT};
    enum err e = mqtt_api_start(&mqtt, app, &opts, why);
    if (!e) atomic_store(&app->mqtt, mqtt);
    if (e != ERR_EXISTS) return e;
    (void)conf_text(b->conf, "mqtt.port", &origin);
    if (origin.layer != CONF_FROM_DEFAULT) return e;
    /* Nobody asked for this port: another broker on it must not keep the server from starting. */
    LOG(LOG_WARN, "mqtt_not_listening", LOG_S("why", why->text));
    why->text[0] = 0;
    return ERR_OK;
}

enum err boot_mqtt_open(struct boot *b, struct why *why)
{
    const struct settings *s = &b->settings;
    struct mqtt_bridge_ingest *bridge;
    int64_t open_org = 0;
    if (b->for_command) return ERR_OK;
    enum err e = s->mqtt_auth_required ? ERR_OK : first_org(b, &open_org);
    if (!e && s->mqtt_enabled && s->mqtt_tls_cert[0])
        e = tls_context_open(&b->mqtt_tls, s->mqtt_tls_cert, s->mqtt_tls_key, why);
    if (!e && s->mqtt_enabled) e = open_port(b, open_org, why);
    if (e || !s->mqtt_broker_url[0]) return e;
    e = mqtt_bridge_ingest_start(&bridge, &b->app, s->mqtt_broker_url, open_org, why);
    if (!e) atomic_store(&b->app.bridge, bridge);
    return e;
}

void boot_mqtt_stop(struct boot *b)
{
    mqtt_bridge_ingest_stop(atomic_exchange(&b->app.bridge, NULL));
    mqtt_api_stop(b->app.mqtt, b->settings.shutdown_timeout_ns);
}

void boot_mqtt_free(struct boot *b)
{
    mqtt_api_free(b->app.mqtt);
    tls_context_free(b->mqtt_tls);
}
