/* Properties of MQTT 5, and the small pieces of both versions (see mqtt_properties.h). */
#include "codec/mqtt_packet.h"

enum kind { NONE, BYTE, U16, U32, VARINT, TEXT, BINARY, PAIR };
enum rule { ANY, FLAG, NOT_ZERO };

#define IN(type) (1u << (type))
enum {
    OF_PUBLISH = IN(MQTT_PUBLISH) | IN(MQTT_OF_WILL),
    OF_ACKS = IN(MQTT_PUBACK) | IN(MQTT_PUBREC) | IN(MQTT_PUBREL) | IN(MQTT_PUBCOMP),
    OF_ANSWERS = IN(MQTT_CONNACK) | OF_ACKS | IN(MQTT_SUBACK) | IN(MQTT_UNSUBACK) |
                 IN(MQTT_DISCONNECT) | IN(MQTT_AUTH),
    OF_AUTH = IN(MQTT_CONNECT) | IN(MQTT_CONNACK) | IN(MQTT_AUTH),
    OF_ANY = OF_ANSWERS | OF_PUBLISH | IN(MQTT_CONNECT) | IN(MQTT_SUBSCRIBE) | IN(MQTT_UNSUBSCRIBE),
};

/* Table 2-4 of the standard. */
static const struct {
    enum kind kind;
    unsigned packets;
    enum rule rule;
} table[MQTT_PROPERTY_IDS] = {
    [MQTT_PAYLOAD_FORMAT] = {BYTE, OF_PUBLISH, FLAG},
    [MQTT_MESSAGE_EXPIRY] = {U32, OF_PUBLISH, ANY},
    [MQTT_CONTENT_TYPE] = {TEXT, OF_PUBLISH, ANY},
    [MQTT_RESPONSE_TOPIC] = {TEXT, OF_PUBLISH, ANY},
    [MQTT_CORRELATION] = {BINARY, OF_PUBLISH, ANY},
    [MQTT_SUBSCRIPTION_ID] = {VARINT, IN(MQTT_PUBLISH) | IN(MQTT_SUBSCRIBE), NOT_ZERO},
    [MQTT_SESSION_EXPIRY] = {U32, IN(MQTT_CONNECT) | IN(MQTT_CONNACK) | IN(MQTT_DISCONNECT), ANY},
    [MQTT_ASSIGNED_CLIENT_ID] = {TEXT, IN(MQTT_CONNACK), ANY},
    [MQTT_SERVER_KEEP_ALIVE] = {U16, IN(MQTT_CONNACK), ANY},
    [MQTT_AUTH_METHOD] = {TEXT, OF_AUTH, ANY},
    [MQTT_AUTH_DATA] = {BINARY, OF_AUTH, ANY},
    [MQTT_REQUEST_PROBLEM] = {BYTE, IN(MQTT_CONNECT), FLAG},
    [MQTT_WILL_DELAY] = {U32, IN(MQTT_OF_WILL), ANY},
    [MQTT_REQUEST_RESPONSE] = {BYTE, IN(MQTT_CONNECT), FLAG},
    [MQTT_RESPONSE_INFORMATION] = {TEXT, IN(MQTT_CONNACK), ANY},
    [MQTT_SERVER_REFERENCE] = {TEXT, IN(MQTT_CONNACK) | IN(MQTT_DISCONNECT), ANY},
    [MQTT_REASON_STRING] = {TEXT, OF_ANSWERS, ANY},
    [MQTT_RECEIVE_MAXIMUM] = {U16, IN(MQTT_CONNECT) | IN(MQTT_CONNACK), NOT_ZERO},
    [MQTT_ALIAS_MAXIMUM] = {U16, IN(MQTT_CONNECT) | IN(MQTT_CONNACK), ANY},
    [MQTT_TOPIC_ALIAS] = {U16, IN(MQTT_PUBLISH), ANY},
    [MQTT_MAXIMUM_QOS] = {BYTE, IN(MQTT_CONNACK), FLAG},
    [MQTT_RETAIN_AVAILABLE] = {BYTE, IN(MQTT_CONNACK), FLAG},
    [MQTT_USER_PROPERTY] = {PAIR, OF_ANY, ANY},
    [MQTT_MAXIMUM_PACKET] = {U32, IN(MQTT_CONNECT) | IN(MQTT_CONNACK), NOT_ZERO},
    [MQTT_WILDCARD_AVAILABLE] = {BYTE, IN(MQTT_CONNACK), FLAG},
    [MQTT_SUBSCRIPTION_IDS_AVAILABLE] = {BYTE, IN(MQTT_CONNACK), FLAG},
    [MQTT_SHARED_AVAILABLE] = {BYTE, IN(MQTT_CONNACK), FLAG},
};

static void skip(struct bytes *in, size_t n)
{
    in->p += n;
    in->n -= n;
}

static uint32_t byte_at(const struct bytes *in, size_t at)
{
    return (uint8_t)in->p[at];
}

bool mqtt_properties_take_u8(struct bytes *in, uint8_t *ret)
{
    if (!in->n) return false;
    *ret = (uint8_t)in->p[0];
    skip(in, 1);
    return true;
}

bool mqtt_properties_take_u16(struct bytes *in, uint16_t *ret)
{
    if (in->n < 2) return false;
    *ret = (uint16_t)(byte_at(in, 0) << 8 | byte_at(in, 1));
    skip(in, 2);
    return true;
}

bool mqtt_properties_take_binary(struct bytes *in, struct bytes *ret)
{
    uint16_t n;
    if (!mqtt_properties_take_u16(in, &n) || in->n < n) return false;
    *ret = bytes_of(in->p, n);
    skip(in, n);
    return true;
}

bool mqtt_properties_take_text(struct bytes *in, struct bytes *ret)
{
    return mqtt_properties_take_binary(in, ret) && (!ret->n || !memchr(ret->p, 0, ret->n)) &&
           bytes_is_utf8(*ret);
}

/* Keeps to the shortest form, as the standard demands of senders. */
bool mqtt_properties_take_varint(struct bytes *in, uint32_t *ret)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < 4 && i < in->n; i++) {
        uint32_t byte = byte_at(in, i);
        v |= (byte & 0x7f) << 7 * i;
        if (byte & 0x80) continue;
        if (i && !byte) return false;
        skip(in, i + 1);
        *ret = v;
        return true;
    }
    return false;
}

static bool take_u32(struct bytes *in, uint32_t *ret)
{
    uint16_t high, low;
    if (!mqtt_properties_take_u16(in, &high) || !mqtt_properties_take_u16(in, &low)) return false;
    *ret = (uint32_t)high << 16 | low;
    return true;
}

static bool take_number(struct bytes *in, enum kind kind, uint32_t *ret)
{
    uint16_t u16 = 0;
    uint8_t u8 = 0;
    bool good = false;
    if (kind == U32) return take_u32(in, ret);
    if (kind == VARINT) return mqtt_properties_take_varint(in, ret);
    if (kind == U16) good = mqtt_properties_take_u16(in, &u16);
    if (kind == BYTE) good = mqtt_properties_take_u8(in, &u8);
    *ret = kind == U16 ? u16 : u8;
    return good;
}

static bool take_value(struct bytes *in, uint32_t id, struct mqtt_properties *p)
{
    struct bytes text, unused;
    uint32_t number;
    switch (table[id].kind) {
    case PAIR:
        return mqtt_properties_take_text(in, &text) && mqtt_properties_take_text(in, &unused);
    case TEXT:
        if (!mqtt_properties_take_text(in, &text)) return false;
        mqtt_set_text(p, (enum mqtt_property_id)id, text);
        return true;
    case BINARY:
        if (!mqtt_properties_take_binary(in, &text)) return false;
        mqtt_set_text(p, (enum mqtt_property_id)id, text);
        return true;
    default:
        if (!take_number(in, table[id].kind, &number)) return false;
        mqtt_set(p, (enum mqtt_property_id)id, number);
        return true;
    }
}

static enum mqtt_reason check_rule(uint32_t id, const struct mqtt_properties *p)
{
    if (table[id].rule == FLAG && p->value[id].number > 1) return MQTT_PROTOCOL_ERROR;
    if (table[id].rule == NOT_ZERO && !p->value[id].number) return MQTT_PROTOCOL_ERROR;
    return MQTT_SUCCESS;
}

/* The server's own PUBLISH may carry several subscription ids; we never ask for any. */
static enum mqtt_reason take_one(struct bytes *in, unsigned packet, struct mqtt_properties *p)
{
    uint32_t id;
    if (!mqtt_properties_take_varint(in, &id)) return MQTT_MALFORMED;
    if (id >= MQTT_PROPERTY_IDS || !(table[id].packets & IN(packet))) return MQTT_MALFORMED;
    if (p->present >> id & 1) return MQTT_PROTOCOL_ERROR;
    if (!take_value(in, id, p)) return MQTT_MALFORMED;
    return check_rule(id, p);
}

enum mqtt_reason mqtt_properties_take(struct bytes *in, unsigned packet,
                                      struct mqtt_properties *ret)
{
    uint32_t n;
    ret->present = 0;
    if (!mqtt_properties_take_varint(in, &n) || n > in->n) return MQTT_MALFORMED;
    struct bytes block = bytes_of(in->p, n);
    skip(in, n);
    while (block.n) {
        enum mqtt_reason r = take_one(&block, packet, ret);
        if (r) return r;
    }
    bool orphan = mqtt_has(ret, MQTT_AUTH_DATA) && !mqtt_has(ret, MQTT_AUTH_METHOD);
    return orphan ? MQTT_PROTOCOL_ERROR : MQTT_SUCCESS;
}

unsigned mqtt_properties_varint(uint32_t v, uint8_t ret[4])
{
    unsigned n = 0;
    do {
        ret[n] = (uint8_t)(v & 0x7f);
        v >>= 7;
        if (v) ret[n] |= 0x80;
        n++;
    } while (v);
    return n;
}

void mqtt_properties_add_u16(struct buf *out, uint32_t v)
{
    const uint8_t bytes[2] = {(uint8_t)(v >> 8), (uint8_t)v};
    buf_add(out, bytes, 2);
}

void mqtt_properties_add_text(struct buf *out, struct bytes s)
{
    if (s.n > UINT16_MAX) {
        out->err = ERR_TOOLARGE;
        return;
    }
    mqtt_properties_add_u16(out, (uint32_t)s.n);
    buf_add_bytes(out, s);
}

static size_t size_of(const struct mqtt_properties *p, unsigned id)
{
    uint8_t unused[4];
    switch (table[id].kind) {
    case BYTE:
        return 2;
    case U16:
        return 3;
    case U32:
        return 5;
    case VARINT:
        return 1 + mqtt_properties_varint(p->value[id].number, unused);
    case TEXT:
    case BINARY:
        return 3 + p->value[id].text.n;
    default:
        return 0;
    }
}

static void add_one(struct buf *out, const struct mqtt_properties *p, unsigned id)
{
    uint8_t varint[4];
    uint32_t v = p->value[id].number;
    buf_add_char(out, (char)id);
    switch (table[id].kind) {
    case BYTE:
        buf_add_char(out, (char)v);
        break;
    case U16:
        mqtt_properties_add_u16(out, v);
        break;
    case U32:
        mqtt_properties_add_u16(out, v >> 16);
        mqtt_properties_add_u16(out, v & 0xffff);
        break;
    case VARINT:
        buf_add(out, varint, mqtt_properties_varint(v, varint));
        break;
    default:
        mqtt_properties_add_text(out, p->value[id].text);
        break;
    }
}

void mqtt_properties_add(struct buf *out, const struct mqtt_properties *p)
{
    size_t n = 0;
    uint8_t varint[4];
    for (unsigned id = 1; id < MQTT_PROPERTY_IDS; id++)
        if (p->present >> id & 1) n += size_of(p, id);
    buf_add(out, varint, mqtt_properties_varint((uint32_t)n, varint));
    for (unsigned id = 1; id < MQTT_PROPERTY_IDS && n; id++)
        if ((p->present >> id & 1) && table[id].kind != PAIR) add_one(out, p, id);
}
