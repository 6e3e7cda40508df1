/* MQTT packets: whatever the bytes are, decoding ends, and what was decoded, encoded again, decodes
 * to the same (keeps Q2). The first byte chooses the version. */
#include "base/mem.h"
#include "codec/json_message.h"
#include "codec/mqtt_packet.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct mqtt_frame frame_again(const struct buf *b)
{
    struct mqtt_frame f;
    size_t size;
    if (b->err || mqtt_packet_size(buf_bytes(b), &size) || size != b->n) abort();
    if (mqtt_packet_frame(buf_bytes(b), &f)) abort();
    return f;
}

static void check_connect(struct bytes body, struct buf *b)
{
    struct mqtt_connect one, two;
    if (mqtt_decode_connect(body, &one)) return;
    mqtt_encode_connect(b, &one);
    if (mqtt_decode_connect(frame_again(b).body, &two)) abort();
    bool same = one.version == two.version && one.clean_start == two.clean_start &&
                bytes_equal(one.client_id, two.client_id) && one.has_will == two.has_will &&
                (!one.has_user || bytes_equal(one.user, two.user)) &&
                (!one.has_password || bytes_equal(one.password, two.password)) &&
                one.properties.present == two.properties.present;
    if (!same) abort();
    if (one.has_will && !bytes_equal(one.will.payload, two.will.payload)) abort();
}

static void check_publish(const struct mqtt_frame *f, uint8_t version, struct buf *b)
{
    struct mqtt_publish one, two;
    if (mqtt_decode_publish(f, version, &one)) return;
    mqtt_encode_publish(b, version, &one);
    struct mqtt_frame again = frame_again(b);
    if (mqtt_decode_publish(&again, version, &two)) abort();
    bool same = one.id == two.id && one.qos == two.qos && bytes_equal(one.topic, two.topic) &&
                bytes_equal(one.payload, two.payload);
    if (!same) abort();
}

static void check_ack(const struct mqtt_frame *f, uint8_t version, struct buf *b)
{
    struct mqtt_ack one, two;
    if (mqtt_decode_ack(f, version, &one)) return;
    mqtt_encode_ack(b, version, f->type, &one);
    struct mqtt_frame again = frame_again(b);
    if (mqtt_decode_ack(&again, version, &two)) abort();
    if (one.id != two.id || one.reason != two.reason) abort();
}

static void check_subscribe(const struct mqtt_frame *f, uint8_t version, struct buf *b)
{
    struct mqtt_subscribe one, two;
    struct mqtt_filter filter;
    if (mqtt_decode_subscribe(f, version, &one)) return;
    mqtt_encode_subscribe(b, version, f->type, &one);
    struct mqtt_frame again = frame_again(b);
    if (mqtt_decode_subscribe(&again, version, &two)) abort();
    if (one.id != two.id || !bytes_equal(one.filters, two.filters)) abort();
    while (mqtt_packet_next_filter(&one.filters, f->type == MQTT_SUBSCRIBE, &filter))
        if (!mqtt_packet_is_filter(filter.topic)) abort();
    if (one.filters.n) abort();
}

static void check_answers(const struct mqtt_frame *f, uint8_t version, struct buf *b)
{
    struct mqtt_connack connack;
    struct mqtt_suback suback;
    struct mqtt_ending ending, again;
    if (f->type == MQTT_CONNACK) (void)!mqtt_decode_connack(f->body, version, &connack);
    if (f->type == MQTT_SUBACK || f->type == MQTT_UNSUBACK)
        (void)!mqtt_decode_suback(f, version, &suback);
    if (f->type != MQTT_DISCONNECT && f->type != MQTT_AUTH) return;
    if (mqtt_decode_ending(f, version, &ending)) return;
    mqtt_encode_ending(b, version, f->type, &ending);
    struct mqtt_frame second = frame_again(b);
    if (mqtt_decode_ending(&second, version, &again) || again.reason != ending.reason) abort();
}

static void check_payload(struct bytes payload)
{
    struct arena a;
    struct raw_batch batch;
    struct bytes token = {NULL, 0};
    struct why why;
    arena_init(&a, 1 << 22);
    raw_batch_init(&batch, 1000, 1000);
    if (!json_message_device(payload, &a, &batch, &token, &why) &&
        (batch.record_count != 1 || batch.bad_count || !batch.value_count))
        abort();
    raw_batch_clear(&batch);
    if (!json_message_thingsboard(payload, &a, &batch, &why) &&
        (!batch.record_count || batch.bad_count || batch.value_count < batch.record_count))
        abort();
    raw_batch_done(&batch);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct buf b;
    struct mqtt_frame f;
    if (!n) return 0;
    uint8_t version = p[0] & 1 ? MQTT_V5 : MQTT_V311;
    struct bytes in = bytes_of(p + 1, n - 1);
    check_payload(in);
    buf_init(&b, (2 * n) + 1024);
    while (!mqtt_packet_frame(in, &f)) {
        buf_clear(&b);
        if (f.type == MQTT_CONNECT) check_connect(f.body, &b);
        if (f.type == MQTT_PUBLISH) check_publish(&f, version, &b);
        if (f.type >= MQTT_PUBACK && f.type <= MQTT_PUBCOMP) check_ack(&f, version, &b);
        if (f.type == MQTT_SUBSCRIBE || f.type == MQTT_UNSUBSCRIBE)
            check_subscribe(&f, version, &b);
        check_answers(&f, version, &b);
        in = bytes_of(in.p + f.size, in.n - f.size);
    }
    buf_done(&b);
    return 0;
}
