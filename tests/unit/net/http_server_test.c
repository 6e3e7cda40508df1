/* The HTTP server over real loopback sockets: what a client sees, byte for byte. The clock is the
 * test's: deadlines pass when it is moved. */
#include "net_script.h"
#include "wire.h"

#include "base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <sys/socket.h>

#include <cmocka.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static struct net_script script;
static struct wire client;

static int start(void **state)
{
    (void)state;
    net_script_start(&script, NULL);
    wire_open(&client, net_script_port(&script));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    wire_close(&client);
    net_script_stop(&script, 0);
    return 0;
}

static void expect(int status, const char *body)
{
    assert_true(wire_read(&client, false));
    assert_int_equal(client.status, status);
    if (body && !bytes_is(buf_bytes(&client.body), body))
        fail_msg("\"%.*s\" instead of \"%s\"", (int)client.body.n, client.body.p, body);
}

/* When this returns, the loop is done with everything that came before it. */
static void settle(void)
{
    struct wire w;
    wire_open(&w, net_script_port(&script));
    wire_say(&w, GET("/echo"));
    assert_true(wire_read(&w, false));
    wire_close(&w);
}

static void an_answer_has_exactly_these_headers(void **state)
{
    (void)state;
    wire_say(&client, "POST /echo HTTP/1.1\r\nHost: a\r\nX-Request-Id: my.id-1_\r\n"
                      "Content-Length: 5\r\n\r\nhello");
    expect(200, "hello");
    assert_string_equal(client.head, "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                     "X-Request-Id: my.id-1_\r\nContent-Type: text/plain\r\n"
                                     "Content-Length: 5\r\n\r\n");
}

static void a_request_id_that_is_bad_or_absent_is_made(void **state)
{
    (void)state;
    wire_say(&client,
             "GET /tell HTTP/1.1\r\nHost: a\r\nX-Request-Id: <script>\r\n\r\n" GET("/tell"));
    expect(200, NULL);
    char first[64];
    snprintf(first, sizeof first, "%s", wire_header(&client, "X-Request-Id"));
    assert_int_equal(strlen(first), 16);
    expect(200, NULL);
    assert_string_not_equal(first, wire_header(&client, "X-Request-Id"));
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct buf all;
    buf_init(&all, 1 << 20);
    for (int i = 0; i < 200; i++)
        buf_printf(&all, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n%03d", i);
    wire_send(&client, buf_bytes(&all));
    for (int i = 0; i < 200; i++) {
        char expected[16];
        snprintf(expected, sizeof expected, "%03d", i);
        expect(200, expected);
    }
    buf_done(&all);
}

static void a_request_comes_through_at_every_split(void **state)
{
    (void)state;
    struct bytes whole =
        BYTES("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
              "5;x\r\nhello\r\n1\r\n!\r\n0\r\nT: u\r\n\r\n");
    for (size_t at = 1; at < whole.n; at++) {
        wire_send(&client, bytes_of(whole.p, at));
        net_script_await(&script.heads, (unsigned)at - 1);
        wire_send(&client, bytes_of(whole.p + at, whole.n - at));
        expect(200, "hello!");
    }
}

static void byte_by_byte_is_the_same_request(void **state)
{
    (void)state;
    static const char text[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok";
    for (size_t i = 0; i + 1 < sizeof text; i++) wire_send(&client, bytes_of(text + i, 1));
    expect(200, "ok");
}

static void head_gets_the_head_alone(void **state)
{
    (void)state;
    wire_say(&client, "HEAD /big?1000 HTTP/1.1\r\nHost: a\r\n\r\n" GET("/echo"));
    assert_true(wire_read(&client, true));
    assert_string_equal(wire_header(&client, "Content-Length"), "1000");
    expect(200, "");
}

static void http_10_is_answered_and_closed(void **state)
{
    (void)state;
    wire_say(&client, "GET /echo HTTP/1.0\r\n\r\n");
    expect(200, "");
    assert_string_equal(wire_header(&client, "Connection"), "close");
    assert_true(wire_ends(&client));
}

static void http_10_may_keep_alive(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        wire_say(&client, "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        expect(200, "");
        assert_string_equal(wire_header(&client, "Connection"), "keep-alive");
    }
}

static void expect_100_is_continued_once(void **state)
{
    (void)state;
    wire_say(&client, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                      "Content-Length: 2\r\n\r\n");
    expect(100, NULL);
    wire_say(&client, "ok");
    expect(200, "ok");
}

static void an_early_answer_saves_the_body(void **state)
{
    (void)state;
    wire_say(&client, "POST /early HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                      "Content-Length: 2\r\n\r\n");
    expect(401, "no");
    assert_string_equal(wire_header(&client, "WWW-Authenticate"), "Bearer");
    assert_string_equal(wire_header(&client, "Connection"), "close");
    assert_true(wire_ends(&client));
}

static void an_early_answer_skips_a_small_body(void **state)
{
    (void)state;
    wire_say(&client, "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    expect(401, "no");
    assert_string_equal(wire_header(&client, "Connection"), "");
    wire_say(&client, "lo" GET("/echo"));
    expect(200, "");
    assert_int_equal(atomic_load(&script.requests), 1);
}

static void an_early_answer_ends_a_large_or_unknown_body(void **state)
{
    (void)state;
    wire_say(&client, "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\nhel");
    expect(401, "no");
    assert_string_equal(wire_header(&client, "Connection"), "close");
    assert_true(wire_ends(&client));
    wire_close(&client);
    wire_open(&client, net_script_port(&script));
    wire_say(&client, "POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    expect(401, "no");
    assert_true(wire_ends(&client));
}

static void refusals_say_why_and_close(void **state)
{
    (void)state;
    static const struct {
        const char *stream;
        int status;
    } rows[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", 417},
        {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
        {"POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", 413},
        {"POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
         "chunked\r\n\r\nb\r\n01234567890\r\n",
         413},
        {"POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n"
         "5\r\n67890\r\n",
         413},
        {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
        {"POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789", 200},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wire_close(&client);
        wire_open(&client, net_script_port(&script));
        wire_say(&client, rows[i].stream);
        wire_say(&client, "GET /echo HTTP/1.1\r\nHost: smuggled\r\n\r\n");
        expect(rows[i].status, NULL);
        if (rows[i].status == 200) continue;
        char number[16];
        snprintf(number, sizeof number, "%d ", rows[i].status);
        assert_memory_equal(client.body.p, number, 4);
        assert_string_equal(wire_header(&client, "Connection"), "close");
        assert_true(wire_ends(&client));
    }
    struct http_server_stats stats;
    http_server_read_stats(script.server, &stats);
    assert_int_equal(stats.refused_requests, 8);
}

static void a_refusal_reaches_a_client_that_keeps_sending(void **state)
{
    (void)state;
    static char filler[200000];
    memset(filler, 'x', sizeof filler);
    wire_say(&client, "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n");
    wire_send(&client, bytes_of(filler, sizeof filler));
    expect(413, NULL);
    assert_true(wire_ends(&client));
}

static void a_slow_head_gets_408_after_10_s(void **state)
{
    (void)state;
    wire_say(&client, GET("/echo") "GET /echo HT");
    expect(200, "");
    settle();
    clock_fake_advance(&script.clock, 9 * NS_PER_S);
    wire_say(&client, "TP/1.1\r\nHost:");
    settle();
    clock_fake_advance(&script.clock, 2 * NS_PER_S);
    expect(408, NULL);
    assert_true(wire_ends(&client));
}

static void a_silent_connection_is_closed_without_a_word(void **state)
{
    (void)state;
    wire_say(&client, GET("/echo"));
    expect(200, "");
    settle();
    clock_fake_advance(&script.clock, 76 * NS_PER_S);
    assert_true(wire_ends(&client));
}

static void a_new_connection_has_10_s_for_its_first_byte(void **state)
{
    (void)state;
    settle();
    clock_fake_advance(&script.clock, 11 * NS_PER_S);
    assert_true(wire_ends(&client));
}

static void a_body_below_its_rate_gets_408(void **state)
{
    (void)state;
    static char kib[1024];
    memset(kib, 'x', sizeof kib);
    wire_say(&client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    for (int i = 0; i < 40; i++) wire_send(&client, bytes_of(kib, sizeof kib));
    settle();
    clock_fake_advance(&script.clock, 120 * NS_PER_S); /* 30 s + 40 s are over, however it came */
    expect(408, NULL);
    assert_true(wire_ends(&client));
}

static void a_held_exchange_is_answered_from_another_thread(void **state)
{
    (void)state;
    wire_say(&client,
             "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" GET("/echo"));
    struct http_exchange *x = net_script_take(&script);
    assert_true(bytes_is(http_body(x), "abc"));
    assert_int_equal(atomic_load(&script.requests), 1); /* the next one waits: N2 */
    clock_fake_advance(&script.clock, 300 * NS_PER_S);  /* and no deadline passes meanwhile */
    buf_add_str(http_answer_body(x), "late");
    net_script_answer(&script, x, 202, "text/plain");
    expect(202, "late");
    expect(200, "");
}

enum { FLOOD = 30000 };

static void *flood(void *arg)
{
    struct buf all;
    buf_init(&all, 1 << 21);
    for (int i = 0; i < FLOOD; i++) buf_add_str(&all, GET("/echo"));
    wire_send(arg, buf_bytes(&all));
    buf_done(&all);
    return NULL;
}

static void a_flood_behind_a_held_request_waits_in_the_kernel(void **state)
{
    (void)state;
    pthread_t thread;
    wire_say(&client, GET("/hold"));
    struct http_exchange *x = net_script_take(&script);
    assert_int_equal(pthread_create(&thread, NULL, flood, &client), 0);
    for (int i = 0; i < 200; i++) settle(); /* the loop reads what it will read */
    net_script_answer(&script, x, 200, NULL);
    for (int i = 0; i < FLOOD + 1; i++) expect(200, NULL);
    pthread_join(thread, NULL);
}

static void a_held_exchange_outlives_its_client(void **state)
{
    (void)state;
    wire_say(&client, GET("/hold"));
    struct http_exchange *x = net_script_take(&script);
    struct linger reset = {.l_onoff = 1};
    setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    wire_close(&client);
    settle(); /* the loop has seen the reset */
    assert_true(bytes_is(http_head(x)->path, "/hold"));
    net_script_await(&script.done, 1); /* that of settle(), and no other */
    assert_int_equal(atomic_load(&script.done), 1);
    net_script_answer(&script, x, 200, NULL);
    net_script_await(&script.done, 2);
}

static void a_half_closed_client_gets_its_answers(void **state)
{
    (void)state;
    wire_say(&client, GET("/hold") GET("/big?300000") "GET /echo HT");
    shutdown(client.fd, SHUT_WR);
    net_script_answer(&script, net_script_take(&script), 204, NULL);
    expect(204, NULL);
    expect(200, NULL);
    assert_int_equal(client.body.n, 300000);
    assert_true(wire_ends(&client));
}

static void a_large_answer_is_written_in_parts(void **state)
{
    (void)state;
    wire_close(&client);
    wire_open_as(&client, net_script_port(&script), "127.0.0.1", 32768);
    wire_say(&client, GET("/big?8000000") GET("/echo"));
    expect(200, NULL);
    assert_int_equal(client.body.n, 8000000);
    for (size_t i = 0; i < client.body.n; i++)
        if (client.body.p[i] != (char)('a' + i % 26)) fail_msg("byte %zu", i);
    expect(200, "");
}

static void a_reader_that_stands_still_is_cut_off(void **state)
{
    (void)state;
    wire_close(&client);
    wire_open_as(&client, net_script_port(&script), "127.0.0.1", 4096);
    wire_say(&client, GET("/big?20000000"));
    net_script_await(&script.requests, 1);
    settle(); /* the first write is under way */
    clock_fake_advance(&script.clock, 31 * NS_PER_S);
    net_script_await(&script.done, 2);
}

static void answers_are_compressed_when_asked_and_worth_it(void **state)
{
    (void)state;
    static const struct {
        const char *path, *accept, *encoding, *vary;
    } rows[] = {
        {"/text?5000", "gzip", "gzip", "Accept-Encoding"},
        {"/text?5000", "zstd, gzip", "zstd", "Accept-Encoding"},
        {"/text?5000", "identity", "", "Accept-Encoding"},
        {"/text?1024", "gzip", "", ""},
        {"/big?5000", "gzip", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char request[256];
        snprintf(request, sizeof request,
                 "GET %s HTTP/1.1\r\nHost: a\r\nAccept-Encoding: %s\r\n\r\n", rows[i].path,
                 rows[i].accept);
        wire_say(&client, request);
        expect(200, NULL);
        assert_string_equal(wire_header(&client, "Content-Encoding"), rows[i].encoding);
        assert_string_equal(wire_header(&client, "Vary"), rows[i].vary);
        assert_true(client.whole);
    }
}

static void a_failed_allocation_harms_one_request_only(void **state)
{
    (void)state;
    settle();
    for (int64_t nth = 1; nth < 12; nth++) {
        struct wire w;
        wire_open(&w, net_script_port(&script));
        mem_fail_at(nth);
        wire_say(&w, "POST /text?3000 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n"
                     "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\na\r\n0\r\n\r\n");
        if (wire_read(&w, false)) assert_true(w.status == 200 || w.status == 503);
        wire_close(&w);
        mem_fail_at(0);
    }
    wire_say(&client, GET("/echo"));
    expect(200, "");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        T(an_answer_has_exactly_these_headers),
        T(a_request_id_that_is_bad_or_absent_is_made),
        T(pipelined_requests_are_answered_in_order),
        T(a_request_comes_through_at_every_split),
        T(byte_by_byte_is_the_same_request),
        T(head_gets_the_head_alone),
        T(http_10_is_answered_and_closed),
        T(http_10_may_keep_alive),
        T(expect_100_is_continued_once),
        T(an_early_answer_saves_the_body),
        T(an_early_answer_skips_a_small_body),
        T(an_early_answer_ends_a_large_or_unknown_body),
        T(refusals_say_why_and_close),
        T(a_refusal_reaches_a_client_that_keeps_sending),
        T(a_slow_head_gets_408_after_10_s),
        T(a_silent_connection_is_closed_without_a_word),
        T(a_new_connection_has_10_s_for_its_first_byte),
        T(a_body_below_its_rate_gets_408),
        T(a_held_exchange_is_answered_from_another_thread),
        T(a_flood_behind_a_held_request_waits_in_the_kernel),
        T(a_held_exchange_outlives_its_client),
        T(a_half_closed_client_gets_its_answers),
        T(a_large_answer_is_written_in_parts),
        T(a_reader_that_stands_still_is_cut_off),
        T(answers_are_compressed_when_asked_and_worth_it),
        T(a_failed_allocation_harms_one_request_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
