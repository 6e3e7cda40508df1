/* Connections of MQTT devices (see loadtest_mqtt.h).
 *
 *   CLOSED ── reading ──> CONNECTING ── CONNACK ──> OPEN ── PUBLISH, PUBACK … ── lost ──> CLOSED */
#include "app/loadtest_mqtt.h"

#include "base/mem.h"
#include "codec/mqtt_packet.h"

#include <stdio.h>

enum { IN_MAX = 1 << 16, OUT_MAX = 1 << 20 };

struct loadtest_mqtt {
    struct loadtest_device *device;
    uv_tcp_t tcp;
    uv_connect_t connecting;
    uv_write_t write;
    struct buf in, out;
    bool alive, open, closing, freed;
    bool waiting; /* a reading wants its answer */
    uint16_t id;
    int64_t since_ns;
};

static void answer(struct loadtest_mqtt *m, int status, const char *why)
{
    struct loadtest_call *call = &m->device->call;
    if (!m->waiting) return;
    m->waiting = false;
    call->done(call, &(struct loadtest_reply){.status = status,
                                              .body = status ? bytes_str(why) : bytes_str(NULL),
                                              .why = why});
}

static void on_closed(uv_handle_t *handle)
{
    struct loadtest_mqtt *m = handle->data;
    m->device->t->net.alive--;
    m->alive = m->closing = false;
    if (m->freed)
        loadtest_mqtt_free(m);
    else if (m->waiting)
        loadtest_mqtt_send(m->device);
}

static void end(struct loadtest_mqtt *m)
{
    if (!m->alive || m->closing) return;
    m->closing = true;
    m->open = false;
    buf_clear(&m->in);
    uv_close((uv_handle_t *)&m->tcp, on_closed);
}

static void lost(struct loadtest_mqtt *m, const char *why)
{
    end(m);
    answer(m, 0, why);
}

static void on_written(uv_write_t *write, int status)
{
    struct loadtest_mqtt *m = write->data;
    if (status && !m->closing) lost(m, "the server does not take what is sent");
}

/* One packet at a time: the next goes out when the former was answered. */
static void write_out(struct loadtest_mqtt *m)
{
    uv_buf_t part = uv_buf_init(m->out.p, (unsigned)m->out.n);
    if (m->out.err || uv_write(&m->write, (uv_stream_t *)&m->tcp, &part, 1, on_written))
        lost(m, "the server does not take what is sent");
}

static void publish(struct loadtest_mqtt *m)
{
    struct loadtest_device *d = m->device;
    char topic[80];
    int n = snprintf(topic, sizeof topic, "sensorvision/devices/%s/telemetry", d->id);
    m->id = m->id == UINT16_MAX ? 1 : (uint16_t)(m->id + 1);
    const struct mqtt_publish packet = {
        .qos = 1,
        .id = m->id,
        .topic = bytes_of(topic, (size_t)n),
        .payload = buf_bytes(&d->call.request),
    };
    buf_clear(&m->out);
    mqtt_encode_publish(&m->out, MQTT_V5, &packet);
    write_out(m);
}

static void send_connect(struct loadtest_mqtt *m)
{
    const struct loadtest_device *d = m->device;
    char id[96];
    int n = snprintf(id, sizeof id, "%s-%s", d->org->name, d->id);
    struct mqtt_connect packet = {.version = MQTT_V5, .clean_start = true, .has_user = true};
    packet.client_id = bytes_of(id, (size_t)n);
    packet.user = bytes_str(strchr(d->credential, ' ') + 1); /* "X-API-Key: TOKEN" */
    buf_clear(&m->out);
    mqtt_encode_connect(&m->out, &packet);
    write_out(m);
}

static void take_connack(struct loadtest_mqtt *m, const struct mqtt_frame *f)
{
    struct mqtt_connack packet;
    if (mqtt_decode_connack(f->body, MQTT_V5, &packet) || packet.reason) {
        lost(m, "the server refuses the MQTT connection");
        return;
    }
    m->open = true;
    if (m->waiting) publish(m);
}

static void take_puback(struct loadtest_mqtt *m, const struct mqtt_frame *f)
{
    struct mqtt_ack packet;
    char why[40];
    if (mqtt_decode_ack(f, MQTT_V5, &packet) || packet.id != m->id) {
        lost(m, "a PUBACK for nothing");
    } else if (packet.reason >= 0x80) {
        snprintf(why, sizeof why, "PUBACK with reason 0x%02x", packet.reason);
        /* 0x97: a limit; it passes, as 429 does */
        answer(m, packet.reason == 0x97 ? 429 : 400, why);
    } else {
        answer(m, 200, "");
    }
}

static void take_packets(struct loadtest_mqtt *m)
{
    struct mqtt_frame f;
    enum err e = m->in.err;
    while (!e && m->alive && !m->closing && !(e = mqtt_packet_frame(buf_bytes(&m->in), &f))) {
        struct mqtt_frame packet = f;
        if (packet.type == MQTT_CONNACK) take_connack(m, &packet);
        if (packet.type == MQTT_PUBACK) take_puback(m, &packet);
        if (packet.type == MQTT_DISCONNECT) lost(m, "the server says DISCONNECT");
        if (!m->closing) buf_shift(&m->in, f.size);
    }
    if (e && e != ERR_MORE) lost(m, "what the server says is not MQTT");
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    (void)suggested;
    struct loadtest_mqtt *m = handle->data;
    *ret = uv_buf_init(m->device->t->net.read_buffer, LOADTEST_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *room)
{
    struct loadtest_mqtt *m = stream->data;
    if (n == 0 || m->closing) return;
    if (n < 0) {
        lost(m, "the server closed the MQTT connection");
        return;
    }
    buf_add(&m->in, room->base, (size_t)n);
    take_packets(m);
}

static void on_connected(uv_connect_t *connecting, int status)
{
    struct loadtest_mqtt *m = connecting->data;
    if (m->closing) return;
    if (status || uv_read_start((uv_stream_t *)&m->tcp, give_room, on_read)) {
        lost(m, "no MQTT connection");
        return;
    }
    (void)uv_tcp_nodelay(&m->tcp, 1);
    send_connect(m);
}

static void open_connection(struct loadtest_mqtt *m)
{
    struct loadtest *t = m->device->t;
    bug_if(uv_tcp_init(&t->loop, &m->tcp));
    t->net.alive++;
    m->alive = true;
    if (uv_tcp_connect(&m->connecting, &m->tcp, (struct sockaddr *)&t->mqtt_address, on_connected))
        lost(m, "no MQTT connection");
}

static struct loadtest_mqtt *make(struct loadtest_device *d)
{
    struct loadtest_mqtt *m = mem_zalloc(sizeof *m);
    if (!m) return NULL;
    m->device = d;
    m->tcp.data = m->connecting.data = m->write.data = m;
    buf_init(&m->in, IN_MAX);
    buf_init(&m->out, OUT_MAX);
    return m;
}

void loadtest_mqtt_send(struct loadtest_device *d)
{
    if (!d->mqtt) d->mqtt = make(d);
    struct loadtest_mqtt *m = d->mqtt;
    if (!m) {
        d->call.done(&d->call, &(struct loadtest_reply){.why = "out of memory"});
        return;
    }
    m->waiting = true;
    m->since_ns = loadtest_now_ns();
    if (m->open)
        publish(m);
    else if (!m->alive)
        open_connection(m);
}

void loadtest_mqtt_sweep(struct loadtest *t)
{
    int64_t limit = loadtest_now_ns() - t->net.patience_ns;
    for (size_t i = 0; t->opts.mqtt && t->devices && i < t->opts.devices; i++) {
        struct loadtest_mqtt *m = t->devices[i].mqtt;
        if (m && m->waiting && m->since_ns < limit) lost(m, "no PUBACK in time");
    }
}

void loadtest_mqtt_free(struct loadtest_mqtt *m)
{
    if (!m) return;
    m->freed = true;
    m->waiting = false;
    if (m->alive) {
        end(m);
        return;
    }
    buf_done(&m->in);
    buf_done(&m->out);
    mem_free(m);
}

enum err loadtest_mqtt_open(struct loadtest *t)
{
    const char *given = t->opts.mqtt_address;
    const char *address = given ? given : t->net.host;
    const char *colon = strrchr(address, ':');
    char host[256];
    struct bytes name = bytes_str(address);
    if (colon && !strchr(colon, ']')) name.n = (size_t)(colon - address);
    if (name.n > 2 && name.p[0] == '[') name = bytes_of(name.p + 1, name.n - 2);
    snprintf(host, sizeof host, "%.*s", (int)name.n, name.p);
    return loadtest_net_resolve(host, given && colon ? colon + 1 : "1883", &t->mqtt_address,
                                &t->why);
}
