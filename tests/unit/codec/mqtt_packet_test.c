/* MQTT packets: what is encoded decodes to the same, what is cut or bent is refused. */
#include "codec/mqtt_packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct buf out;

static int open_out(void **state)
{
    (void)state;
    buf_init(&out, 1 << 20);
    return 0;
}

static int close_out(void **state)
{
    (void)state;
    buf_done(&out);
    return 0;
}

static struct mqtt_frame frame_of(const struct buf *b)
{
    struct mqtt_frame f;
    size_t size = 0;
    assert_int_equal(b->err, ERR_OK);
    assert_int_equal(mqtt_packet_size(buf_bytes(b), &size), ERR_OK);
    assert_int_equal(size, b->n);
    assert_int_equal(mqtt_packet_frame(buf_bytes(b), &f), ERR_OK);
    return f;
}

static void assert_text(struct bytes a, const char *b)
{
    assert_true(bytes_is(a, b));
}

static struct mqtt_connect sample_connect(uint8_t version)
{
    struct mqtt_connect c = {.version = version, .clean_start = true, .keep_alive_s = 60};
    c.client_id = BYTES("pump-1");
    c.has_user = c.has_password = c.has_will = true;
    c.user = BYTES("name");
    c.password = BYTES("\0\xff pass");
    c.will = (struct mqtt_will){.qos = 1, .retain = true};
    c.will.topic = BYTES("a/b");
    c.will.payload = BYTES("gone");
    if (version == MQTT_V311) return c;
    mqtt_set(&c.properties, MQTT_SESSION_EXPIRY, 3600);
    mqtt_set(&c.properties, MQTT_RECEIVE_MAXIMUM, 20);
    mqtt_set(&c.properties, MQTT_MAXIMUM_PACKET, 70000);
    mqtt_set(&c.will.properties, MQTT_WILL_DELAY, 5);
    mqtt_set_text(&c.will.properties, MQTT_CONTENT_TYPE, BYTES("text/plain"));
    return c;
}

static void assert_same_connect(const struct mqtt_connect *a, const struct mqtt_connect *b)
{
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->clean_start, b->clean_start);
    assert_int_equal(a->keep_alive_s, b->keep_alive_s);
    assert_true(bytes_equal(a->client_id, b->client_id));
    assert_true(bytes_equal(a->user, b->user));
    assert_true(bytes_equal(a->password, b->password));
    assert_true(a->has_will && b->has_will);
    assert_int_equal(a->will.qos, b->will.qos);
    assert_true(bytes_equal(a->will.topic, b->will.topic));
    assert_true(bytes_equal(a->will.payload, b->will.payload));
    assert_true(a->properties.present == b->properties.present);
    assert_true(a->will.properties.present == b->will.properties.present);
}

static void connect_comes_back_as_it_was(void **state)
{
    (void)state;
    for (uint8_t version = MQTT_V311; version <= MQTT_V5; version++) {
        struct mqtt_connect in = sample_connect(version), back;
        buf_clear(&out);
        mqtt_encode_connect(&out, &in);
        struct mqtt_frame f = frame_of(&out);
        assert_int_equal(f.type, MQTT_CONNECT);
        assert_int_equal(mqtt_decode_connect(f.body, &back), MQTT_SUCCESS);
        assert_same_connect(&in, &back);
        if (version == MQTT_V311) continue;
        assert_int_equal(mqtt_number(&back.properties, MQTT_SESSION_EXPIRY, 0), 3600);
        assert_int_equal(mqtt_number(&back.properties, MQTT_RECEIVE_MAXIMUM, 0), 20);
        assert_int_equal(mqtt_number(&back.will.properties, MQTT_WILL_DELAY, 0), 5);
        assert_text(mqtt_text(&back.will.properties, MQTT_CONTENT_TYPE), "text/plain");
    }
}

static void a_connect_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (uint8_t version = MQTT_V311; version <= MQTT_V5; version++) {
        struct mqtt_connect in = sample_connect(version), back;
        buf_clear(&out);
        mqtt_encode_connect(&out, &in);
        struct mqtt_frame f = frame_of(&out), none;
        for (size_t n = 0; n < out.n; n++)
            assert_int_equal(mqtt_packet_frame(bytes_of(out.p, n), &none), ERR_MORE);
        for (size_t n = 0; n < f.body.n; n++)
            assert_int_not_equal(mqtt_decode_connect(bytes_of(f.body.p, n), &back), MQTT_SUCCESS);
    }
}

/* Builds a CONNECT by hand: protocol name, level, flags, then what follows the keep-alive. */
static enum mqtt_reason connect_with(const char *name, uint8_t level, uint8_t flags,
                                     struct bytes rest)
{
    struct mqtt_connect back;
    buf_clear(&out);
    mqtt_properties_add_text(&out, bytes_str(name));
    buf_add_char(&out, (char)level);
    buf_add_char(&out, (char)flags);
    mqtt_properties_add_u16(&out, 10);
    buf_add_bytes(&out, rest);
    return mqtt_decode_connect(buf_bytes(&out), &back);
}

static void connect_says_what_is_wrong(void **state)
{
    (void)state;
    const struct bytes id = BYTES("\0\1x"), none = BYTES("\0\0"), five = BYTES("\0\0\1x");
    assert_int_equal(connect_with("MQTT", 4, 2, id), MQTT_SUCCESS);
    assert_int_equal(connect_with("MQTT", 5, 2, five), MQTT_SUCCESS);
    assert_int_equal(connect_with("MQTT", 4, 2, none), MQTT_SUCCESS);
    assert_int_equal(connect_with("MQTT", 4, 0, none), MQTT_BAD_CLIENT_ID);
    assert_int_equal(connect_with("MQTT", 3, 2, id), MQTT_BAD_VERSION);
    assert_int_equal(connect_with("MQTT", 6, 2, id), MQTT_BAD_VERSION);
    assert_int_equal(connect_with("MQIsdp", 3, 2, id), MQTT_BAD_VERSION);
    assert_int_equal(connect_with("mqtt", 4, 2, id), MQTT_BAD_VERSION);
    assert_int_equal(connect_with("MQTT", 4, 3, id), MQTT_MALFORMED);      /* reserved bit */
    assert_int_equal(connect_with("MQTT", 4, 2 | 8, id), MQTT_MALFORMED);  /* QoS without will */
    assert_int_equal(connect_with("MQTT", 4, 2 | 32, id), MQTT_MALFORMED); /* retain without */
    assert_int_equal(connect_with("MQTT", 4, 2 | 4 | 24, id), MQTT_MALFORMED); /* will QoS 3 */
    assert_int_equal(connect_with("MQTT", 4, 2 | 64, BYTES("\0\1x\0\1p")), MQTT_MALFORMED);
    assert_int_equal(connect_with("MQTT", 5, 2 | 64, BYTES("\0\0\1x\0\1p")), MQTT_SUCCESS);
    assert_int_equal(connect_with("MQTT", 4, 2, BYTES("\0\1x!")), MQTT_MALFORMED);   /* too long */
    assert_int_equal(connect_with("MQTT", 4, 2, BYTES("\0\1\xff")), MQTT_MALFORMED); /* UTF-8 */
    assert_int_equal(connect_with("MQTT", 4, 2, BYTES("\0\2a\0")), MQTT_MALFORMED);  /* NUL */
    /* session expiry twice; receive maximum 0; a property of PUBLISH; data without a method */
    assert_int_equal(connect_with("MQTT", 5, 2, BYTES("\12\21\0\0\0\1\21\0\0\0\1\0\1x")),
                     MQTT_PROTOCOL_ERROR);
    assert_int_equal(connect_with("MQTT", 5, 2, BYTES("\3\41\0\0\0\1x")), MQTT_PROTOCOL_ERROR);
    assert_int_equal(connect_with("MQTT", 5, 2, BYTES("\3\43\0\1\0\1x")), MQTT_MALFORMED);
    assert_int_equal(connect_with("MQTT", 5, 2, BYTES("\4\26\0\1d\0\1x")), MQTT_PROTOCOL_ERROR);
}

static void the_fixed_header_is_strict(void **state)
{
    (void)state;
    static const struct {
        struct bytes in;
        enum err e;
        size_t size;
    } cases[] = {
        {{NULL, 0}, ERR_MORE, 0},
        {BYTES("\xc0"), ERR_MORE, 0},
        {BYTES("\xc0\0"), ERR_OK, 2},
        {BYTES("\0\0"), ERR_INVALID, 0},
        {BYTES("\xc1\0"), ERR_INVALID, 0},     /* PINGREQ with a flag */
        {BYTES("\x60\2\0\1"), ERR_INVALID, 0}, /* PUBREL without its flag */
        {BYTES("\x80\2"), ERR_INVALID, 0},     /* SUBSCRIBE without its flag */
        {BYTES("\x62\2\0\1"), ERR_OK, 4},
        {BYTES("\x30\x80"), ERR_MORE, 0},
        {BYTES("\x30\x80\0"), ERR_INVALID, 0}, /* zero in two bytes */
        {BYTES("\x30\x80\1"), ERR_OK, 131},
        {BYTES("\x30\xff\xff\xff\x7f"), ERR_OK, 268435460},
        {BYTES("\x30\xff\xff\xff\xff"), ERR_INVALID, 0},
        {BYTES("\x30\xff\xff\xff\xff\1"), ERR_INVALID, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = 0;
        assert_int_equal(mqtt_packet_size(cases[i].in, &size), cases[i].e);
        assert_int_equal(size, cases[i].size);
    }
}

static void publish_comes_back_and_every_cut_is_seen(void **state)
{
    (void)state;
    for (uint8_t version = MQTT_V311; version <= MQTT_V5; version++)
        for (uint8_t qos = 0; qos < 3; qos++) {
            struct mqtt_publish back, in = {.qos = qos, .dup = qos == 2, .id = qos ? 4711 : 0};
            in.topic = BYTES("v1/devices/me/telemetry");
            in.payload = BYTES("{\"a\":1}");
            if (version == MQTT_V5) mqtt_set(&in.properties, MQTT_MESSAGE_EXPIRY, 77);
            buf_clear(&out);
            mqtt_encode_publish(&out, version, &in);
            struct mqtt_frame f = frame_of(&out), cut = f;
            assert_int_equal(mqtt_decode_publish(&f, version, &back), MQTT_SUCCESS);
            assert_true(bytes_equal(back.topic, in.topic));
            assert_true(bytes_equal(back.payload, in.payload));
            assert_int_equal(back.id, in.id);
            assert_int_equal(back.dup, in.dup);
            assert_true(back.properties.present == in.properties.present);
            size_t head = f.body.n - in.payload.n;
            for (cut.body.n = 0; cut.body.n < head; cut.body.n++)
                assert_int_not_equal(mqtt_decode_publish(&cut, version, &back), MQTT_SUCCESS);
        }
}

static enum mqtt_reason publish_of(uint8_t flags, struct bytes body, uint8_t version)
{
    struct mqtt_publish back;
    const struct mqtt_frame f = {.type = MQTT_PUBLISH, .flags = flags, .body = body};
    return mqtt_decode_publish(&f, version, &back);
}

static void publish_says_what_is_wrong(void **state)
{
    (void)state;
    assert_int_equal(publish_of(0, BYTES("\0\1a"), 4), MQTT_SUCCESS);
    assert_int_equal(publish_of(6, BYTES("\0\1a\0\1"), 4), MQTT_MALFORMED); /* QoS 3 */
    assert_int_equal(publish_of(8, BYTES("\0\1a"), 4), MQTT_MALFORMED);     /* DUP of QoS 0 */
    assert_int_equal(publish_of(2, BYTES("\0\1a\0\0"), 4), MQTT_MALFORMED); /* id 0 */
    assert_int_equal(publish_of(0, BYTES("\0\0"), 4), MQTT_BAD_TOPIC);
    assert_int_equal(publish_of(0, BYTES("\0\3a/#"), 4), MQTT_BAD_TOPIC);
    assert_int_equal(publish_of(0, BYTES("\0\1+"), 4), MQTT_BAD_TOPIC);
    assert_int_equal(publish_of(0, BYTES("\0\2\xc3\x28"), 4), MQTT_MALFORMED);
    assert_int_equal(publish_of(0, BYTES("\0\0\0"), 5),
                     MQTT_PROTOCOL_ERROR); /* no topic, no alias */
    assert_int_equal(publish_of(0, BYTES("\0\0\3\43\0\1"), 5), MQTT_SUCCESS);
    assert_int_equal(publish_of(0, BYTES("\0\1a\3\43\0\1\x35"), 5), MQTT_SUCCESS);
    assert_int_equal(publish_of(0, BYTES("\0\1a\2\1\2"), 5), MQTT_PROTOCOL_ERROR); /* a flag of 2 */
    assert_int_equal(publish_of(0, BYTES("\0\1a\1\x7f"), 5), MQTT_MALFORMED);
    assert_int_equal(publish_of(0, BYTES("\0\1a\5\1"), 5), MQTT_MALFORMED);
}

static void acknowledgements_come_back(void **state)
{
    (void)state;
    for (int type = MQTT_PUBACK; type <= MQTT_PUBCOMP; type++)
        for (uint8_t version = MQTT_V311; version <= MQTT_V5; version++) {
            struct mqtt_ack back, in = {.id = 65535, .reason = version == MQTT_V5 ? 0x97 : 0};
            if (version == MQTT_V5) mqtt_set_text(&in.properties, MQTT_REASON_STRING, BYTES("no"));
            buf_clear(&out);
            mqtt_encode_ack(&out, version, (enum mqtt_type)type, &in);
            struct mqtt_frame f = frame_of(&out);
            assert_int_equal(mqtt_decode_ack(&f, version, &back), MQTT_SUCCESS);
            assert_int_equal(back.id, in.id);
            assert_int_equal(back.reason, in.reason);
            assert_true(back.properties.present == in.properties.present);
            f.body.n = 1;
            assert_int_equal(mqtt_decode_ack(&f, version, &back), MQTT_MALFORMED);
        }
    struct mqtt_ack back;
    struct mqtt_frame f = {.type = MQTT_PUBACK, .body = BYTES("\0\1\0")};
    assert_int_equal(mqtt_decode_ack(&f, MQTT_V311, &back), MQTT_MALFORMED);
    assert_int_equal(mqtt_decode_ack(&f, MQTT_V5, &back), MQTT_SUCCESS);
}

static void subscriptions_come_back_and_bad_ones_do_not(void **state)
{
    (void)state;
    struct mqtt_subscribe in = {.id = 9}, back;
    struct mqtt_filter one = {.topic = BYTES("a/+/c"), .options = 1}, got;
    struct buf filters;
    buf_clear(&out);
    buf_init(&filters, 1000);
    mqtt_encode_filter(&filters, true, &one);
    mqtt_encode_filter(&filters, true, &(struct mqtt_filter){.topic = BYTES("#"), .options = 2});
    in.filters = buf_bytes(&filters);
    mqtt_encode_subscribe(&out, MQTT_V5, MQTT_SUBSCRIBE, &in);
    struct mqtt_frame f = frame_of(&out);
    assert_int_equal(mqtt_decode_subscribe(&f, MQTT_V5, &back), MQTT_SUCCESS);
    assert_int_equal(back.id, 9);
    assert_true(mqtt_packet_next_filter(&back.filters, true, &got));
    assert_text(got.topic, "a/+/c");
    assert_true(mqtt_packet_next_filter(&back.filters, true, &got));
    assert_int_equal(got.options, 2);
    assert_false(mqtt_packet_next_filter(&back.filters, true, &got));
    buf_done(&filters);
    static const struct {
        struct bytes body;
        enum mqtt_reason reason;
    } bad[] = {
        {BYTES("\0\1"), MQTT_MALFORMED},           {BYTES("\0\0\0\1a\0"), MQTT_MALFORMED},
        {BYTES("\0\1\0\1a"), MQTT_MALFORMED},      {BYTES("\0\1\0\1a\3"), MQTT_MALFORMED},
        {BYTES("\0\1\0\1a\4"), MQTT_MALFORMED},    {BYTES("\0\1\0\0\0"), MQTT_BAD_FILTER},
        {BYTES("\0\1\0\2a#\0"), MQTT_BAD_FILTER},  {BYTES("\0\1\0\3#/a\0"), MQTT_BAD_FILTER},
        {BYTES("\0\1\0\3a+b\0"), MQTT_BAD_FILTER},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        f = (struct mqtt_frame){.type = MQTT_SUBSCRIBE, .flags = 2, .body = bad[i].body};
        assert_int_equal(mqtt_decode_subscribe(&f, MQTT_V311, &back), bad[i].reason);
    }
}

static void answers_come_back(void **state)
{
    (void)state;
    for (uint8_t version = MQTT_V311; version <= MQTT_V5; version++) {
        struct mqtt_connack in = {.reason = MQTT_NOT_AUTHORIZED, .session_present = true}, back;
        buf_clear(&out);
        mqtt_encode_connack(&out, version, &in);
        assert_int_equal(mqtt_decode_connack(frame_of(&out).body, version, &back), MQTT_SUCCESS);
        assert_int_equal(back.reason, MQTT_NOT_AUTHORIZED);
        assert_false(back.session_present); /* a refusal has none */
        struct mqtt_suback codes = {.id = 3, .reasons = BYTES("\0\1\x80")}, codes_back;
        buf_clear(&out);
        mqtt_encode_suback(&out, version, MQTT_SUBACK, &codes);
        struct mqtt_frame f = frame_of(&out);
        assert_int_equal(mqtt_decode_suback(&f, version, &codes_back), MQTT_SUCCESS);
        assert_true(bytes_equal(codes_back.reasons, codes.reasons));
        struct mqtt_ending bye = {.reason = version == MQTT_V5 ? MQTT_SHUTTING_DOWN : 0}, bye_back;
        buf_clear(&out);
        mqtt_encode_ending(&out, version, MQTT_DISCONNECT, &bye);
        f = frame_of(&out);
        assert_int_equal(mqtt_decode_ending(&f, version, &bye_back), MQTT_SUCCESS);
        assert_int_equal(bye_back.reason, bye.reason);
    }
    buf_clear(&out);
    mqtt_encode_empty(&out, MQTT_PINGRESP);
    assert_int_equal(frame_of(&out).type, MQTT_PINGRESP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_comes_back_as_it_was),
        cmocka_unit_test(a_connect_cut_anywhere_is_refused),
        cmocka_unit_test(connect_says_what_is_wrong),
        cmocka_unit_test(the_fixed_header_is_strict),
        cmocka_unit_test(publish_comes_back_and_every_cut_is_seen),
        cmocka_unit_test(publish_says_what_is_wrong),
        cmocka_unit_test(acknowledgements_come_back),
        cmocka_unit_test(subscriptions_come_back_and_bad_ones_do_not),
        cmocka_unit_test(answers_come_back),
    };
    return cmocka_run_group_tests(tests, open_out, close_out);
}
