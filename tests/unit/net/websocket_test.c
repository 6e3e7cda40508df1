/* WebSocket sessions over real sockets: RFC 6455 as a browser meets it, and what slow readers get.
 * */
#include "net_script.h"
#include "wire_frame.h"

#include "base/mem.h"
#include "net/ws_handshake.h"
#include "net/ws_session.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FIN = WIRE_FRAME_FIN };

static struct net_script script;
static struct wire client;

static void send_frame(unsigned first, struct bytes payload)
{
    wire_frame_send(&client, first, payload);
}

static int read_frame(void)
{
    return wire_frame_read(&client);
}

static void say(const char *text)
{
    send_frame(FIN | WS_TEXT, bytes_str(text));
}

static void expect_text(const char *text)
{
    assert_int_equal(read_frame(), WS_TEXT);
    if (!bytes_is(buf_bytes(&client.body), text))
        fail_msg("\"%.*s\"", (int)client.body.n, client.body.p);
}

/* Frames may come before it. */
static void expect_close(unsigned code)
{
    int opcode;
    while ((opcode = read_frame()) != WS_CLOSE) assert_true(opcode >= 0);
    assert_int_equal(wire_frame_close_code(&client), code);
}

static void shake(const char *request)
{
    wire_say(&client, request);
    assert_true(wire_read(&client, true));
    assert_int_equal(client.status, 101);
    assert_string_equal(wire_header(&client, "Sec-WebSocket-Accept"),
                        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    net_script_await(&script.ws_opened, 1);
}

static int start_closed(void **state)
{
    (void)state;
    net_script_start(&script, NULL);
    wire_open_as(&client, net_script_port(&script), "127.0.0.1", 16384);
    return 0;
}

static int start(void **state)
{
    start_closed(state);
    shake(WIRE_FRAME_SHAKE("/ws", ""));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    wire_close(&client);
    net_script_stop(&script, 0);
    return 0;
}

static void what_is_said_comes_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 125, 126, 65535, 65536};
    static char text[65537];
    memset(text, 'x', sizeof text - 1);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        send_frame(FIN | WS_TEXT, bytes_of(text, sizes[i]));
        assert_int_equal(read_frame(), WS_TEXT);
        assert_int_equal(client.body.n, sizes[i]);
    }
}

static void every_split_is_the_same_frame(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4096);
    wire_frame_add(&b, FIN | WS_TEXT, BYTES("hello"));
    wire_frame_add(&b, FIN | WS_PING, BYTES("p"));
    for (size_t at = 1; at < b.n; at++) {
        wire_send(&client, bytes_of(b.p, at));
        wire_send(&client, bytes_of(b.p + at, b.n - at));
        expect_text("hello");
        assert_int_equal(read_frame(), WS_PONG);
        assert_true(bytes_is(buf_bytes(&client.body), "p"));
    }
    buf_done(&b);
}

static void fragments_join_and_controls_may_come_between(void **state)
{
    (void)state;
    send_frame(WS_TEXT, BYTES("one \xc3")); /* cut inside a character */
    send_frame(FIN | WS_PING, BYTES("x"));
    send_frame(WS_CONTINUATION, BYTES("\xa9 two"));
    send_frame(FIN | WS_CONTINUATION, BYTES(""));
    assert_int_equal(read_frame(), WS_PONG);
    expect_text("one \xc3\xa9 two");
}

static void sessions_share_readers_between_frames_only(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4096);
    wire_frame_add(&b, FIN | WS_TEXT, BYTES("first"));
    for (size_t at = 1; at < b.n; at++) {
        wire_send(&client, bytes_of(b.p, at)); /* this one holds a reader ... */
        struct wire first = client;
        wire_open(&client, net_script_port(&script));
        shake(WIRE_FRAME_SHAKE("/ws", ""));
        say("second"); /* ... while that one needs one */
        expect_text("second");
        wire_close(&client);
        client = first;
        wire_send(&client, bytes_of(b.p + at, b.n - at));
        expect_text("first");
    }
    buf_done(&b);
}

static void the_first_frames_may_come_with_the_handshake(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 4096);
    buf_add_str(&b, WIRE_FRAME_SHAKE("/ws", ""));
    wire_frame_add(&b, FIN | WS_TEXT, BYTES("early"));
    wire_send(&client, buf_bytes(&b));
    buf_done(&b);
    assert_true(wire_read(&client, true));
    assert_int_equal(client.status, 101);
    expect_text("early");
}

static void what_is_no_handshake_is_not_accepted(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2hvcnQ=\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        "POST /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wire_say(&client, rows[i]);
        assert_true(wire_read(&client, false));
        assert_int_equal(client.status, 400);
    }
}

static void every_breach_has_its_close_code(void **state)
{
    (void)state;
    static const char unmasked[] = {(char)(FIN | WS_TEXT), 2, 'h', 'i'};
    static const char huge[] = {(char)(FIN | WS_TEXT), (char)0xff, 0, 0, 0, 1, 0, 0, 0, 0};
    static char big[65537];
    static const struct {
        const char *what;
        unsigned first;
        struct bytes payload;
        unsigned code;
    } rows[] = {
        {"not UTF-8", FIN | WS_TEXT, {"\xff", 1}, 1007},
        {"binary", FIN | WS_BINARY, {"x", 1}, 1003},
        {"a reserved bit", FIN | 0x40 | WS_TEXT, {"x", 1}, 1002},
        {"an unknown opcode", FIN | 3, {"x", 1}, 1002},
        {"an unknown control", FIN | 11, {"x", 1}, 1002},
        {"a lone continuation", FIN | WS_CONTINUATION, {"x", 1}, 1002},
        {"a control in pieces", WS_PING, {"x", 1}, 1002},
        {"a long control", FIN | WS_PING, {big, 126}, 1002},
        {"one byte too long", FIN | WS_TEXT, {big, sizeof big}, 1009},
        {"a close of one byte", FIN | WS_CLOSE, {"x", 1}, 1002},
        {"close 1005", FIN | WS_CLOSE, {"\x03\xed", 2}, 1002},
        {"close 999", FIN | WS_CLOSE, {"\x03\xe7", 2}, 1002},
        {"close 5000", FIN | WS_CLOSE, {"\x13\x88", 2}, 1002},
        {"a reason that is not UTF-8", FIN | WS_CLOSE, {"\x03\xe8\xff", 3}, 1007},
        {"close 1000",
         FIN | WS_CLOSE,
         {"\x03\xe8"
          "bye",
          5},
         1000},
        {"close 4999", FIN | WS_CLOSE, {"\x13\x87", 2}, 4999},
        {"an empty close", FIN | WS_CLOSE, {"", 0}, 0},
        {"unmasked", 0, {unmasked, sizeof unmasked}, 1002},
        {"a length of 4 GiB", 0, {huge, sizeof huge}, 1009},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wire_close(&client);
        wire_open(&client, net_script_port(&script));
        shake(WIRE_FRAME_SHAKE("/ws", ""));
        if (rows[i].first)
            send_frame(rows[i].first, rows[i].payload);
        else
            wire_send(&client, rows[i].payload);
        if (rows[i].payload.p == huge) wire_send(&client, bytes_of("maskx", 5));
        say("ignored");
        assert_int_equal(read_frame(), WS_CLOSE);
        if (wire_frame_close_code(&client) != rows[i].code)
            fail_msg("%s: %u", rows[i].what, wire_frame_close_code(&client));
        assert_int_equal(read_frame(), -1);
    }
}

static void text_inside_a_message_is_a_breach(void **state)
{
    (void)state;
    send_frame(WS_TEXT, BYTES("a"));
    send_frame(FIN | WS_TEXT, BYTES("b"));
    expect_close(1002);
}

static void a_message_of_many_fragments_has_the_same_limit(void **state)
{
    (void)state;
    static char part[32768];
    memset(part, 'x', sizeof part);
    send_frame(WS_TEXT, bytes_of(part, sizeof part));
    send_frame(WS_CONTINUATION, bytes_of(part, sizeof part));
    send_frame(FIN | WS_CONTINUATION, bytes_of(part, 1));
    expect_close(1009);
}

static void the_servers_close_waits_for_the_peers(void **state)
{
    (void)state;
    say("close");
    say("not heard");
    expect_close(4000);
    assert_int_equal(client.body.n, 2 + strlen("as you wish"));
    send_frame(FIN | WS_CLOSE, BYTES("\x0f\xa0"));
    assert_true(wire_ends(&client));
    net_script_await(&script.ws_closed, 1);
}

static void a_peer_that_does_not_close_is_cut_after_5_s(void **state)
{
    (void)state;
    say("close");
    expect_close(4000);
    clock_fake_advance(&script.clock, 6 * NS_PER_S);
    assert_true(wire_ends(&client));
}

static void pings_come_every_30_s_and_silence_ends_it(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) { /* answered ones keep it alive */
        clock_fake_advance(&script.clock, 31 * NS_PER_S);
        assert_int_equal(read_frame(), WS_PING);
        send_frame(FIN | WS_PONG, BYTES(""));
        say("alive");
        expect_text("alive");
    }
    for (int i = 0; i < 2; i++) {
        clock_fake_advance(&script.clock, 31 * NS_PER_S);
        assert_int_equal(read_frame(), WS_PING);
    }
    clock_fake_advance(&script.clock, 31 * NS_PER_S);
    assert_int_equal(read_frame(), -1);
}

static void an_idle_session_is_closed_and_pongs_do_not_count(void **state)
{
    (void)state;
    wire_close(&client);
    wire_open(&client, net_script_port(&script));
    shake(WIRE_FRAME_SHAKE("/ws?40", ""));
    say("x");
    expect_text("x");
    say("y"); /* when it comes back, the loop is done with the first */
    expect_text("y");
    clock_fake_advance(&script.clock, 31 * NS_PER_S);
    assert_int_equal(read_frame(), WS_PING);
    send_frame(FIN | WS_PONG, BYTES(""));
    clock_fake_advance(&script.clock, 11 * NS_PER_S);
    expect_close(1001);
}

static void a_failed_allocation_ends_one_session_at_most(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_add_str(&b, WIRE_FRAME_SHAKE("/ws", ""));
    wire_frame_add(&b, WS_TEXT, BYTES("hel"));
    wire_frame_add(&b, FIN | WS_PING, BYTES("p"));
    wire_frame_add(&b, FIN | WS_CONTINUATION, BYTES("lo"));
    for (int64_t nth = 1; nth < 20; nth++) {
        wire_close(&client);
        wire_open(&client, net_script_port(&script));
        mem_fail_at(nth);
        wire_send(&client, buf_bytes(&b));
        if (wire_read(&client, true) && client.status == 101)
            while (wire_fill(&client, 1) && (client.in.p[0] & 15) == WS_PONG)
                assert_int_equal(read_frame(), WS_PONG);
        mem_fail_at(0);
    }
    buf_done(&b);
    wire_close(&client);
    wire_open(&client, net_script_port(&script));
    shake(WIRE_FRAME_SHAKE("/ws", ""));
    say("fine");
    expect_text("fine");
}

static void *stop_gently(void *arg)
{
    (void)arg;
    net_script_stop(&script, 10 * NS_PER_S);
    return NULL;
}

static void a_stop_says_1001(void **state)
{
    (void)state;
    pthread_t stopper;
    start(state);
    assert_int_equal(pthread_create(&stopper, NULL, stop_gently, NULL), 0);
    expect_close(1001);
    send_frame(FIN | WS_CLOSE, BYTES("\x03\xe9"));
    assert_true(wire_ends(&client));
    wire_close(&client);
    pthread_join(stopper, NULL);
}

static void an_idle_session_weighs_less_than_2_kib(void **state)
{
    (void)state;
    assert_true(sizeof(struct websocket) + sizeof(struct http_conn) < 2048);
}

static void the_proof_is_that_of_the_rfc(void **state)
{
    (void)state;
    char proof[WS_HANDSHAKE_PROOF];
    ws_handshake_prove("dGhlIHNhbXBsZSBub25jZQ==", proof);
    assert_memory_equal(proof, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", sizeof proof);
    assert_false(ws_handshake_is_key(BYTES("dGhlIHNhbXBsZSBub25jZQ")));
    assert_false(ws_handshake_is_key(BYTES("dGhlIHNhbXBsZSBub25jZTEy")));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
#define C(name) cmocka_unit_test_setup_teardown(name, start_closed, stop)
    const struct CMUnitTest tests[] = {
        T(what_is_said_comes_back),
        T(every_split_is_the_same_frame),
        T(fragments_join_and_controls_may_come_between),
        T(sessions_share_readers_between_frames_only),
        C(the_first_frames_may_come_with_the_handshake),
        C(what_is_no_handshake_is_not_accepted),
        C(every_breach_has_its_close_code),
        T(text_inside_a_message_is_a_breach),
        T(a_message_of_many_fragments_has_the_same_limit),
        T(the_servers_close_waits_for_the_peers),
        T(a_peer_that_does_not_close_is_cut_after_5_s),
        T(pings_come_every_30_s_and_silence_ends_it),
        C(an_idle_session_is_closed_and_pongs_do_not_count),
        C(a_failed_allocation_ends_one_session_at_most),
        cmocka_unit_test(a_stop_says_1001),
        cmocka_unit_test(an_idle_session_weighs_less_than_2_kib),
        cmocka_unit_test(the_proof_is_that_of_the_rfc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
