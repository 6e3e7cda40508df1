/* load -- the bench's own load generator: a closed loop over a few keep-alive connections on one
 * thread, with bodies made before the clock starts, so that what is measured is the server.
 *
 *   load --port P --workload lp|json|single|get --connections N --requests N --token T [--path /x]
 *
 * The data: 500 devices x 10 variables x 1,000 seconds, each a random walk of two decimals that
 * starts at
 * 20 and moves by a normal step of 0.30 (seed 1); a body holds 2 seconds of all devices, 10,000
 * points.
 * `single` is variant A: one variable, one reading. Prints one JSON object; errors are counted,
 * and any makes the exit code 1. Talks to 127.0.0.1 only. */
#include "base/clock.h"
#include "base/rnd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEVICES = 500, VARIABLES = 10, SECONDS = 1000, BODIES = SECONDS / 2 };
#define START_S (INT64_C(1700000000)) /* moved to lie within the default retention, see --start */

struct options {
    int port, connections;
    long requests;
    const char *workload, *token, *path;
    int64_t start_s;
};

struct message {
    char *p;
    size_t n;
};

struct connection {
    int fd;
    const struct message *message;
    size_t sent;
    char reply[65536];
    size_t got;
    int64_t started_ns;
};

static struct options opts = {.connections = 8, .requests = BODIES, .workload = "lp"};
static struct message *messages;
static size_t message_count;
static long issued, answered, errors;
static int64_t *latencies;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static double gauss(struct rnd *r)
{
    double u = 1 - rnd_unit(r), v = rnd_unit(r);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* One body: seconds 2i and 2i+1 of every device; walks are carried on in `values`. */
static void write_body(FILE *f, bool json, int body, long *values, struct rnd *r)
{
    if (json) fputc('[', f);
    for (int s = 0; s < 2; s++)
        for (int d = 0; d < DEVICES; d++) {
            int64_t ts = opts.start_s + 2 * body + s;
            if (json)
                fprintf(f, "%s{\"deviceId\":\"dev-%03d\",\"timestamp\":%lld,\"variables\":{",
                        s || d ? "," : "", d, (long long)ts);
            else
                fprintf(f, "telemetry,device=dev-%03d ", d);
            for (int v = 0; v < VARIABLES; v++) {
                long *at = &values[d * VARIABLES + v];
                *at += lround(gauss(r) * 30);
                fprintf(f, json ? "%s\"var%d\":%.2f" : "%svar%d=%.2f", v ? "," : "", v,
                        (double)*at / 100);
            }
            if (json)
                fputs("}}", f);
            else
                fprintf(f, " %lld\n", (long long)ts * 1000000000);
        }
    if (json) fputc(']', f);
}

static void make_request(struct message *m, const char *method, const char *path, const char *body,
                         size_t n)
{
    size_t size;
    FILE *f = open_memstream(&m->p, &size);
    if (!f) die("open_memstream");
    fprintf(f,
            "%s %s HTTP/1.1\r\nHost: bench\r\nX-API-Key: %s\r\nContent-Type: application/json\r\n"
            "Content-Length: %zu\r\n\r\n",
            method, path, opts.token, n);
    fwrite(body, 1, n, f);
    fclose(f);
    m->n = size;
}

static void make_bulk(bool json)
{
    static long values[DEVICES * VARIABLES];
    struct rnd r;
    rnd_seed(&r, 1);
    for (int i = 0; i < DEVICES * VARIABLES; i++) values[i] = 2000;
    message_count = BODIES;
    messages = calloc(BODIES, sizeof *messages);
    for (int i = 0; i < BODIES; i++) {
        char *body;
        size_t n;
        FILE *f = open_memstream(&body, &n);
        write_body(f, json, i, values, &r);
        fclose(f);
        make_request(&messages[i], "POST",
                     opts.path ? opts.path
                     : json    ? "/api/v1/data/bulk"
                               : "/api/v2/write",
                     body, n);
        free(body);
    }
}

static void make_single(void)
{
    message_count = DEVICES;
    messages = calloc(DEVICES, sizeof *messages);
    for (int i = 0; i < DEVICES; i++) {
        char path[64], body[64];
        snprintf(path, sizeof path, "/api/v1/ingest/dev-%03d", i);
        int n = snprintf(body, sizeof body, "{\"var0\":%d.%02d}", 20 + i % 7, i % 100);
        make_request(&messages[i], "POST", path, body, (size_t)n);
    }
}

static void make_get(void)
{
    message_count = 1;
    messages = calloc(1, sizeof *messages);
    make_request(&messages[0], "GET", opts.path, "", 0);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void start_request(int epoll, struct connection *c)
{
    if (issued == opts.requests) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, c->fd, NULL);
        return;
    }
    c->message = &messages[(size_t)issued++ % message_count];
    c->sent = c->got = 0;
    c->started_ns = clock_mono_ns(clock_real());
    struct epoll_event event = {.events = EPOLLOUT | EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
}

static void send_more(int epoll, struct connection *c)
{
    if (c->sent == c->message->n) return;
    ssize_t n = send(c->fd, c->message->p + c->sent, c->message->n - c->sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) die("send");
    if (n > 0) c->sent += (size_t)n;
    if (c->sent < c->message->n) return;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
}

/* Bytes of the whole reply, 0 while it is incomplete. */
static size_t reply_bytes(struct connection *c)
{
    c->reply[c->got] = 0;
    char *end = strstr(c->reply, "\r\n\r\n");
    if (!end) return 0;
    char *length = strcasestr(c->reply, "content-length:");
    size_t body = length && length < end ? (size_t)strtoul(length + 15, NULL, 10) : 0;
    return (size_t)(end - c->reply) + 4 + body;
}

static size_t skipped_bytes; /* of a reply longer than our buffer */

static void read_more(int epoll, struct connection *c)
{
    ssize_t n = recv(c->fd, c->reply + c->got, sizeof c->reply - 1 - c->got, 0);
    if (n == 0) {
        fprintf(stderr, "the server closed a connection\n");
        exit(2);
    }
    if (n < 0) {
        if (errno != EAGAIN) die("recv");
        return;
    }
    c->got += (size_t)n;
    size_t whole = reply_bytes(c);
    if (whole >= sizeof c->reply) { /* read the rest and throw it away */
        size_t left = whole - c->got;
        while (left) {
            static char trash[65536];
            n = recv(c->fd, trash, left < sizeof trash ? left : sizeof trash, 0);
            if (n < 0 && errno == EAGAIN) continue;
            if (n <= 0) die("recv");
            left -= (size_t)n;
            skipped_bytes += (size_t)n;
        }
        c->got = whole;
    }
    if (!whole || c->got < whole) return;
    if (c->reply[9] != '2') {
        if (!errors) fprintf(stderr, "%.300s\n", c->reply);
        errors++;
    }
    latencies[answered++] = clock_mono_ns(clock_real()) - c->started_ns;
    start_request(epoll, c);
    if (c->message && c->sent == 0) send_more(epoll, c);
}

static struct connection *connect_one(int epoll)
{
    struct connection *c = calloc(1, sizeof *c);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opts.port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to)) die("connect");
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
    int flags = 1;
    setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &flags, sizeof flags);
    return c;
}

static void run(void)
{
    int epoll = epoll_create1(0);
    for (int i = 0; i < opts.connections; i++) start_request(epoll, connect_one(epoll));
    struct epoll_event events[256];
    while (answered < opts.requests) {
        int n = epoll_wait(epoll, events, 256, 30000);
        if (n == 0) {
            fprintf(stderr, "no answer for 30 s\n");
            exit(2);
        }
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) send_more(epoll, c);
            if (events[i].events & EPOLLIN) read_more(epoll, c);
        }
    }
}

static void read_options(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (!strcmp(name, "--port"))
            opts.port = (int)strtol(value, NULL, 10);
        else if (!strcmp(name, "--connections"))
            opts.connections = (int)strtol(value, NULL, 10);
        else if (!strcmp(name, "--requests"))
            opts.requests = strtol(value, NULL, 10);
        else if (!strcmp(name, "--workload"))
            opts.workload = value;
        else if (!strcmp(name, "--token"))
            opts.token = value;
        else if (!strcmp(name, "--path"))
            opts.path = value;
        else if (!strcmp(name, "--start"))
            opts.start_s = strtol(value, NULL, 10);
        else {
            fprintf(stderr, "load: unknown option %s\n", name);
            exit(2);
        }
    }
    if (!opts.token) opts.token = "none";
    if (!opts.start_s) opts.start_s = START_S;
}

static double percentile_ms(double rank)
{
    return (double)latencies[(size_t)(rank * (double)(answered - 1))] / 1e6;
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    if (!strcmp(opts.workload, "single"))
        make_single();
    else if (!strcmp(opts.workload, "get"))
        make_get();
    else
        make_bulk(!strcmp(opts.workload, "json"));
    latencies = calloc((size_t)opts.requests, sizeof *latencies);
    int64_t start = clock_mono_ns(clock_real());
    run();
    double seconds = (double)(clock_mono_ns(clock_real()) - start) / 1e9;
    qsort(latencies, (size_t)answered, sizeof *latencies, compare);
    printf("{\"requests\":%ld,\"errors\":%ld,\"seconds\":%.3f,\"p50Ms\":%.3f,\"p95Ms\":%.3f,"
           "\"p99Ms\":%.3f,\"maxMs\":%.3f}\n",
           answered, errors, seconds, percentile_ms(0.5), percentile_ms(0.95), percentile_ms(0.99),
           percentile_ms(1));
    return errors > 0;
}
