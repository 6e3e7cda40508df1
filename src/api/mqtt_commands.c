/* Commands to subscribers (see mqtt_commands.h). */
#include "api/mqtt_commands.h"

#include "api/mqtt_topic.h"
#include "base/mem.h"
#include "net/mqtt_session.h"

enum { JOB_BYTES_MAX = 4 << 20 };

/* One look at the catalog. */
struct job {
    struct work work;
    struct loop_task back;
    struct mqtt_client *client;
    struct mqtt_marks marks;
    bool look;
    struct arena arena;
    struct command *commands;
    size_t n;
};

static void start(struct mqtt_client *client);

/* --- on an executor ----------------------------------------------------------------------------*/

static void mark(struct job *j, const int64_t *ids, unsigned n, enum command_state state)
{
    struct command_service *s = j->client->api->app->commands;
    const struct reg_device *d = j->client->who.device;
    const struct actor actor = {
        .org = d->org,
        .name = bytes_str(
            arena_printf(&j->arena, "device:%.*s", (int)d->external_id.n, d->external_id.p)),
    };
    /* One that could not be marked is listed, and sent, again: the device has it twice, not never.
     */
    if (n) (void)!command_service_mark(s, &actor, d->org, d->id, ids, n, state);
}

static void on_back(struct loop_task *t);

static void run(struct work *w)
{
    struct job *j = (struct job *)((char *)w - offsetof(struct job, work));
    const struct reg_device *d = j->client->who.device;
    mark(j, j->marks.sent, j->marks.sent_count, COMMAND_SENT);
    mark(j, j->marks.delivered, j->marks.delivered_count, COMMAND_DELIVERED);
    if (j->look && command_service_list_waiting(j->client->api->app->commands, d->org, d->id, 0,
                                                &j->arena, &j->commands, &j->n))
        j->n = 0;
    j->back.run = on_back;
    loop_post(mqtt_loop_of(j->client->conn), &j->back);
}

/* --- on the loop -------------------------------------------------------------------------------*/

static struct bytes find_topic(struct mqtt_conn *c)
{
    unsigned at = 0;
    for (struct bytes topic; (topic = mqtt_next_subscription(c, &at)).p;) {
        struct bytes device;
        if (mqtt_topic_parse(topic, &device) == MQTT_TOPIC_COMMANDS) return topic;
    }
    return bytes_of(NULL, 0);
}

static void note(int64_t *ids, unsigned *n, int64_t id)
{
    if (*n < MQTT_MARKS_MAX) ids[(*n)++] = id;
}

/* Acknowledged while the list was read, which still has it. */
static bool is_delivered(const struct mqtt_marks *m, int64_t id)
{
    unsigned i = 0;
    while (i < m->delivered_count && m->delivered[i] != id) i++;
    return i < m->delivered_count;
}

/* False: the client takes no more now. */
static bool send_one(struct mqtt_client *client, struct bytes topic, const struct command *command)
{
    struct buf payload;
    uint8_t qos = 0;
    struct mqtt_marks *m = &client->commands->marks;
    if (is_delivered(m, command->id)) return true;
    buf_init(&payload, JOB_BYTES_MAX);
    command_service_write(&payload, command);
    enum err e = payload.err ? payload.err
                             : mqtt_send(client->conn, topic, buf_bytes(&payload),
                                         (uint64_t)command->id, &qos);
    buf_done(&payload);
    if (!e) note(m->sent, &m->sent_count, command->id);
    if (!e && !qos) note(m->delivered, &m->delivered_count, command->id);
    return !e || e == ERR_EXISTS || e == ERR_TOOLARGE;
}

static void send_all(struct job *j)
{
    struct mqtt_client *client = j->client;
    struct bytes topic = find_topic(client->conn);
    if (!topic.p || !j->n) return;
    if (!mqtt_message_client_is_valid(client->api, client)) {
        mqtt_disconnect(client->conn, MQTT_NOT_AUTHORIZED);
        return;
    }
    for (size_t i = 0; i < j->n; i++)
        if (!send_one(client, topic, &j->commands[i])) return;
}

static void on_back(struct loop_task *t)
{
    struct job *j = (struct job *)((char *)t - offsetof(struct job, back));
    struct mqtt_client *client = j->client;
    client->commands->busy = false;
    if (!client->commands->gone) send_all(j);
    arena_done(&j->arena);
    mem_free(j);
    start(client);
    mqtt_unref(client->conn);
}

static bool submit(struct mqtt_client *client, struct job *j)
{
    j->client = client;
    j->marks = client->commands->marks;
    j->look = client->commands->look && !client->commands->gone;
    j->work.run = run;
    arena_init(&j->arena, JOB_BYTES_MAX);
    mqtt_ref(client->conn);
    if (!executor_submit(client->api->app->telemetry_pool, &j->work)) return true;
    mqtt_unref(client->conn);
    return false;
}

/* Asks the catalog when there is something to ask or to tell. */
static void start(struct mqtt_client *client)
{
    struct mqtt_inbox *in = client->commands;
    bool look = in->look && !in->gone;
    if (in->busy || in->starved) return;
    if (!look && !in->marks.sent_count && !in->marks.delivered_count) return;
    struct job *j = mem_zalloc(sizeof *j);
    if (j && submit(client, j)) {
        in->busy = true;
        in->look = false;
        in->marks.sent_count = in->marks.delivered_count = 0;
        return;
    }
    mem_free(j);
    if (in->gone) return; /* as forget_starved(): what is not noted is sent once more */
    struct mqtt_lane *lane = &client->api->lanes[mqtt_loop_of(client->conn)->index];
    mqtt_ref(client->conn);
    in->starved = true;
    in->next_starved = lane->starved;
    lane->starved = client;
    atomic_store_explicit(&lane->is_starved, true, memory_order_relaxed);
}

static void on_retry(struct loop_task *t)
{
    struct mqtt_lane *lane = (struct mqtt_lane *)((char *)t - offsetof(struct mqtt_lane, retry));
    struct mqtt_client *client = lane->starved;
    atomic_store_explicit(&lane->retry_posted, false, memory_order_relaxed);
    lane->starved = NULL;
    while (client) {
        struct mqtt_client *next = client->commands->next_starved;
        client->commands->starved = false;
        start(client);
        mqtt_unref(client->conn);
        client = next;
    }
}

/* --- who is there ------------------------------------------------------------------------------*/

void mqtt_commands_init(struct mqtt_commands *all, struct mqtt_api *api)
{
    all->api = api;
    lock_init(&all->lock, LOCK_RANK_MQTT);
    map_init(&all->by_device, rnd_u64(api->app->rnd));
}

void mqtt_commands_done(struct mqtt_commands *all)
{
    map_done(&all->by_device);
    lock_done(&all->lock);
}

static void on_wake(struct loop_task *t)
{
    struct mqtt_inbox *in = (struct mqtt_inbox *)((char *)t - offsetof(struct mqtt_inbox, wake));
    struct mqtt_client *client = in->client;
    struct mqtt_commands *all = &client->api->commands;
    lock_take(&all->lock);
    in->woken = false;
    lock_release(&all->lock);
    in->look = true;
    start(client);
    if (in->gone) mqtt_unref(client->conn);
}

static void committed(void *ctx, int64_t org, int64_t device)
{
    struct mqtt_commands *all = ctx;
    uint64_t key = (uint64_t)device;
    (void)org; /* a device's key is the installation's */
    lock_take(&all->lock);
    struct mqtt_client *client = map_get(&all->by_device, map_u64(&key));
    if (client && !client->commands->woken) {
        client->commands->woken = true;
        loop_post(mqtt_loop_of(client->conn), &client->commands->wake);
    }
    lock_release(&all->lock);
}

struct command_watcher mqtt_commands_watcher(struct mqtt_commands *all)
{
    return (struct command_watcher){all, committed};
}

static void leave(struct mqtt_commands *all, struct mqtt_inbox *in);

static bool enrol(struct mqtt_commands *all, struct mqtt_client *client)
{
    struct mqtt_inbox *in = client->commands;
    if (!in) {
        in = mem_zalloc(sizeof *in);
        if (!in) return false;
        in->client = client;
        in->wake.run = on_wake;
        in->device = (uint64_t)client->who.device->id;
        client->commands = in;
    }
    lock_take(&all->lock);
    struct mqtt_client *before = map_get(&all->by_device, map_u64(&in->device));
    bool good = before == client;
    if (!good) {
        leave(all, in); /* it may be there already, behind another */
        before = map_get(&all->by_device, map_u64(&in->device));
        good = !map_put(&all->by_device, map_u64(&in->device), client);
        if (good) in->before = before;
        if (good && before) before->commands->after = client;
    }
    lock_release(&all->lock);
    return good;
}

/* With the lock. */
static void leave(struct mqtt_commands *all, struct mqtt_inbox *in)
{
    struct mqtt_client *before = in->before, *after = in->after;
    if (after) after->commands->before = before;
    if (before) before->commands->after = after;
    in->before = in->after = NULL;
    if (after) return;
    /* A map keeps the key bytes of whoever is in it. */
    if (map_get(&all->by_device, map_u64(&in->device)) != in->client) return;
    map_remove(&all->by_device, map_u64(&in->device));
    if (!before || map_put(&all->by_device, map_u64(&before->commands->device), before)) return;
    if (before->commands->woken) return;
    before->commands->woken = true;
    loop_post(mqtt_loop_of(before->conn), &before->commands->wake);
}

void mqtt_commands_subscribed(struct mqtt_client *client)
{
    if (client->who.kind != PRINCIPAL_DEVICE || !find_topic(client->conn).p) return;
    if (!enrol(&client->api->commands, client)) {
        mqtt_disconnect(client->conn, MQTT_UNAVAILABLE);
        return;
    }
    client->commands->look = true;
    start(client);
}

void mqtt_commands_delivered(struct mqtt_client *client, uint64_t id)
{
    struct mqtt_inbox *in = client->commands;
    if (!in) return;
    note(in->marks.delivered, &in->marks.delivered_count, (int64_t)id);
    in->look = true; /* there is room for the next one */
    start(client);
}

static void forget_starved(struct mqtt_client *client)
{
    struct mqtt_lane *lane = &client->api->lanes[mqtt_loop_of(client->conn)->index];
    struct mqtt_client **at = &lane->starved;
    while (*at != client) at = &(*at)->commands->next_starved;
    *at = client->commands->next_starved;
    client->commands->starved = false;
    mqtt_unref(client->conn);
}

void mqtt_commands_gone(struct mqtt_client *client)
{
    struct mqtt_commands *all = &client->api->commands;
    struct mqtt_inbox *in = client->commands;
    if (!in) return;
    lock_take(&all->lock);
    leave(all, in);
    in->gone = true;
    if (in->starved) forget_starved(client);
    if (in->woken) mqtt_ref(client->conn); /* on_wake() is on its way, and gives it back */
    lock_release(&all->lock);
}

void mqtt_commands_check(struct mqtt_commands *all)
{
    for (unsigned i = 0; i < all->api->lane_count; i++) {
        struct mqtt_lane *lane = &all->api->lanes[i];
        if (!atomic_exchange_explicit(&lane->is_starved, false, memory_order_relaxed)) continue;
        if (atomic_exchange_explicit(&lane->retry_posted, true, memory_order_relaxed)) continue;
        lane->retry.run = on_retry;
        loop_post(mqtt_server_loop(all->api->server, i), &lane->retry);
    }
}
