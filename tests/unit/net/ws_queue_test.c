/* What a slow reader gets, and what many senders give. */
#include "net_script.h"
#include "wire_frame.h"

#include "net/ws_frame.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct net_script script;
static struct wire client;

static int start(void **state)
{
    (void)state;
    net_script_start(&script, NULL);
    wire_open_as(&client, net_script_port(&script), "127.0.0.1", 16384);
    wire_say(&client, WIRE_FRAME_SHAKE("/ws", ""));
    assert_true(wire_read(&client, true));
    net_script_await(&script.ws_opened, 1);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    wire_close(&client);
    net_script_stop(&script, 0);
    return 0;
}

static int read_frame(void)
{
    return wire_frame_read(&client);
}

static void send_text(struct websocket *ws, const char *text, size_t n, uint64_t lane)
{
    struct ws_frame *f = ws_frame_new(bytes_of(text, n));
    assert_non_null(f);
    websocket_send(ws, f, lane);
    ws_frame_unref(f);
}

/* 10,000 numbered frames of 4 KiB in three lanes to a client that does not read: 40 MB, of which
 * the kernel takes some. Then it reads: numbers rise within a lane, and each lane ends with its
 * newest. */
static void a_slow_reader_loses_older_frames_of_a_lane_never_the_newest(void **state)
{
    (void)state;
    enum { COUNT = 10000, LANES = 3 };
    static char text[4096];
    memset(text, ' ', sizeof text);
    struct websocket *ws = atomic_load(&script.ws);
    for (int i = 0; i < COUNT; i++) {
        int n = snprintf(text, sizeof text, "%d", i);
        text[n] = ' ';
        send_text(ws, text, sizeof text, (uint64_t)(1 + i % LANES));
    }
    long newest[LANES] = {-1, -1, -1};
    int seen = 0;
    while (newest[0] + newest[1] + newest[2] < 3 * COUNT - 6) {
        assert_int_equal(read_frame(), WS_TEXT);
        long number = strtol(client.body.p, NULL, 10);
        assert_true(number > newest[number % LANES]);
        newest[number % LANES] = number;
        seen++;
    }
    assert_true(seen < COUNT);
    wire_frame_send(&client, WIRE_FRAME_FIN | WS_TEXT, BYTES("still here"));
    assert_int_equal(read_frame(), WS_TEXT);
    assert_true(bytes_is(buf_bytes(&client.body), "still here"));
}

static void a_slow_reader_without_lanes_is_closed_with_1013(void **state)
{
    (void)state;
    static char text[4096];
    memset(text, ' ', sizeof text);
    struct websocket *ws = atomic_load(&script.ws);
    for (int i = 0; i < 10000; i++) send_text(ws, text, sizeof text, 0);
    int opcode;
    while ((opcode = read_frame()) == WS_TEXT) continue;
    assert_int_equal(opcode, WS_CLOSE);
    assert_int_equal(wire_frame_close_code(&client), 1013);
}

struct sender {
    struct websocket *ws;
    char name;
};

static void *send_many(void *arg)
{
    const struct sender *s = arg;
    for (int i = 0; i < 1000; i++) {
        char text[16];
        int n = snprintf(text, sizeof text, "%c%d", s->name, i);
        send_text(s->ws, text, (size_t)n, 0);
    }
    return NULL;
}

static void many_threads_send_and_each_keeps_its_order(void **state)
{
    (void)state;
    pthread_t threads[3];
    struct sender senders[3];
    long next[3] = {0};
    for (int i = 0; i < 3; i++) {
        senders[i] = (struct sender){atomic_load(&script.ws), (char)('a' + i)};
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, &senders[i]), 0);
    }
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(read_frame(), WS_TEXT);
        int who = client.body.p[0] - 'a';
        buf_cstr(&client.body);
        assert_int_equal(strtol(client.body.p + 1, NULL, 10), next[who]);
        next[who]++;
    }
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        T(a_slow_reader_loses_older_frames_of_a_lane_never_the_newest),
        T(a_slow_reader_without_lanes_is_closed_with_1013),
        T(many_threads_send_and_each_keeps_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
