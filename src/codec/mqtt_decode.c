/* From bytes to MQTT packets (see mqtt_packet.h). Numbers in brackets are the standard's. */
#include "codec/mqtt_packet.h"

static uint8_t flags_of(unsigned type)
{
    return type == MQTT_PUBREL || type == MQTT_SUBSCRIBE || type == MQTT_UNSUBSCRIBE ? 2 : 0;
}

/* The remaining length behind the first byte. */
static enum err read_length(struct bytes in, size_t *ret_header, size_t *ret_body)
{
    size_t v = 0;
    for (unsigned i = 1; i < MQTT_HEADER_MAX; i++) {
        if (i >= in.n) return ERR_MORE;
        size_t byte = (uint8_t)in.p[i];
        v |= (byte & 0x7f) << 7 * (i - 1);
        if (byte & 0x80) continue;
        if (i > 1 && !byte) return ERR_INVALID; /* not the shortest form [2.1.4, 1.5.5-1] */
        *ret_header = i + 1;
        *ret_body = v;
        return ERR_OK;
    }
    return ERR_INVALID;
}

static enum err check_first(struct bytes in)
{
    if (!in.n) return ERR_MORE;
    unsigned type = (uint8_t)in.p[0] >> 4, flags = (uint8_t)in.p[0] & 15;
    if (!type) return ERR_INVALID;
    return type != MQTT_PUBLISH && flags != flags_of(type) ? ERR_INVALID : ERR_OK;
}

enum err mqtt_packet_size(struct bytes in, size_t *ret)
{
    size_t header, body;
    enum err e = check_first(in);
    if (!e) e = read_length(in, &header, &body);
    if (!e) *ret = header + body;
    return e;
}

enum err mqtt_packet_frame(struct bytes in, struct mqtt_frame *ret)
{
    size_t header, body;
    enum err e = check_first(in);
    if (!e) e = read_length(in, &header, &body);
    if (e) return e;
    if (in.n - header < body) return ERR_MORE;
    *ret = (struct mqtt_frame){
        .type = (enum mqtt_type)((uint8_t)in.p[0] >> 4),
        .flags = (uint8_t)in.p[0] & 15,
        .body = bytes_of(in.p + header, body),
        .size = header + body,
    };
    return ERR_OK;
}

bool mqtt_packet_is_topic(struct bytes s)
{
    return s.n && !memchr(s.p, '+', s.n) && !memchr(s.p, '#', s.n) && !memchr(s.p, 0, s.n);
}

bool mqtt_packet_is_filter(struct bytes s)
{
    if (!s.n || memchr(s.p, 0, s.n)) return false;
    while (s.p) {
        struct bytes level;
        s = bytes_cut(s, '/', &level);
        bool wild = level.n && (memchr(level.p, '+', level.n) || memchr(level.p, '#', level.n));
        if (wild && level.n != 1) return false;
        if (wild && level.p[0] == '#' && s.p) return false;
    }
    return true;
}

/* --- CONNECT, CONNACK --------------------------------------------------------------------------*/

enum { CLEAN = 2, WILL = 4, WILL_RETAIN = 32, PASSWORD = 64, USER = 128 };

static enum mqtt_reason check_connect_flags(const struct mqtt_connect *c, uint8_t flags)
{
    uint8_t qos = flags >> 3 & 3;
    if (flags & 1 || qos == 3) return MQTT_MALFORMED;                           /* [3.1.2-3, -12] */
    if (!(flags & WILL) && (qos || flags & WILL_RETAIN)) return MQTT_MALFORMED; /* [-11, -13] */
    bool orphan = (flags & PASSWORD) && !(flags & USER);
    return c->version == MQTT_V311 && orphan ? MQTT_MALFORMED : MQTT_SUCCESS; /* [3.1.2-22] */
}

static enum mqtt_reason take_will(struct bytes *in, uint8_t flags, struct mqtt_connect *c)
{
    struct mqtt_will *w = &c->will;
    c->has_will = true;
    w->qos = flags >> 3 & 3;
    w->retain = flags & WILL_RETAIN;
    w->properties.present = 0;
    if (c->version == MQTT_V5) {
        enum mqtt_reason r = mqtt_properties_take(in, MQTT_OF_WILL, &w->properties);
        if (r) return r;
    }
    if (!mqtt_properties_take_text(in, &w->topic)) return MQTT_MALFORMED;
    if (!mqtt_packet_is_topic(w->topic)) return MQTT_BAD_TOPIC;
    return mqtt_properties_take_binary(in, &w->payload) ? MQTT_SUCCESS : MQTT_MALFORMED;
}

static enum mqtt_reason take_connect_payload(struct bytes in, uint8_t flags, struct mqtt_connect *c)
{
    if (!mqtt_properties_take_text(&in, &c->client_id)) return MQTT_MALFORMED;
    enum mqtt_reason r = flags & WILL ? take_will(&in, flags, c) : MQTT_SUCCESS;
    if (r) return r;
    c->has_user = flags & USER;
    c->has_password = flags & PASSWORD;
    if (c->has_user && !mqtt_properties_take_text(&in, &c->user)) return MQTT_MALFORMED;
    if (c->has_password && !mqtt_properties_take_binary(&in, &c->password)) return MQTT_MALFORMED;
    if (in.n) return MQTT_MALFORMED;
    /* an empty name that is to be kept cannot be found again [3.1.3-8] */
    bool nameless = !c->client_id.n && !c->clean_start;
    return c->version == MQTT_V311 && nameless ? MQTT_BAD_CLIENT_ID : MQTT_SUCCESS;
}

enum mqtt_reason mqtt_decode_connect(struct bytes body, struct mqtt_connect *ret)
{
    struct bytes name;
    uint8_t flags;
    memset(ret, 0, offsetof(struct mqtt_connect, will));
    ret->has_will = false;
    ret->properties.present = ret->will.properties.present = 0;
    if (!mqtt_properties_take_binary(&body, &name)) return MQTT_MALFORMED;
    if (!mqtt_properties_take_u8(&body, &ret->version)) return MQTT_MALFORMED;
    if (!bytes_is(name, "MQTT")) return MQTT_BAD_VERSION; /* [3.1.2-1] */
    if (ret->version != MQTT_V311 && ret->version != MQTT_V5) return MQTT_BAD_VERSION;
    if (!mqtt_properties_take_u8(&body, &flags)) return MQTT_MALFORMED;
    enum mqtt_reason r = check_connect_flags(ret, flags);
    if (r) return r;
    ret->clean_start = flags & CLEAN;
    if (!mqtt_properties_take_u16(&body, &ret->keep_alive_s)) return MQTT_MALFORMED;
    if (ret->version == MQTT_V5) r = mqtt_properties_take(&body, MQTT_CONNECT, &ret->properties);
    return r ? r : take_connect_payload(body, flags, ret);
}

/* The return codes of 3.1.1 as reasons. */
static uint8_t reason_of_code(uint8_t code)
{
    static const uint8_t reasons[] = {MQTT_SUCCESS,     MQTT_BAD_VERSION,    MQTT_BAD_CLIENT_ID,
                                      MQTT_UNAVAILABLE, MQTT_BAD_CREDENTIAL, MQTT_NOT_AUTHORIZED};
    return code < sizeof reasons ? reasons[code] : MQTT_UNSPECIFIED;
}

enum mqtt_reason mqtt_decode_connack(struct bytes body, uint8_t version, struct mqtt_connack *ret)
{
    uint8_t flags;
    ret->properties.present = 0;
    if (!mqtt_properties_take_u8(&body, &flags) || flags > 1) return MQTT_MALFORMED;
    if (!mqtt_properties_take_u8(&body, &ret->reason)) return MQTT_MALFORMED;
    ret->session_present = flags;
    enum mqtt_reason r = MQTT_SUCCESS;
    if (version == MQTT_V5)
        r = mqtt_properties_take(&body, MQTT_CONNACK, &ret->properties);
    else
        ret->reason = reason_of_code(ret->reason);
    return r ? r : body.n ? MQTT_MALFORMED : MQTT_SUCCESS;
}

/* --- PUBLISH and its acknowledgements ----------------------------------------------------------*/

enum mqtt_reason mqtt_decode_publish(const struct mqtt_frame *f, uint8_t version,
                                     struct mqtt_publish *ret)
{
    struct bytes in = f->body;
    ret->qos = f->flags >> 1 & 3;
    ret->dup = f->flags & 8;
    ret->retain = f->flags & 1;
    ret->id = 0;
    ret->properties.present = 0;
    if (ret->qos == 3 || (ret->dup && !ret->qos)) return MQTT_MALFORMED; /* [3.3.1-4, -2] */
    if (!mqtt_properties_take_text(&in, &ret->topic)) return MQTT_MALFORMED;
    if (ret->qos && (!mqtt_properties_take_u16(&in, &ret->id) || !ret->id)) return MQTT_MALFORMED;
    if (version == MQTT_V5) {
        enum mqtt_reason r = mqtt_properties_take(&in, MQTT_PUBLISH, &ret->properties);
        if (r) return r;
    }
    bool aliased = mqtt_has(&ret->properties, MQTT_TOPIC_ALIAS);
    if (!ret->topic.n && version == MQTT_V5 && !aliased) return MQTT_PROTOCOL_ERROR;
    if ((ret->topic.n || !aliased) && !mqtt_packet_is_topic(ret->topic)) return MQTT_BAD_TOPIC;
    ret->payload = in;
    return MQTT_SUCCESS;
}

/* Behind the id of an acknowledgement, and in DISCONNECT and AUTH: a reason and properties, either
 * of which may be left out at the end. */
static enum mqtt_reason take_reason(struct bytes in, unsigned type, uint8_t version, uint8_t *ret,
                                    struct mqtt_properties *properties)
{
    *ret = MQTT_SUCCESS;
    properties->present = 0;
    if (!in.n) return MQTT_SUCCESS;
    if (version != MQTT_V5 || !mqtt_properties_take_u8(&in, ret)) return MQTT_MALFORMED;
    if (!in.n) return MQTT_SUCCESS;
    enum mqtt_reason r = mqtt_properties_take(&in, type, properties);
    return r ? r : in.n ? MQTT_MALFORMED : MQTT_SUCCESS;
}

enum mqtt_reason mqtt_decode_ack(const struct mqtt_frame *f, uint8_t version, struct mqtt_ack *ret)
{
    struct bytes in = f->body;
    if (!mqtt_properties_take_u16(&in, &ret->id) || !ret->id) return MQTT_MALFORMED;
    return take_reason(in, f->type, version, &ret->reason, &ret->properties);
}

enum mqtt_reason mqtt_decode_ending(const struct mqtt_frame *f, uint8_t version,
                                    struct mqtt_ending *ret)
{
    if (f->type == MQTT_AUTH && version != MQTT_V5) return MQTT_MALFORMED;
    return take_reason(f->body, f->type, version, &ret->reason, &ret->properties);
}

/* --- SUBSCRIBE and its kin ---------------------------------------------------------------------*/

bool mqtt_packet_next_filter(struct bytes *rest, bool with_options, struct mqtt_filter *ret)
{
    ret->options = 0;
    if (!rest->n || !mqtt_properties_take_text(rest, &ret->topic)) return false;
    return !with_options || mqtt_properties_take_u8(rest, &ret->options);
}

static bool are_options(uint8_t options, uint8_t version)
{
    if ((options & 3) == 3) return false;
    if (version == MQTT_V311) return !(options & 0xfc);
    return !(options & 0xc0) && (options >> 4 & 3) != 3;
}

enum mqtt_reason mqtt_decode_subscribe(const struct mqtt_frame *f, uint8_t version,
                                       struct mqtt_subscribe *ret)
{
    struct bytes in = f->body;
    struct mqtt_filter filter;
    bool with_options = f->type == MQTT_SUBSCRIBE;
    ret->properties.present = 0;
    if (!mqtt_properties_take_u16(&in, &ret->id) || !ret->id) return MQTT_MALFORMED;
    if (version == MQTT_V5) {
        enum mqtt_reason r = mqtt_properties_take(&in, f->type, &ret->properties);
        if (r) return r;
    }
    ret->filters = in;
    if (!in.n) return version == MQTT_V5 ? MQTT_PROTOCOL_ERROR : MQTT_MALFORMED; /* [3.8.3-2] */
    while (in.n) {
        if (!mqtt_packet_next_filter(&in, with_options, &filter)) return MQTT_MALFORMED;
        if (with_options && !are_options(filter.options, version)) return MQTT_MALFORMED;
        if (!mqtt_packet_is_filter(filter.topic)) return MQTT_BAD_FILTER;
    }
    return MQTT_SUCCESS;
}

enum mqtt_reason mqtt_decode_suback(const struct mqtt_frame *f, uint8_t version,
                                    struct mqtt_suback *ret)
{
    struct bytes in = f->body;
    ret->properties.present = 0;
    if (!mqtt_properties_take_u16(&in, &ret->id) || !ret->id) return MQTT_MALFORMED;
    if (version == MQTT_V5) {
        enum mqtt_reason r = mqtt_properties_take(&in, f->type, &ret->properties);
        if (r) return r;
    }
    bool codes = f->type == MQTT_SUBACK || version == MQTT_V5;
    if (codes != (in.n != 0)) return MQTT_MALFORMED;
    ret->reasons = in;
    return MQTT_SUCCESS;
}
