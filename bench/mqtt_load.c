/* MQTT load from one thread: many clients that publish single readings at QoS 1, each with at most
 * `window` unacknowledged; or many connections that do nothing.
 *   bench_mqtt_load --port P --token T --clients 500 --messages 1000000 --window 1 [--version 5]
 *   bench_mqtt_load --port P --token T --clients 10000 --idle SECONDS
 * Prints one line of JSON. */
#include "codec/mqtt_packet.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 512, READ_BYTES = 65536, WINDOW_MAX = 64, LATENCIES = 1 << 22 };

struct options {
    int port, clients, window, version, idle_s;
    long messages;
    const char *token;
};
struct client {
    int fd, index;
    bool open;
    unsigned out;                /* unacknowledged */
    uint16_t next_id, oldest;    /* ids go round; PUBACKs come in order */
    int64_t sent_ns[WINDOW_MAX]; /* by id modulo */
    unsigned char left[8];       /* of a packet that came in part */
    size_t left_n;
};

static struct options o = {1883, 500, 1, 4, 0, 1000000, ""};
static long started, acked;
static uint32_t *latencies; /* microseconds */
static char read_buffer[READ_BYTES];

static void die(const char *what)
{
    fprintf(stderr, "mqtt_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void write_all(int fd, const struct buf *b)
{
    size_t at = 0;
    while (at < b->n) {
        ssize_t n = write(fd, b->p + at, b->n - at);
        if (n > 0)
            at += (size_t)n;
        else if (errno != EAGAIN && errno != EINTR)
            die("write");
    }
}

static void send_connect(struct client *c)
{
    char id[32];
    struct buf b;
    snprintf(id, sizeof id, "bench-%d", c->index);
    struct mqtt_connect p = {.version = (uint8_t)o.version, .clean_start = true, .has_user = true};
    p.client_id = bytes_str(id);
    p.user = bytes_str(o.token);
    buf_init(&b, 4096);
    mqtt_encode_connect(&b, &p);
    write_all(c->fd, &b);
    buf_done(&b);
}

static void publish(struct client *c, struct buf *b)
{
    char topic[64], payload[64];
    int64_t now = now_ns();
    buf_clear(b);
    snprintf(topic, sizeof topic, "sensorvision/devices/dev-%03d/telemetry", c->index % 500);
    while (c->out < (unsigned)o.window && started < o.messages) {
        struct mqtt_publish p;
        p.dup = p.retain = false;
        p.qos = 1;
        p.properties.present = 0;
        p.id = c->next_id;
        c->next_id = c->next_id == 60000 ? 1 : (uint16_t)(c->next_id + 1);
        c->sent_ns[p.id % WINDOW_MAX] = now;
        int n = snprintf(payload, sizeof payload, "{\"temperature\":%ld.%02ld}", 20 + started % 10,
                         started % 100);
        p.topic = bytes_str(topic);
        p.payload = bytes_of(payload, (size_t)n);
        mqtt_encode_publish(b, (uint8_t)o.version, &p);
        c->out++;
        started++;
    }
    write_all(c->fd, b);
}

static void take_puback(struct client *c, const struct mqtt_frame *f)
{
    struct mqtt_ack a;
    if (mqtt_decode_ack(f, (uint8_t)o.version, &a) || a.reason) {
        fprintf(stderr, "mqtt_load: refused with 0x%02x\n", a.reason);
        exit(1);
    }
    if (acked < LATENCIES)
        latencies[acked] = (uint32_t)((now_ns() - c->sent_ns[a.id % WINDOW_MAX]) / 1000);
    acked++;
    c->out--;
}

static void take(struct client *c, struct buf *out)
{
    memcpy(read_buffer, c->left, c->left_n);
    ssize_t n = read(c->fd, read_buffer + c->left_n, sizeof read_buffer - c->left_n);
    if (n <= 0) die("the server closed a connection");
    struct bytes in = bytes_of(read_buffer, c->left_n + (size_t)n);
    struct mqtt_frame f;
    while (mqtt_packet_frame(in, &f) == ERR_OK) {
        if (f.type == MQTT_CONNACK) c->open = true;
        if (f.type == MQTT_PUBACK) take_puback(c, &f);
        if (f.type == MQTT_DISCONNECT) die("DISCONNECT");
        in = bytes_of(in.p + f.size, in.n - f.size);
    }
    if (in.n > sizeof c->left) return; /* a CONNACK of version 5 in part does not happen */
    memcpy(c->left, in.p, in.n);
    c->left_n = in.n;
    if (c->open && !o.idle_s && c->out < (unsigned)o.window) publish(c, out);
}

static struct client *connect_all(int poll)
{
    struct client *all = calloc((size_t)o.clients, sizeof *all);
    if (!all) die("memory");
    for (int i = 0; i < o.clients; i++) {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)o.port)};
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        struct client *c = &all[i];
        c->index = i;
        c->next_id = 1;
        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int on = 1;
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (connect(c->fd, (struct sockaddr *)&at, sizeof at)) die("connect");
        fcntl(c->fd, F_SETFL, O_NONBLOCK);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &e);
        send_connect(c);
    }
    return all;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static long count_open(const struct client *all)
{
    long n = 0;
    for (int i = 0; i < o.clients; i++) n += all[i].open;
    return n;
}

static void run(void)
{
    struct epoll_event events[EVENTS];
    struct buf out;
    buf_init(&out, 1 << 20);
    int poll = epoll_create1(0);
    int64_t begin = now_ns();
    struct client *all = connect_all(poll);
    while (o.idle_s ? count_open(all) < o.clients : acked < o.messages) {
        int n = epoll_wait(poll, events, EVENTS, 10000);
        if (n == 0) die("nothing for 10 s");
        for (int i = 0; i < n; i++) take(events[i].data.ptr, &out);
    }
    if (o.idle_s) {
        printf("{\"open\":%ld}\n", count_open(all));
        fflush(stdout);
        sleep((unsigned)o.idle_s);
        return;
    }
    double seconds = (double)(now_ns() - begin) / 1e9;
    long n = acked < LATENCIES ? acked : LATENCIES;
    qsort(latencies, (size_t)n, sizeof *latencies, compare);
    printf("{\"messages\":%ld,\"seconds\":%.3f,\"p50Ms\":%.3f,\"p99Ms\":%.3f}\n", acked, seconds,
           latencies[n / 2] / 1e3, latencies[n * 99 / 100] / 1e3);
    buf_done(&out);
}

static int number(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (!strcmp(name, "--port")) o.port = number(value);
        if (!strcmp(name, "--clients")) o.clients = number(value);
        if (!strcmp(name, "--messages")) o.messages = number(value);
        if (!strcmp(name, "--window")) o.window = number(value);
        if (!strcmp(name, "--version")) o.version = number(value);
        if (!strcmp(name, "--idle")) o.idle_s = number(value);
        if (!strcmp(name, "--token")) o.token = value;
    }
    if (o.window < 1 || o.window > WINDOW_MAX) return 2;
    latencies = malloc(sizeof(uint32_t) * LATENCIES);
    if (!latencies) die("memory");
    run();
    return 0;
}
