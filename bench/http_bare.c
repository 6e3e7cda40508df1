/* The HTTP server with nothing behind it: every request is answered on the loop with a few bytes of
 * JSON. Tells what the transport costs, so that a slow ingest path knows whom not to blame.
 *
 *   http_bare [PORT [LOOPS]] &      then any load, for instance wrk; SIGTERM or SIGINT ends it
 *
 * At its end it prints requests, processor seconds and requests per processor second. */
#include "base/clock.h"
#include "base/rnd.h"
#include "net/http.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static _Atomic uint64_t requests;

static struct http_verdict on_head(void *ctx, struct http_exchange *x)
{
    (void)ctx, (void)x;
    return (struct http_verdict){.body_max = 1 << 24};
}

static void on_request(void *ctx, struct http_exchange *x)
{
    (void)ctx;
    atomic_fetch_add_explicit(&requests, 1, memory_order_relaxed);
    buf_add_str(http_answer_body(x), "{\"accepted\":1}");
    http_answer(x, 200, "application/json");
}

static void on_done(void *ctx, struct http_exchange *x)
{
    (void)ctx, (void)x;
}

static void on_refused(void *ctx, int status, const char *why, struct buf *body,
                       const char **ret_type)
{
    (void)ctx, (void)status;
    buf_add_str(body, why);
    *ret_type = "text/plain";
}

static double processor_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    struct http_server_opts opts = {.host = "127.0.0.1",
                                    .port = argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 0,
                                    .loops = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1,
                                    .max_connections = 8192,
                                    .max_per_address = 8192,
                                    .clock = clock_real(),
                                    .rnd = rnd_system()};
    struct http_handler handler = {NULL, on_head, on_request, on_done, on_refused};
    struct http_server *server;
    struct why why;
    if (http_server_start(&server, &opts, &handler, &why)) {
        fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    printf("listening on 127.0.0.1:%u\n", http_server_port(server));
    fflush(stdout);
    int got;
    sigwait(&signals, &got);
    double used = processor_seconds();
    uint64_t n = atomic_load(&requests);
    printf("%llu requests, %.2f processor seconds, %.0f requests per processor second\n",
           (unsigned long long)n, used, used > 0 ? (double)n / used : 0);
    http_server_stop(server, NS_PER_S);
    return 0;
}
