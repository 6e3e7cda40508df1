/* Published telemetry: gathered for one turn of a loop, written as one set, acknowledged message by
 * message (see mqtt_api.h). Gathering is what makes many small senders cheap: one ticket, one pass
 * of the queue's lock and one wake-up back for all that came in one turn. */
#include "api/mqtt_internal.h"
#include "base/mem.h"
#include "pilot/ledger.h"
#include "pilot/quota.h"
#include "pilot/rates.h"

#include <stdio.h>

/* --- reasons -----------------------------------------------------------------------------------*/

/* What no acknowledgement can say (see mqtt_settle) leaves the message with its sender. */
enum mqtt_reason mqtt_ingest_reason(enum err e)
{
    switch (e) {
    case ERR_OK:
        return MQTT_SUCCESS;
    case ERR_INVALID:
    case ERR_IMPOSSIBLE:
    case ERR_TOOLARGE:
        return MQTT_BAD_PAYLOAD;
    case ERR_NOTFOUND:
    case ERR_FORBIDDEN:
    case ERR_UNAUTHENTICATED:
        return MQTT_NOT_AUTHORIZED;
    case ERR_FULL:
    case ERR_LIMIT:
    case ERR_RATE:
        return MQTT_QUOTA_EXCEEDED;
    case ERR_CLOSED:
        return MQTT_SHUTTING_DOWN;
    default:
        return MQTT_UNAVAILABLE;
    }
}

void mqtt_ingest_refuse(struct mqtt_api *api, struct mqtt_receipt *r, enum mqtt_reason reason)
{
    counter_add(&api->refused, 1);
    mqtt_settle(r, reason);
}

/* --- limits ------------------------------------------------------------------------------------*/

void mqtt_ingest_note(struct mqtt_api *api, const struct principal *who, const char *limit,
                      int64_t amount)
{
    char name[8 + REGISTRY_EXTERNAL_ID_MAX] = "open";
    int n = 4;
    if (who->kind == PRINCIPAL_DEVICE) {
        struct bytes id = who->device->external_id;
        n = snprintf(name, sizeof name, "device:%.*s", (int)id.n, id.p);
    }
    const struct ledger_note note = {who->org, limit, "MQTT", bytes_of(name, (size_t)n), amount};
    ledger_note(api->app->ledger, &note);
}

enum err mqtt_ingest_charge(struct mqtt_api *api, const struct principal *who,
                            const struct raw_batch *raw, bool may_block)
{
    struct quota_state s;
    int64_t points = (int64_t)raw->value_count;
    enum err e = quota_take(api->app->quota, who->org, LIMIT_POINTS, points, may_block, &s);
    if (e == ERR_TOOLARGE) e = ERR_RATE;
    if (e == ERR_RATE) mqtt_ingest_note(api, who, limit_key(LIMIT_POINTS), points);
    return e;
}

enum err mqtt_ingest_pace(struct mqtt_api *api, const struct principal *who, bool may_block)
{
    struct rate_state s;
    if (who->kind != PRINCIPAL_DEVICE) return ERR_OK;
    enum err e =
        rates_take(api->app->rates, RATE_TELEMETRY, who->org, who->device->id, may_block, &s);
    if (e == ERR_RATE) mqtt_ingest_note(api, who, rates_key(RATE_TELEMETRY), 1);
    return e;
}

void mqtt_ingest_uncharge(struct mqtt_api *api, const struct record *records, size_t n)
{
    for (size_t i = 0; i < n; i++)
        quota_give(api->app->quota, records[i].org, LIMIT_POINTS, records[i].count);
}

/* --- groups ------------------------------------------------------------------------------------*/

static void free_group(struct mqtt_group *g)
{
    mem_free(g->records);
    mem_free(g->devices);
    mem_free(g->points);
    mem_free(g);
}

static struct mqtt_group *take_group(struct mqtt_lane *lane)
{
    struct mqtt_group *g = lane->free;
    if (!g) {
        g = mem_alloc(sizeof *g);
        if (!g) return NULL;
        memset(g, 0, offsetof(struct mqtt_group, messages));
        g->records = NULL;
        g->devices = NULL;
        g->points = NULL;
        g->record_cap = g->point_cap = 0;
        g->lane = lane;
    } else {
        lane->free = g->next_free;
        lane->free_count--;
    }
    g->message_count = g->record_count = g->point_count = 0;
    g->queued = false;
    return g;
}

static void give_group(struct mqtt_group *g)
{
    struct mqtt_lane *lane = g->lane;
    if (lane->free_count == MQTT_GROUPS_KEPT || g->record_cap > 4 * MQTT_GROUP_MESSAGES) {
        free_group(g);
        return;
    }
    g->next_free = lane->free;
    lane->free = g;
    lane->free_count++;
}

void mqtt_ingest_done(struct mqtt_lane *lane)
{
    bug_if(lane->open);
    while (lane->free) {
        struct mqtt_group *g = lane->free;
        lane->free = g->next_free;
        free_group(g);
    }
    raw_batch_done(&lane->raw);
    arena_done(&lane->scratch);
}

static size_t grown(size_t cap, size_t need)
{
    size_t more = cap ? cap : MQTT_GROUP_MESSAGES;
    while (more < need) more *= 2;
    return more;
}

static bool make_room(struct mqtt_group *g, size_t records, size_t points)
{
    size_t need = g->record_count + records, cap = grown(g->record_cap, need);
    if (need > g->record_cap) {
        struct record *r = mem_realloc(g->records, cap * sizeof *r);
        if (r) g->records = r;
        struct reg_device **d = mem_realloc(g->devices, cap * sizeof(struct reg_device *));
        if (d) g->devices = d;
        if (!r || !d) return false;
        g->record_cap = cap;
    }
    need = g->point_count + points;
    if (need <= g->point_cap) return true;
    cap = grown(g->point_cap, need);
    struct point *p = mem_realloc(g->points, cap * sizeof *p);
    if (!p) return false;
    g->points = p;
    g->point_cap = cap;
    return true;
}

static bool add_message(struct mqtt_group *g, struct mqtt_receipt *r, const struct admission *a)
{
    const struct record_set *set = &a->set;
    if (!make_room(g, set->record_count, set->point_count)) return false;
    for (size_t i = 0; i < set->record_count; i++) {
        struct record *to = &g->records[g->record_count + i];
        *to = set->records[i];
        to->first += (uint32_t)g->point_count;
        g->devices[g->record_count + i] = a->devices[i];
    }
    memcpy(g->points + g->point_count, set->points, set->point_count * sizeof *set->points);
    g->record_count += set->record_count;
    g->point_count += set->point_count;
    g->messages[g->message_count++] = (struct mqtt_message){r, (uint32_t)set->record_count};
    g->received_ns = a->received_ns;
    return true;
}

/* --- to the store and back ---------------------------------------------------------------------*/

static void settle_all(struct mqtt_group *g, enum err e)
{
    enum mqtt_reason reason = mqtt_ingest_reason(e);
    if (e) mqtt_ingest_uncharge(g->lane->api, g->records, g->record_count);
    for (size_t i = 0; i < g->message_count; i++) {
        if (e)
            mqtt_ingest_refuse(g->lane->api, g->messages[i].receipt, reason);
        else
            mqtt_settle(g->messages[i].receipt, reason);
    }
}

static void on_returned(struct loop_task *t)
{
    struct mqtt_group *g = (struct mqtt_group *)((char *)t - offsetof(struct mqtt_group, returned));
    settle_all(g, g->result);
    give_group(g);
}

/* On the writer's thread. */
static void on_written(struct batch_ticket *t, enum err e, const struct why *why)
{
    struct mqtt_group *g = (struct mqtt_group *)(void *)t;
    struct app *app = g->lane->api->app;
    (void)why;
    if (!e) {
        const struct admission seen = {
            .set = g->ticket.set, .devices = g->devices, .received_ns = g->received_ns};
        admit_note_seen(&seen);
        counter_add(&app->ingest_metrics->points, g->point_count);
        counter_add(&app->ingest_metrics->messages_mqtt, g->message_count);
    }
    g->result = e;
    if (g->queued && e) mqtt_ingest_uncharge(g->lane->api, g->records, g->record_count);
    if (g->queued)
        free_group(g);
    else
        loop_post(mqtt_loop_of(g->messages[0].receipt->conn), &g->returned);
}

static enum err submit(struct mqtt_group *g)
{
    struct app *app = g->lane->api->app;
    bool waits = atomic_load_explicit(&app->live.ack_durable, memory_order_relaxed);
    g->ticket.set = (struct record_set){
        .records = g->records,
        .record_count = g->record_count,
        .points = g->points,
        .point_count = g->point_count,
    };
    g->ticket.waits = waits;
    g->ticket.done = on_written;
    g->returned.run = on_returned;
    g->queued = !waits;
    if (waits) return batch_submit(app->batch, &g->ticket);
    struct mqtt_message first[MQTT_GROUP_MESSAGES]; /* the group is the writer's from here on */
    size_t n = g->message_count;
    memcpy(first, g->messages, n * sizeof *first);
    enum err e = batch_submit(app->batch, &g->ticket);
    for (size_t i = 0; i < n && !e; i++) mqtt_settle(first[i].receipt, MQTT_SUCCESS);
    return e;
}

/* The queue has no room for all of them together: each message is a request of its own again. */
static void submit_each(struct mqtt_group *all)
{
    size_t record = 0;
    for (size_t i = 0; i < all->message_count; i++) {
        const struct mqtt_message *m = &all->messages[i];
        struct mqtt_group *g = take_group(all->lane);
        size_t first = all->records[record].first;
        const struct record *last = &all->records[record + m->records - 1];
        size_t points = last->first + last->count - first;
        const struct admission part = {
            .set = {.records = all->records + record,
                    .record_count = m->records,
                    .points = all->points + first,
                    .point_count = points},
            .devices = all->devices + record,
            .received_ns = all->received_ns,
        };
        record += m->records;
        enum err e = g && add_message(g, m->receipt, &part) ? ERR_OK : ERR_NOMEM;
        for (size_t k = 0; k < m->records && !e; k++) g->records[k].first -= (uint32_t)first;
        if (!e) e = submit(g);
        if (!e) continue;
        if (g) give_group(g);
        mqtt_ingest_uncharge(all->lane->api, part.set.records, m->records);
        mqtt_ingest_refuse(all->lane->api, m->receipt, mqtt_ingest_reason(e));
    }
}

void mqtt_ingest_turn(struct mqtt_lane *lane)
{
    struct mqtt_group *g = lane->open;
    if (!g) return;
    lane->open = NULL;
    enum err e = submit(g);
    if (!e) return;
    if (g->message_count > 1 && (e == ERR_FULL || e == ERR_TOOLARGE))
        submit_each(g);
    else
        settle_all(g, e);
    give_group(g);
}

/* --- one message -------------------------------------------------------------------------------*/

static enum err first_verdict(const struct admission *a)
{
    for (size_t i = 0; i < a->raw_count; i++)
        if (a->verdicts[i].code) return a->verdicts[i].code;
    return ERR_OK;
}

static enum err gather(struct mqtt_lane *lane, struct mqtt_receipt *r, const struct admission *a)
{
    enum err e = first_verdict(a); /* a message is taken whole or not at all */
    if (!e && !lane->open) lane->open = take_group(lane);
    if (!e && (!lane->open || !add_message(lane->open, r, a))) e = ERR_NOMEM;
    if (!e && lane->open->message_count == MQTT_GROUP_MESSAGES) mqtt_ingest_turn(lane);
    return e;
}

/* Charged before anything is made of it. */
static enum err charge_and_gather(struct mqtt_lane *lane, struct mqtt_receipt *r,
                                  const struct mqtt_said *said, int64_t read_ns)
{
    struct app *app = lane->api->app;
    struct admission a;
    struct why why;
    enum err e = mqtt_ingest_charge(lane->api, &said->who, &lane->raw, false);
    if (e) return e;
    e = admit_resolve(app->admit, &said->who, said->device, &lane->raw, false, &lane->scratch, &a,
                      &why);
    if (!e) {
        histogram_record(&app->ingest_metrics->admit, clock_mono_ns(app->clock) - read_ns);
        e = gather(lane, r, &a);
    }
    if (e) quota_give(app->quota, said->who.org, LIMIT_POINTS, (int64_t)lane->raw.value_count);
    return e;
}

void mqtt_ingest_publish(struct mqtt_lane *lane, struct mqtt_receipt *r,
                         const struct mqtt_publish *p)
{
    struct mqtt_api *api = lane->api;
    struct app *app = api->app;
    struct mqtt_said said;
    int64_t start_ns = clock_mono_ns(app->clock);
    raw_batch_clear(&lane->raw);
    arena_reset(&lane->scratch);
    enum mqtt_reason reason = mqtt_message_read(api, *mqtt_user(r->conn), p->topic, p->payload,
                                                &lane->scratch, &lane->raw, &said);
    int64_t read_ns = clock_mono_ns(app->clock);
    histogram_record(&app->ingest_metrics->decode, read_ns - start_ns);
    if (reason) {
        mqtt_ingest_refuse(api, r, reason);
        return;
    }
    enum err paced = mqtt_ingest_pace(api, &said.who, false);
    enum err e = paced ? paced : charge_and_gather(lane, r, &said, read_ns);
    if (e == ERR_MORE)
        mqtt_offload_publish(api, r, p, !paced);
    else if (e)
        mqtt_ingest_refuse(api, r, mqtt_ingest_reason(e));
}
