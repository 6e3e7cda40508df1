/* Answers of unknown length: order, back pressure, and both ends. */
#include "net_script.h"
#include "wire.h"

#include "base/mem.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static struct net_script script;
static struct wire client;

static int start(void **state)
{
    (void)state;
    net_script_start(&script, NULL);
    wire_open_as(&client, net_script_port(&script), "127.0.0.1", 16384);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    wire_close(&client);
    net_script_stop(&script, 0);
    return 0;
}

static int producer_result(void)
{
    int e;
    while ((e = atomic_load(&script.stream_result)) < 0) sched_yield();
    return e;
}

static void a_stream_arrives_whole_and_the_connection_goes_on(void **state)
{
    (void)state;
    wire_say(&client, GET("/stream?1000000") GET("/stream?0") GET("/echo"));
    assert_true(wire_read(&client, false));
    assert_int_equal(client.status, 200);
    assert_string_equal(wire_header(&client, "Transfer-Encoding"), "chunked");
    assert_true(client.whole);
    assert_int_equal(client.body.n, 1000000);
    assert_true(wire_read(&client, false));
    assert_true(client.whole);
    assert_int_equal(client.body.n, 0);
    assert_true(wire_read(&client, false));
    assert_int_equal(client.status, 200);
    assert_int_equal(producer_result(), ERR_OK);
}

static void an_incomplete_stream_cuts_the_connection(void **state)
{
    (void)state;
    wire_say(&client, GET("/cut?50000"));
    assert_true(wire_read(&client, false));
    assert_false(client.whole);
    assert_true(client.body.n <= 50000);
}

static void http_10_reads_to_the_end_of_the_connection(void **state)
{
    (void)state;
    wire_say(&client, "GET /stream?100000 HTTP/1.0\r\n\r\n");
    assert_true(wire_read(&client, false));
    assert_string_equal(wire_header(&client, "Connection"), "close");
    assert_string_equal(wire_header(&client, "Transfer-Encoding"), "");
    assert_int_equal(client.body.n, 100000);
}

static void head_of_a_stream_has_no_body(void **state)
{
    (void)state;
    wire_say(&client, "HEAD /stream?100000 HTTP/1.1\r\nHost: a\r\n\r\n" GET("/echo"));
    assert_true(wire_read(&client, true));
    assert_string_equal(wire_header(&client, "Transfer-Encoding"), "chunked");
    assert_true(wire_read(&client, false));
    assert_string_equal(wire_header(&client, "Content-Length"), "0");
}

/* The kernel's buffers take some; beyond them the producer stands still until the client reads. */
static void a_slow_reader_stops_the_producer(void **state)
{
    (void)state;
    enum { ALL = 64 << 20 };
    wire_say(&client, GET("/stream?67108864"));
    assert_true(wire_fill(&client, 1000));
    uint64_t before, after = 0;
    do { /* until it has not moved for a while of its own time */
        before = after;
        for (int i = 0; i < 20000; i++) sched_yield();
        after = atomic_load(&script.streamed);
    } while (before != after);
    assert_true(after < ALL / 2);
    assert_int_equal(atomic_load(&script.stream_result), -1);
    assert_true(wire_read(&client, false));
    assert_int_equal(client.body.n, ALL);
    assert_true(client.whole);
}

static void a_client_that_leaves_frees_the_producer(void **state)
{
    (void)state;
    wire_say(&client, GET("/stream?67108864"));
    assert_true(wire_fill(&client, 1000));
    struct linger reset = {.l_onoff = 1};
    setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    wire_close(&client);
    assert_int_equal(producer_result(), ERR_CLOSED);
    net_script_await(&script.done, 1);
}

static void a_client_that_stands_still_is_cut_off(void **state)
{
    (void)state;
    wire_say(&client, GET("/stream?67108864"));
    assert_true(wire_fill(&client, 1000));
    uint64_t before, after = 0;
    do {
        before = after;
        for (int i = 0; i < 20000; i++) sched_yield();
        after = atomic_load(&script.streamed);
    } while (before != after);
    clock_fake_advance(&script.clock, 31 * NS_PER_S);
    assert_int_equal(producer_result(), ERR_CLOSED);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        T(a_stream_arrives_whole_and_the_connection_goes_on),
        T(an_incomplete_stream_cuts_the_connection),
        T(http_10_reads_to_the_end_of_the_connection),
        T(head_of_a_stream_has_no_body),
        T(a_slow_reader_stops_the_producer),
        T(a_client_that_leaves_frees_the_producer),
        T(a_client_that_stands_still_is_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
