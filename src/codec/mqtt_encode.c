/* From MQTT packets to bytes (see mqtt_packet.h). A packet's length stands in front of it, so room
 * for the longest is left and what was too much is closed up at the end. */
#include "codec/mqtt_packet.h"

static size_t begin(struct buf *out, enum mqtt_type type, uint8_t flags)
{
    static const char room[MQTT_HEADER_MAX];
    size_t start = out->n;
    buf_add(out, room, sizeof room);
    if (!out->err) out->p[start] = (char)((unsigned)type << 4 | flags);
    return start;
}

static void end(struct buf *out, size_t start)
{
    uint8_t length[4];
    if (out->err) return;
    size_t n = out->n - start - MQTT_HEADER_MAX;
    if (n > MQTT_PACKET_MAX - MQTT_HEADER_MAX) {
        out->err = ERR_TOOLARGE;
        return;
    }
    unsigned digits = mqtt_properties_varint((uint32_t)n, length);
    memcpy(out->p + start + 1, length, digits);
    memmove(out->p + start + 1 + digits, out->p + start + MQTT_HEADER_MAX, n);
    out->n = start + 1 + digits + n;
}

static void add_properties(struct buf *out, uint8_t version, const struct mqtt_properties *p)
{
    if (version == MQTT_V5) mqtt_properties_add(out, p);
}

void mqtt_encode_connect(struct buf *out, const struct mqtt_connect *p)
{
    const struct mqtt_will *w = &p->will;
    unsigned flags =
        (p->clean_start ? 2u : 0) | (p->has_password ? 64u : 0) | (p->has_user ? 128u : 0);
    if (p->has_will) flags |= 4u | (unsigned)w->qos << 3 | (w->retain ? 32u : 0);
    size_t start = begin(out, MQTT_CONNECT, 0);
    mqtt_properties_add_text(out, BYTES("MQTT"));
    buf_add_char(out, (char)p->version);
    buf_add_char(out, (char)flags);
    mqtt_properties_add_u16(out, p->keep_alive_s);
    add_properties(out, p->version, &p->properties);
    mqtt_properties_add_text(out, p->client_id);
    if (p->has_will) {
        add_properties(out, p->version, &w->properties);
        mqtt_properties_add_text(out, w->topic);
        mqtt_properties_add_text(out, w->payload);
    }
    if (p->has_user) mqtt_properties_add_text(out, p->user);
    if (p->has_password) mqtt_properties_add_text(out, p->password);
    end(out, start);
}

/* 3.1.1 has five codes [table 3.1]. */
static uint8_t code_of_reason(uint8_t reason)
{
    switch (reason) {
    case MQTT_SUCCESS:
        return 0;
    case MQTT_BAD_VERSION:
        return 1;
    case MQTT_BAD_CLIENT_ID:
        return 2;
    case MQTT_BAD_CREDENTIAL:
        return 4;
    case MQTT_NOT_AUTHORIZED:
        return 5;
    default:
        return 3; /* server unavailable */
    }
}

void mqtt_encode_connack(struct buf *out, uint8_t version, const struct mqtt_connack *p)
{
    size_t start = begin(out, MQTT_CONNACK, 0);
    buf_add_char(out, (char)(p->session_present && !p->reason));
    buf_add_char(out, (char)(version == MQTT_V5 ? p->reason : code_of_reason(p->reason)));
    add_properties(out, version, &p->properties);
    end(out, start);
}

void mqtt_encode_publish(struct buf *out, uint8_t version, const struct mqtt_publish *p)
{
    unsigned flags = (p->dup ? 8u : 0) | (unsigned)p->qos << 1 | (p->retain ? 1u : 0);
    size_t start = begin(out, MQTT_PUBLISH, (uint8_t)flags);
    mqtt_properties_add_text(out, p->topic);
    if (p->qos) mqtt_properties_add_u16(out, p->id);
    add_properties(out, version, &p->properties);
    buf_add_bytes(out, p->payload);
    end(out, start);
}

/* Without anything to say behind it, a success is left out [3.4.2.1]. */
static void add_reason(struct buf *out, uint8_t version, uint8_t reason,
                       const struct mqtt_properties *p)
{
    if (version != MQTT_V5 || (!reason && !p->present)) return;
    buf_add_char(out, (char)reason);
    if (p->present) mqtt_properties_add(out, p);
}

void mqtt_encode_ack(struct buf *out, uint8_t version, enum mqtt_type type,
                     const struct mqtt_ack *p)
{
    size_t start = begin(out, type, type == MQTT_PUBREL ? 2 : 0);
    mqtt_properties_add_u16(out, p->id);
    add_reason(out, version, p->reason, &p->properties);
    end(out, start);
}

void mqtt_encode_filter(struct buf *filters, bool with_options, const struct mqtt_filter *f)
{
    mqtt_properties_add_text(filters, f->topic);
    if (with_options) buf_add_char(filters, (char)f->options);
}

void mqtt_encode_subscribe(struct buf *out, uint8_t version, enum mqtt_type type,
                           const struct mqtt_subscribe *p)
{
    size_t start = begin(out, type, 2);
    mqtt_properties_add_u16(out, p->id);
    add_properties(out, version, &p->properties);
    buf_add_bytes(out, p->filters);
    end(out, start);
}

void mqtt_encode_suback(struct buf *out, uint8_t version, enum mqtt_type type,
                        const struct mqtt_suback *p)
{
    size_t start = begin(out, type, 0);
    mqtt_properties_add_u16(out, p->id);
    add_properties(out, version, &p->properties);
    if (type == MQTT_SUBACK || version == MQTT_V5) buf_add_bytes(out, p->reasons);
    end(out, start);
}

void mqtt_encode_empty(struct buf *out, enum mqtt_type type)
{
    const char bytes[2] = {(char)((unsigned)type << 4), 0};
    buf_add(out, bytes, 2);
}

void mqtt_encode_ending(struct buf *out, uint8_t version, enum mqtt_type type,
                        const struct mqtt_ending *p)
{
    size_t start = begin(out, type, 0);
    add_reason(out, version, p->reason, &p->properties);
    end(out, start);
}
