/* From another broker's messages to the batch pipeline (see mqtt_bridge_ingest.h). */
#include "api/mqtt_bridge_ingest.h"

#include "api/mqtt_internal.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/mqtt_bridge.h"
#include "pilot/quota.h"
#include "store/catalog_settings.h"
#include "store/nodes.h"

#include <stdio.h>

enum { FULL_WAIT_NS = 50 * 1000000, FULL_TRIES = 600 }; /* a full queue: half a minute, then cut */

struct mqtt_bridge_ingest {
    struct mqtt_api api; /* only app and open_org: what mqtt_message_read() asks for */
    struct mqtt_bridge *bridge;
    char client_id[40];
    struct lock lock; /* guards the next two, and with `decided` the wait for them */
    struct cond decided;
    size_t under_way;
    bool failed;
    _Atomic bool connected;
    struct counter messages, refused;
};

/* One message on its way. */
struct parcel {
    struct batch_ticket ticket;
    struct mqtt_bridge_ingest *b;
    struct arena arena;
    struct raw_batch raw;
    struct admission admission;
    int64_t org, charged; /* points of the day, given back unless they are stored */
};

static void free_parcel(struct parcel *p)
{
    quota_give(p->b->api.app->quota, p->org, LIMIT_POINTS, p->charged);
    raw_batch_done(&p->raw);
    arena_done(&p->arena);
    mem_free(p);
}

static void decide(struct mqtt_bridge_ingest *b, bool good)
{
    lock_take(&b->lock);
    b->under_way--;
    b->failed |= !good;
    cond_signal(&b->decided);
    lock_release(&b->lock);
}

/* On the writer's thread. */
static void on_written(struct batch_ticket *t, enum err e, const struct why *why)
{
    struct parcel *p = (struct parcel *)(void *)t;
    struct mqtt_bridge_ingest *b = p->b;
    struct ingest_metrics *m = b->api.app->ingest_metrics;
    (void)why;
    if (!e) {
        p->charged = 0;
        admit_note_seen(&p->admission);
        counter_add(&m->points, p->admission.set.point_count);
        counter_add(&m->messages_mqtt, 1);
        counter_add(&b->messages, 1);
    }
    free_parcel(p);
    decide(b, !e);
}

/* The device's fault, or ours? What is ours is tried again by the broker. What a limit refuses is
 * not: it would hold up everybody's messages until the limit begins anew. */
static bool is_final(enum err e)
{
    if (e == ERR_RATE || e == ERR_LIMIT) return true;
    enum mqtt_reason r = mqtt_ingest_reason(e);
    return r == MQTT_BAD_PAYLOAD || r == MQTT_NOT_AUTHORIZED;
}

static enum err admit(struct parcel *p, struct bytes topic, struct bytes payload)
{
    struct mqtt_bridge_ingest *b = p->b;
    struct app *app = b->api.app;
    const struct mqtt_client nobody = {.who.kind = PRINCIPAL_NONE};
    struct mqtt_said said;
    struct why why;
    enum mqtt_reason reason =
        mqtt_message_read(&b->api, &nobody, topic, payload, &p->arena, &p->raw, &said);
    if (reason) return reason == MQTT_UNAVAILABLE ? ERR_NOMEM : ERR_INVALID;
    if (batch_is_too_large(app->batch, p->raw.record_count)) return ERR_TOOLARGE;
    enum err e = mqtt_ingest_pace(&b->api, &said.who, true);
    if (!e) e = mqtt_ingest_charge(&b->api, &said.who, &p->raw, true);
    if (e) return e;
    p->org = said.who.org;
    p->charged = (int64_t)p->raw.value_count;
    e = admit_resolve(app->admit, &said.who, said.device, &p->raw, true, &p->arena, &p->admission,
                      &why);
    if (!e && p->admission.room.max)
        mqtt_ingest_note(&b->api, &said.who, limit_key(LIMIT_DEVICES), 1);
    for (size_t i = 0; !e && i < p->admission.raw_count; i++) e = p->admission.verdicts[i].code;
    return e;
}

/* Waits for room: the broker keeps what we do not read. */
static enum err submit(struct parcel *p)
{
    struct batch_pipeline *batch = p->b->api.app->batch;
    p->ticket.set = p->admission.set;
    p->ticket.waits = true;
    p->ticket.done = on_written;
    enum err e = batch_submit(batch, &p->ticket);
    for (int i = 0; e == ERR_FULL && i < FULL_TRIES; i++) {
        nanosleep(&(struct timespec){.tv_nsec = FULL_WAIT_NS}, NULL);
        e = batch_submit(batch, &p->ticket);
    }
    return e;
}

static struct parcel *new_parcel(struct mqtt_bridge_ingest *b)
{
    struct parcel *p = mem_zalloc(sizeof *p);
    if (!p) return NULL;
    p->b = b;
    arena_init(&p->arena, MQTT_SCRATCH_MAX);
    raw_batch_init(&p->raw, INGEST_VALUES_MAX, INGEST_VALUES_MAX);
    return p;
}

static void on_message(void *ctx, struct bytes topic, struct bytes payload)
{
    struct mqtt_bridge_ingest *b = ctx;
    struct parcel *p = new_parcel(b);
    lock_take(&b->lock);
    b->under_way++;
    lock_release(&b->lock);
    enum err e = p ? admit(p, topic, payload) : ERR_NOMEM;
    if (!e) e = submit(p);
    if (!e) return;
    if (p) free_parcel(p);
    counter_add(&b->refused, 1);
    decide(b, is_final(e));
}

static bool on_gathered(void *ctx)
{
    struct mqtt_bridge_ingest *b = ctx;
    lock_take(&b->lock);
    while (b->under_way) cond_wait(&b->decided, &b->lock);
    bool good = !b->failed;
    b->failed = false;
    lock_release(&b->lock);
    return good;
}

/* One server reads the broker: the one that leads. Each message twice would cost twice the work and
 * of the limits, and a time that the server gives would make two readings of it. */
static bool wanted(void *ctx)
{
    struct mqtt_bridge_ingest *b = ctx;
    return nodes_lead(b->api.app->nodes);
}

static void on_state(void *ctx, const char *text)
{
    struct mqtt_bridge_ingest *b = ctx;
    atomic_store(&b->connected, !text);
    if (text && !wanted(b))
        LOG(LOG_INFO, "mqtt_broker_left", LOG_S("why", text));
    else if (text)
        LOG(LOG_WARN, "mqtt_broker_away", LOG_S("why", text));
    else
        LOG(LOG_INFO, "mqtt_broker_connected");
}

/* --- start and stop ----------------------------------------------------------------------------*/

/* One name for good, made at the first start: the broker keeps our session under it. */
static enum err name_ourselves(struct mqtt_bridge_ingest *b)
{
    struct app *app = b->api.app;
    const struct bytes key = BYTES("mqtt.broker.client-id");
    struct setting s = {.key = key, .who = BYTES("system")};
    struct arena arena;
    struct sql_tx *tx;
    arena_init(&arena, 1 << 16);
    enum err e = sql_begin(app->db, SQL_WRITE, &tx);
    if (e) return e;
    e = catalog_settings_get(tx, key, &arena, &s);
    if (e == ERR_NOTFOUND) {
        snprintf(b->client_id, sizeof b->client_id, "sensorvision-%016llx",
                 (unsigned long long)rnd_u64(app->rnd));
        s.value = bytes_str(b->client_id);
        s.when_ns = clock_wall_ns(app->clock);
        e = catalog_settings_put(tx, &s);
    } else if (!e) {
        snprintf(b->client_id, sizeof b->client_id, "%.*s", (int)s.value.n, s.value.p);
    }
    e = sql_end(tx, e);
    arena_done(&arena);
    return e;
}

enum err mqtt_bridge_ingest_start(struct mqtt_bridge_ingest **ret, struct app *app, const char *url,
                                  int64_t open_org, struct why *why)
{
    static const char *const filters[] = {"sensorvision/devices/+/telemetry",
                                          "indcloud/devices/+/telemetry", NULL};
    struct mqtt_bridge_ingest *b = mem_zalloc(sizeof *b);
    if (!b) return ERR_NOMEM;
    b->api.app = app;
    b->api.open_org = open_org;
    lock_init(&b->lock, LOCK_RANK_EXECUTOR);
    cond_init(&b->decided);
    const struct mqtt_bridge_opts opts = {url, b->client_id, filters, app->rnd};
    const struct mqtt_bridge_handler handler = {b, on_message, on_gathered, wanted, on_state};
    enum err e = name_ourselves(b);
    if (!e) e = mqtt_bridge_start(&b->bridge, &opts, &handler, why);
    if (e)
        mqtt_bridge_ingest_stop(b);
    else
        *ret = b;
    return e;
}

void mqtt_bridge_ingest_stop(struct mqtt_bridge_ingest *b)
{
    if (!b) return;
    mqtt_bridge_stop(b->bridge);
    cond_done(&b->decided);
    lock_done(&b->lock);
    mem_free(b);
}

void mqtt_bridge_ingest_look(struct mqtt_bridge_ingest *b)
{
    if (b) mqtt_bridge_look(b->bridge);
}

void mqtt_bridge_ingest_read(struct mqtt_bridge_ingest *b, struct mqtt_bridge_stats *ret)
{
    ret->wanted = wanted(b);
    ret->connected = atomic_load(&b->connected);
    ret->messages = counter_read(&b->messages);
    ret->refused = counter_read(&b->refused);
}
