#pragma once
/* codec/mqtt_packet.h -- MQTT control packets <-> bytes, versions 3.1.1 (OASIS 2014) and 5.0 (OASIS
 * 2019), both directions, strict.
 *
 *   bytes ── mqtt_packet_frame() ──> type, flags, body ── mqtt_decode_…() ──> struct
 *
 * Q1  what a decoder takes is what the standard allows a sender of that packet: reserved bits, QoS,
 *     packet ids, UTF-8, property sets and lengths are all checked; the rest is a reason code.
 * Q2  what an encoder writes from a decoded packet decodes to the same again.
 * Threads: any (pure).   Memory: decoded text is borrowed from the body; encoders append to a buf,
 * whose sticky error says when something did not fit. */
#include "base/buf.h"
#include "codec/mqtt_properties.h"

enum mqtt_type {
    MQTT_CONNECT = 1,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT,
    MQTT_AUTH,
};
enum { MQTT_V311 = 4, MQTT_V5 = 5 }; /* protocol level */
enum { MQTT_PACKET_MAX = 268435460, MQTT_HEADER_MAX = 5 };

struct mqtt_frame {
    enum mqtt_type type;
    uint8_t flags;
    struct bytes body;
    size_t size; /* header and body */
};
/* Bytes of the packet that `in` begins with. ERR_MORE: its length is not there yet; ERR_INVALID:
 * five bytes of length, type 0, or flags the type does not have. */
enum err mqtt_packet_size(struct bytes in, size_t *ret) MUST_CHECK;
/* The packet itself; ERR_MORE while it is not whole. */
enum err mqtt_packet_frame(struct bytes in, struct mqtt_frame *ret) MUST_CHECK;

struct mqtt_will {
    uint8_t qos;
    bool retain;
    struct bytes topic, payload;
    struct mqtt_properties properties;
};
struct mqtt_connect {
    uint8_t version;
    bool clean_start, has_will, has_user, has_password;
    uint16_t keep_alive_s;
    struct bytes client_id, user, password;
    struct mqtt_will will;
    struct mqtt_properties properties;
};
struct mqtt_connack {
    bool session_present;
    uint8_t reason; /* of version 5 for both; 3.1.1 gets the return code that is nearest */
    struct mqtt_properties properties;
};
struct mqtt_publish {
    bool dup, retain;
    uint8_t qos;
    uint16_t id; /* QoS 1 and 2 */
    struct bytes topic, payload;
    struct mqtt_properties properties;
};
struct mqtt_ack { /* PUBACK, PUBREC, PUBREL, PUBCOMP */
    uint16_t id;
    uint8_t reason;
    struct mqtt_properties properties;
};
struct mqtt_filter {
    struct bytes topic;
    uint8_t options; /* QoS in bits 0 and 1; version 5: no local, as published, retain handling */
};
struct mqtt_subscribe { /* SUBSCRIBE and, without options, UNSUBSCRIBE */
    uint16_t id;
    struct bytes filters; /* checked; walk with mqtt_packet_next_filter() */
    struct mqtt_properties properties;
};
struct mqtt_suback { /* SUBACK; UNSUBACK, which has no codes in 3.1.1 */
    uint16_t id;
    struct bytes reasons;
    struct mqtt_properties properties;
};
struct mqtt_ending { /* DISCONNECT, AUTH */
    uint8_t reason;
    struct mqtt_properties properties;
};

/* MQTT_SUCCESS, or why not. On failure of CONNECT ret->version is still what could be read (0: not
 * even that), for the shape of the answer. */
enum mqtt_reason mqtt_decode_connect(struct bytes body, struct mqtt_connect *ret) MUST_CHECK;
enum mqtt_reason mqtt_decode_connack(struct bytes body, uint8_t version,
                                     struct mqtt_connack *ret) MUST_CHECK;
enum mqtt_reason mqtt_decode_publish(const struct mqtt_frame *f, uint8_t version,
                                     struct mqtt_publish *ret) MUST_CHECK;
enum mqtt_reason mqtt_decode_ack(const struct mqtt_frame *f, uint8_t version,
                                 struct mqtt_ack *ret) MUST_CHECK;
enum mqtt_reason mqtt_decode_subscribe(const struct mqtt_frame *f, uint8_t version,
                                       struct mqtt_subscribe *ret) MUST_CHECK;
enum mqtt_reason mqtt_decode_suback(const struct mqtt_frame *f, uint8_t version,
                                    struct mqtt_suback *ret) MUST_CHECK;
enum mqtt_reason mqtt_decode_ending(const struct mqtt_frame *f, uint8_t version,
                                    struct mqtt_ending *ret) MUST_CHECK;
/* Takes the next filter off `rest`; false at the end. Of UNSUBSCRIBE: with_options false. */
bool mqtt_packet_next_filter(struct bytes *rest, bool with_options, struct mqtt_filter *ret);
/* May a publisher name it: one character or more, no wildcards, no NUL? */
bool mqtt_packet_is_topic(struct bytes s);
/* A filter: wildcards only as whole levels, '#' only as the last one. */
bool mqtt_packet_is_filter(struct bytes s);

void mqtt_encode_connect(struct buf *out, const struct mqtt_connect *p);
void mqtt_encode_connack(struct buf *out, uint8_t version, const struct mqtt_connack *p);
void mqtt_encode_publish(struct buf *out, uint8_t version, const struct mqtt_publish *p);
void mqtt_encode_ack(struct buf *out, uint8_t version, enum mqtt_type type,
                     const struct mqtt_ack *p);
void mqtt_encode_subscribe(struct buf *out, uint8_t version, enum mqtt_type type,
                           const struct mqtt_subscribe *p);
/* Appends one entry to the bytes that become mqtt_subscribe.filters. */
void mqtt_encode_filter(struct buf *filters, bool with_options, const struct mqtt_filter *f);
void mqtt_encode_suback(struct buf *out, uint8_t version, enum mqtt_type type,
                        const struct mqtt_suback *p);
void mqtt_encode_empty(struct buf *out, enum mqtt_type type); /* PINGREQ, PINGRESP */
void mqtt_encode_ending(struct buf *out, uint8_t version, enum mqtt_type type,
                        const struct mqtt_ending *p);
