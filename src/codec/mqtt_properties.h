#pragma once
/* codec/mqtt_properties.h -- the properties of MQTT 5 packets, and its reason codes. One table says
 * which identifier stands in which packet, what its value is and what values are allowed.
 * Threads: any (pure).   Memory: text is borrowed from the packet. */
#include "base/buf.h"

enum mqtt_reason {
    MQTT_SUCCESS = 0x00, /* also: granted QoS 0, normal disconnection */
    MQTT_WITH_WILL = 0x04,
    MQTT_NO_SUBSCRIPTION = 0x11,
    MQTT_UNSPECIFIED = 0x80,
    MQTT_MALFORMED = 0x81,
    MQTT_PROTOCOL_ERROR = 0x82,
    MQTT_SPECIFIC_ERROR = 0x83,
    MQTT_BAD_VERSION = 0x84,
    MQTT_BAD_CLIENT_ID = 0x85,
    MQTT_BAD_CREDENTIAL = 0x86,
    MQTT_NOT_AUTHORIZED = 0x87,
    MQTT_UNAVAILABLE = 0x88,
    MQTT_BUSY = 0x89,
    MQTT_SHUTTING_DOWN = 0x8b,
    MQTT_BAD_METHOD = 0x8c,
    MQTT_KEEP_ALIVE_TIMEOUT = 0x8d,
    MQTT_TAKEN_OVER = 0x8e,
    MQTT_BAD_FILTER = 0x8f,
    MQTT_BAD_TOPIC = 0x90,
    MQTT_ID_IN_USE = 0x91,
    MQTT_ID_NOT_FOUND = 0x92,
    MQTT_RECEIVE_MAX_EXCEEDED = 0x93,
    MQTT_BAD_ALIAS = 0x94,
    MQTT_TOO_LARGE = 0x95,
    MQTT_RATE_TOO_HIGH = 0x96,
    MQTT_QUOTA_EXCEEDED = 0x97,
    MQTT_BAD_PAYLOAD = 0x99,
    MQTT_NO_RETAIN = 0x9a,
    MQTT_NO_QOS = 0x9b,
    MQTT_NO_SHARED = 0x9e,
    MQTT_RATE_EXCEEDED = 0x9f,
    MQTT_NO_SUBSCRIPTION_IDS = 0xa1,
    MQTT_NO_WILDCARDS = 0xa2,
};

enum mqtt_property_id {
    MQTT_PAYLOAD_FORMAT = 1,
    MQTT_MESSAGE_EXPIRY = 2,
    MQTT_CONTENT_TYPE = 3,
    MQTT_RESPONSE_TOPIC = 8,
    MQTT_CORRELATION = 9,
    MQTT_SUBSCRIPTION_ID = 11,
    MQTT_SESSION_EXPIRY = 17,
    MQTT_ASSIGNED_CLIENT_ID = 18,
    MQTT_SERVER_KEEP_ALIVE = 19,
    MQTT_AUTH_METHOD = 21,
    MQTT_AUTH_DATA = 22,
    MQTT_REQUEST_PROBLEM = 23,
    MQTT_WILL_DELAY = 24,
    MQTT_REQUEST_RESPONSE = 25,
    MQTT_RESPONSE_INFORMATION = 26,
    MQTT_SERVER_REFERENCE = 28,
    MQTT_REASON_STRING = 31,
    MQTT_RECEIVE_MAXIMUM = 33,
    MQTT_ALIAS_MAXIMUM = 34,
    MQTT_TOPIC_ALIAS = 35,
    MQTT_MAXIMUM_QOS = 36,
    MQTT_RETAIN_AVAILABLE = 37,
    MQTT_USER_PROPERTY = 38, /* any number of pairs: checked, not kept */
    MQTT_MAXIMUM_PACKET = 39,
    MQTT_WILDCARD_AVAILABLE = 40,
    MQTT_SUBSCRIPTION_IDS_AVAILABLE = 41,
    MQTT_SHARED_AVAILABLE = 42,
    MQTT_PROPERTY_IDS,
};

struct mqtt_properties {
    uint64_t present; /* a bit for each identifier that is there */
    union {
        uint32_t number;
        struct bytes text;
    } value[MQTT_PROPERTY_IDS]; /* of an absent one: not set */
};

static inline bool mqtt_has(const struct mqtt_properties *p, enum mqtt_property_id id)
{
    return p->present >> id & 1;
}
static inline uint32_t mqtt_number(const struct mqtt_properties *p, enum mqtt_property_id id,
                                   uint32_t absent)
{
    return mqtt_has(p, id) ? p->value[id].number : absent;
}
static inline struct bytes mqtt_text(const struct mqtt_properties *p, enum mqtt_property_id id)
{
    return mqtt_has(p, id) ? p->value[id].text : bytes_of(NULL, 0);
}
static inline void mqtt_set(struct mqtt_properties *p, enum mqtt_property_id id, uint32_t number)
{
    p->present |= UINT64_C(1) << id;
    p->value[id].number = number;
}
static inline void mqtt_set_text(struct mqtt_properties *p, enum mqtt_property_id id,
                                 struct bytes text)
{
    p->present |= UINT64_C(1) << id;
    p->value[id].text = text;
}

enum { MQTT_OF_WILL = 0 }; /* beside the packet types, for whose properties are allowed where */

/* Takes the property block (its length first) off `in`. packet: enum mqtt_type or MQTT_OF_WILL. */
enum mqtt_reason mqtt_properties_take(struct bytes *in, unsigned packet,
                                      struct mqtt_properties *ret)
    __attribute__((warn_unused_result));
/* Length and properties, in order of their identifiers. */
void mqtt_properties_add(struct buf *out, const struct mqtt_properties *p);

/* The small pieces that packets are made of. Takers: false when it is not there or not allowed. */
bool mqtt_properties_take_u8(struct bytes *in, uint8_t *ret);
bool mqtt_properties_take_u16(struct bytes *in, uint16_t *ret);
bool mqtt_properties_take_binary(struct bytes *in, struct bytes *ret);
/* UTF-8 without NUL. */
bool mqtt_properties_take_text(struct bytes *in, struct bytes *ret);
bool mqtt_properties_take_varint(struct bytes *in, uint32_t *ret);
void mqtt_properties_add_u16(struct buf *out, uint32_t v);
void mqtt_properties_add_text(struct buf *out, struct bytes s);
/* At most four bytes into ret; how many. */
unsigned mqtt_properties_varint(uint32_t v, uint8_t ret[4]);
