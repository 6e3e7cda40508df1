/* R5: for each main kind of request the N-th allocation fails, N = 1, 2, … until none does. Every
 * time the client gets a well-formed answer (or a closed connection, when there was no memory for
 * one), the next request is answered, and nothing leaks. The server is built in this process by
 * boot_start(). */
#include "app/boot.h"
#include "app/conf_tables.h"
#include "base/mem.h"
#include "service/auth_service.h"
#include "temp_dir.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct boot server;
static char token[TOKENS_DEVICE_TEXT + 1], access_token[4096];
static struct temp_dir dir;

/* One request on a connection of its own; the status, 0 when the server closed without an answer.
 * */
static int ask(const char *method, const char *path, const char *credential, const char *body)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(http_server_port(server.app.server))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    const struct timeval patience = {30, 0}; /* a hang, not slowness */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    static char text[16384];
    int n = snprintf(text, sizeof text,
                     "%s %s HTTP/1.1\r\nHost: test\r\n%s\r\nContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                     method, path, credential, strlen(body), body);
    assert_int_equal(write(fd, text, (size_t)n), n);
    size_t got = 0;
    for (;;) {
        ssize_t r = read(fd, text + got, sizeof text - 1 - got);
        if (r < 0) break;
        got += (size_t)r;
        if (r == 0 || got == sizeof text - 1) break;
    }
    close(fd);
    text[got] = 0;
    return strncmp(text, "HTTP/1.1 ", 9) == 0 ? (int)strtol(text + 9, NULL, 10) : 0;
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    temp_dir_make(&dir);
    const char *sets[] = {"server.address=127.0.0.1", "server.port=0", "server.loops=1",
                          "log.level=error"};
    struct conf *conf;
    struct settings unused;
    struct why why = {""};
    setenv("ADMIN_EMAIL", "root@example.org", 1);
    setenv("ADMIN_PASSWORD", "correct horse battery", 1);
    if (conf_tables_load(&conf, &unused, NULL, sets, 4, &why) ||
        boot_start(&server, conf, dir.path, &why)) {
        print_message("%s\n", why.text);
        return 1;
    }
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const struct device given = {
        .external_id = BYTES("d1"), .active = true, .latitude = 0, .longitude = 0, .altitude = 0};
    const struct actor actor = {.name = BYTES("system"), .org = server.first.org};
    struct device made;
    struct refusal refusal = {0};
    enum err e =
        device_service_create(&server.devices, &actor, &given, &arena, &made, token, &refusal);
    struct auth_tokens tokens;
    if (!e)
        e = auth_service_login(server.app.auth, BYTES("root"), BYTES("correct horse battery"),
                               false, &actor, &arena, &tokens, &refusal);
    if (!e) snprintf(access_token, sizeof access_token, "Authorization: Bearer %s", tokens.access);
    arena_done(&arena);
    return e != ERR_OK;
}

static int tear_down(void **state)
{
    (void)state;
    boot_stop(&server);
    temp_dir_remove(&dir);
    return 0;
}

/* Runs one kind of request with its N-th allocation failing for every N there is. */
static void fail_every_allocation(const char *method, const char *path, bool as_device,
                                  const char *body, int good)
{
    char key[128];
    snprintf(key, sizeof key, "X-API-Key: %s", token);
    const char *credential = as_device ? key : access_token;
    assert_int_equal(ask(method, path, credential, body), good);
    assert_int_equal(ask(method, path, credential, body), good);
    int64_t before = mem_blocks();
    int n = 1, refused = 0;
    for (;; n++) {
        mem_fail_at(n);
        int status = ask(method, path, credential, body);
        bool fired = mem_fail_fired();
        mem_fail_at(0);
        bool clean = status == 0 || status == good || status == 503 || status == 500;
        if (!clean) print_message("allocation %d: status %d\n", n, status);
        assert_true(clean);
        refused += status != good;
        assert_int_equal(ask("GET", "/actuator/health", credential, ""), 200);
        if (!fired) break;
        assert_true(n < 5000);
    }
    assert_int_equal(ask(method, path, credential, body), good);
    int64_t leaked = mem_blocks() - before;
    print_message("%s %s: %d allocations, %d answers refused, %lld blocks more\n", method, path,
                  n - 1, refused, (long long)leaked);
    assert_true(n > 1);
    assert_true(leaked <
                n / 4 + 8); /* caches may hold a few more blocks, not one for each failure */
}

static void flat_reading_survives_every_failed_allocation(void **state)
{
    (void)state;
    fail_every_allocation("POST", "/api/v1/ingest/d1", true, "{\"t\":1.5,\"u\":2}", 200);
}

static void bulk_survives_every_failed_allocation(void **state)
{
    (void)state;
    fail_every_allocation("POST", "/api/v1/data/bulk", true,
                          "[{\"deviceId\":\"d1\",\"variables\":{\"t\":1}},{\"deviceId\":\"d1\","
                          "\"variables\":{\"u\":2}}]",
                          200);
}

static void line_protocol_survives_every_failed_allocation(void **state)
{
    (void)state;
    fail_every_allocation("POST", "/api/v2/write", true,
                          "telemetry,device=d1 t=1,u=2\nm,device=d1 x=1", 204);
}

static void range_query_survives_every_failed_allocation(void **state)
{
    (void)state;
    fail_every_allocation("GET", "/api/v1/data/query?deviceId=d1&limit=5", false, "", 200);
}

static void latest_survives_every_failed_allocation(void **state)
{
    (void)state;
    fail_every_allocation("GET", "/api/v1/data/latest", false, "", 200);
}

static void aggregate_survives_every_failed_allocation(void **state)
{
    (void)state;
    fail_every_allocation("GET",
                          "/api/v1/analytics/aggregate?deviceId=d1&variable=t&aggregation=P95",
                          false, "", 200);
}

static void export_survives_every_failed_allocation(void **state)
{
    (void)state;
    fail_every_allocation("GET", "/api/v1/export/csv/d1?from=2100-01-01", false, "", 400);
    fail_every_allocation("GET", "/api/v1/export/csv/d1?to=2001-01-02T00:00:00Z", false, "", 200);
}

static void a_dashboard_survives_every_failed_allocation(void **state)
{
    (void)state;
    assert_int_equal(ask("POST", "/api/v1/dashboards", access_token, "{\"name\":\"D\"}"), 201);
    static const char *const widgets[] = {
        "{\"name\":\"L\",\"type\":\"LINE_CHART\",\"deviceId\":\"d1\",\"variableName\":\"t\"}",
        ("{\"name\":\"B\",\"type\":\"BAR_CHART\",\"deviceId\":\"d1\",\"variableName\":\"t\","
         "\"aggregation\":\"AVG\",\"config\":{\"interval\":\"5m\"}}"),
        "{\"name\":\"T\",\"type\":\"TABLE\",\"deviceId\":\"d1\"}",
        "{\"name\":\"M\",\"type\":\"MAP\"}",
    };
    for (size_t i = 0; i < sizeof widgets / sizeof *widgets; i++)
        assert_int_equal(ask("POST", "/api/v1/dashboards/1/widgets", access_token, widgets[i]),
                         201);
    fail_every_allocation("PUT", "/api/v1/dashboards/1", false,
                          "{\"layoutConfig\":{\"a\":[1.10,\"b\\u0041\"]}}", 200);
    fail_every_allocation("POST", "/api/v1/dashboards/1/data", false, "{\"maxPoints\":100}", 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flat_reading_survives_every_failed_allocation),
        cmocka_unit_test(bulk_survives_every_failed_allocation),
        cmocka_unit_test(line_protocol_survives_every_failed_allocation),
        cmocka_unit_test(range_query_survives_every_failed_allocation),
        cmocka_unit_test(latest_survives_every_failed_allocation),
        cmocka_unit_test(aggregate_survives_every_failed_allocation),
        cmocka_unit_test(export_survives_every_failed_allocation),
        cmocka_unit_test(a_dashboard_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
