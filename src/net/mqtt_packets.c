/* What each packet of a client does (see mqtt_conn.h). Numbers in brackets are the standard's. */
#include "base/mem.h"
#include "net/mqtt_conn.h"

/* --- refusing ----------------------------------------------------------------------------------*/

void mqtt_disconnect(struct mqtt_conn *c, enum mqtt_reason reason)
{
    if (c->conn.closing || c->state == MQTT_CONN_ENDING) return;
    if (c->version == MQTT_V5 && c->state == MQTT_CONN_OPEN)
        mqtt_encode_ending(&c->out, c->version, MQTT_DISCONNECT,
                           &(struct mqtt_ending){.reason = (uint8_t)reason});
    mqtt_conn_end(c);
}

static void answer_connect(struct mqtt_conn *c, const struct mqtt_connack *answer)
{
    uint8_t version = c->version == MQTT_V5 ? MQTT_V5 : MQTT_V311;
    mqtt_encode_connack(&c->out, version, answer);
    mqtt_conn_touch(c);
}

static void refuse_connect(struct mqtt_conn *c, enum mqtt_reason reason)
{
    struct mqtt_connack answer = {.reason = (uint8_t)reason};
    /* What is no MQTT at all gets no word of it [3.1.2-1]; nor has 3.1.1 a code for bad bytes. */
    bool speechless = reason == MQTT_MALFORMED || reason == MQTT_PROTOCOL_ERROR ||
                      reason == MQTT_TOO_LARGE || reason == MQTT_BAD_TOPIC;
    if (c->version == MQTT_V5 || (c->version && !speechless)) answer_connect(c, &answer);
    mqtt_conn_end(c);
}

void mqtt_packets_refuse(struct mqtt_conn *c, enum mqtt_reason reason)
{
    atomic_fetch_add_explicit(&c->ml->server->malformed, 1, memory_order_relaxed);
    if (c->state == MQTT_CONN_CONNECT)
        mqtt_conn_end(c);
    else
        mqtt_disconnect(c, reason);
}

static bool refuse(struct mqtt_conn *c, enum mqtt_reason reason)
{
    mqtt_packets_refuse(c, reason);
    return false;
}

/* --- CONNECT -----------------------------------------------------------------------------------*/

static struct bytes put(char **at, struct bytes s)
{
    struct bytes copy = bytes_of(*at, s.n);
    if (s.n) memcpy(*at, s.p, s.n);
    *at += s.n;
    return copy;
}

static bool keep_will(struct mqtt_conn *c, const struct mqtt_will *w)
{
    struct mqtt_publish *p = mem_zalloc(sizeof *p + w->topic.n + w->payload.n);
    if (!p) return false;
    char *at = (char *)(p + 1);
    p->topic = put(&at, w->topic);
    p->payload = put(&at, w->payload);
    c->will = p;
    return true;
}

static void take_settings(struct mqtt_conn *c, const struct mqtt_connect *p)
{
    const struct mqtt_properties *props = &p->properties;
    c->clean_start = p->clean_start;
    c->keep_alive_ns = (int64_t)p->keep_alive_s * NS_PER_S * 3 / 2;
    c->send_max = mqtt_number(props, MQTT_RECEIVE_MAXIMUM, UINT16_MAX);
    c->packet_max = mqtt_number(props, MQTT_MAXIMUM_PACKET, MQTT_PACKET_MAX);
}

/* How long the session outlives the connection. */
static uint32_t expiry_of(const struct mqtt_connect *p)
{
    uint32_t s = p->version == MQTT_V5 ? mqtt_number(&p->properties, MQTT_SESSION_EXPIRY, 0)
                 : p->clean_start      ? 0
                                       : MQTT_EXPIRY_MAX_S;
    return s > MQTT_EXPIRY_MAX_S ? MQTT_EXPIRY_MAX_S : s;
}

/* What version 5 is told of our limits, and where we differ from what it asked for. */
static void tell_limits(struct mqtt_conn *c, struct mqtt_properties *p)
{
    const struct mqtt_session *s = c->session;
    mqtt_set(p, MQTT_SESSION_EXPIRY, s->expiry_s);
    mqtt_set(p, MQTT_RECEIVE_MAXIMUM, MQTT_RECEIVE_MAX);
    mqtt_set(p, MQTT_MAXIMUM_PACKET, c->ml->server->opts.max_packet);
    mqtt_set(p, MQTT_RETAIN_AVAILABLE, 0);
    mqtt_set(p, MQTT_WILDCARD_AVAILABLE, 0);
    mqtt_set(p, MQTT_SUBSCRIPTION_IDS_AVAILABLE, 0);
    mqtt_set(p, MQTT_SHARED_AVAILABLE, 0);
    if (c->nameless)
        mqtt_set_text(p, MQTT_ASSIGNED_CLIENT_ID,
                      bytes_of(s->key.p + sizeof(int64_t), s->key.n - sizeof(int64_t)));
}

void mqtt_packets_joined(struct mqtt_conn *c, bool present)
{
    struct mqtt_handler *h = &c->ml->server->handler;
    struct mqtt_connack answer = {.session_present = present};
    if (c->conn.closing || c->state != MQTT_CONN_JOINING) return;
    c->session->expiry_s = c->expiry_s;
    if (c->version == MQTT_V5) tell_limits(c, &answer.properties);
    c->state = MQTT_CONN_OPEN;
    c->heard_ns = loop_now_ns(&c->ml->loop);
    answer_connect(c, &answer);
    mqtt_conn_set_deadline(c);
    h->on_open(h->ctx, c);
}

static bool join(struct mqtt_conn *c, int64_t scope, struct bytes client_id)
{
    char made[19] = "sv-";
    bool present = false;
    if (!client_id.n) {
        loop_make_id(&c->ml->loop, made + 3);
        client_id = bytes_of(made, sizeof made);
        c->nameless = true;
    }
    c->state = MQTT_CONN_JOINING;
    enum err e = mqtt_session_join(&c->ml->server->sessions, c, scope, client_id, &present);
    if (e) {
        refuse_connect(c, e == ERR_FULL ? MQTT_BUSY : MQTT_UNAVAILABLE);
        return false;
    }
    if (!c->waiting) mqtt_packets_joined(c, present);
    return true;
}

static bool take_connect(struct mqtt_conn *c, const struct mqtt_frame *f)
{
    struct mqtt_handler *h = &c->ml->server->handler;
    struct mqtt_connect p;
    int64_t scope = 0;
    if (f->type != MQTT_CONNECT) return refuse(c, MQTT_PROTOCOL_ERROR); /* [3.1.0-1] */
    enum mqtt_reason r = mqtt_decode_connect(f->body, &p);
    c->version = p.version;
    if (!r && p.client_id.n > MQTT_CLIENT_ID_MAX) r = MQTT_BAD_CLIENT_ID;
    if (!r && mqtt_has(&p.properties, MQTT_AUTH_METHOD)) r = MQTT_BAD_METHOD;
    if (!r) {
        take_settings(c, &p);
        c->expiry_s = expiry_of(&p);
        c->announced = true;
        r = h->on_connect(h->ctx, c, &p, &scope);
    }
    if (!r && p.has_will && !keep_will(c, &p.will)) r = MQTT_UNAVAILABLE;
    if (r) {
        refuse_connect(c, r);
        return false;
    }
    return join(c, scope, p.client_id);
}

/* --- PUBLISH and its acknowledgements ----------------------------------------------------------*/

static struct mqtt_receipt *take_receipt(struct mqtt_conn *c, const struct mqtt_publish *p)
{
    struct mqtt_loop *ml = c->ml;
    struct mqtt_receipt *r = ml->free_receipts;
    if (r)
        ml->free_receipts = r->next;
    else
        r = mem_alloc(sizeof *r);
    if (!r) return NULL;
    *r = (struct mqtt_receipt){.conn = c, .id = p->id, .qos = p->qos};
    *c->last = r;
    c->last = &r->next;
    c->under_way++;
    c->open_qos1 += p->qos == 1;
    return r;
}

static void acknowledge(struct mqtt_conn *c, enum mqtt_type type, uint16_t id, uint8_t reason)
{
    const uint8_t bytes[5] = {(uint8_t)((unsigned)type << 4 | (type == MQTT_PUBREL ? 2 : 0)),
                              reason ? 3 : 2, (uint8_t)(id >> 8), (uint8_t)id, reason};
    buf_add(&c->out, bytes, reason && c->version == MQTT_V5 ? 5 : 4);
    mqtt_conn_touch(c);
}

static bool may_acknowledge_with(uint8_t reason)
{
    static const uint8_t sayable[] = {MQTT_UNSPECIFIED, MQTT_SPECIFIC_ERROR, MQTT_NOT_AUTHORIZED,
                                      MQTT_BAD_TOPIC,   MQTT_QUOTA_EXCEEDED, MQTT_BAD_PAYLOAD,
                                      MQTT_ID_IN_USE};
    return !reason || memchr(sayable, reason, sizeof sayable);
}

/* The oldest receipt, which is settled, goes out. */
static void answer_receipt(struct mqtt_conn *c, const struct mqtt_receipt *r)
{
    bool gone = c->conn.closing || c->state == MQTT_CONN_ENDING;
    if (r->qos == 2 && r->reason && c->session) mqtt_session_let_go(c->session, r->id);
    if (gone || !r->qos) return;
    if (r->reason && (c->version != MQTT_V5 || !may_acknowledge_with(r->reason)))
        mqtt_disconnect(c, (enum mqtt_reason)r->reason);
    else
        acknowledge(c, r->qos == 1 ? MQTT_PUBACK : MQTT_PUBREC, r->id, r->reason);
}

static void pop_settled(struct mqtt_conn *c)
{
    while (c->first && c->first->settled) {
        struct mqtt_receipt *r = c->first;
        c->first = r->next;
        if (!c->first) c->last = &c->first;
        c->under_way--;
        c->open_qos1 -= r->qos == 1;
        answer_receipt(c, r);
        mqtt_conn_refund(c, r->charged);
        r->next = c->ml->free_receipts;
        c->ml->free_receipts = r;
    }
}

void mqtt_settle(struct mqtt_receipt *r, enum mqtt_reason reason)
{
    struct mqtt_conn *c = r->conn;
    bug_if(r->settled);
    r->reason = (uint8_t)reason;
    r->settled = true;
    if (c->held && c->holder == r) c->held = false;
    if (r != c->first) return;
    pop_settled(c);
    /* Also without a word to write: what waits may go on, or the memory go. */
    mqtt_conn_touch(c);
}

void mqtt_hold(struct mqtt_receipt *r)
{
    r->conn->held = true;
    r->conn->holder = r;
}

/* More than its rate? Then what comes behind this packet waits; nothing is refused. */
static void pace(struct mqtt_conn *c)
{
    int64_t step = NS_PER_S / c->ml->server->opts.publish_rate; /* at least 1 a second */
    if (c->rate_ns < c->heard_ns) c->rate_ns = c->heard_ns;
    c->rate_ns += step;
    if (c->rate_ns <= c->heard_ns + NS_PER_S) return;
    c->paused = true;
    c->resume_ns = c->rate_ns - NS_PER_S;
}

/* QoS 2: is it one that we have already? Then it is only confirmed again [4.3.3-2]. */
static bool is_repeated(struct mqtt_conn *c, const struct mqtt_publish *p)
{
    if (!mqtt_session_holds(c->session, p->id)) return false;
    for (struct mqtt_receipt *r = c->first; r; r = r->next)
        if (r->qos == 2 && r->id == p->id) return true; /* under way: PUBREC comes with it */
    acknowledge(c, MQTT_PUBREC, p->id, 0);
    return true;
}

/* Version 5 has agreed on how many may be open [3.3.4-9]; 3.1.1 has not: a larger bound. */
static enum mqtt_reason hold_id(struct mqtt_conn *c, const struct mqtt_publish *p)
{
    unsigned open = c->session->held_count + c->open_qos1;
    if (c->version == MQTT_V5 && open >= MQTT_RECEIVE_MAX) return MQTT_RECEIVE_MAX_EXCEEDED;
    if (p->qos < 2) return MQTT_SUCCESS;
    enum err e = mqtt_session_hold(c->session, p->id, MQTT_HELD_MAX);
    return !e ? MQTT_SUCCESS : e == ERR_FULL ? MQTT_RECEIVE_MAX_EXCEEDED : MQTT_UNAVAILABLE;
}

static bool take_publish(struct mqtt_conn *c, const struct mqtt_frame *f)
{
    struct mqtt_server *s = c->ml->server;
    struct mqtt_publish p;
    enum mqtt_reason reason = mqtt_decode_publish(f, c->version, &p);
    if (!reason && mqtt_has(&p.properties, MQTT_TOPIC_ALIAS)) reason = MQTT_BAD_ALIAS;
    if (!reason && mqtt_has(&p.properties, MQTT_SUBSCRIPTION_ID)) reason = MQTT_PROTOCOL_ERROR;
    if (!reason && p.retain && c->version == MQTT_V5) reason = MQTT_NO_RETAIN;
    if (reason) return refuse(c, reason);
    if (p.qos == 2 && is_repeated(c, &p)) return true;
    if (p.qos && (reason = hold_id(c, &p))) return refuse(c, reason);
    struct mqtt_receipt *r = take_receipt(c, &p);
    if (!r) return refuse(c, MQTT_UNAVAILABLE);
    atomic_fetch_add_explicit(&s->publishes[p.qos], 1, memory_order_relaxed);
    c->ml->published = true;
    mqtt_conn_touch(c); /* the turn's end is near: what was read is handed on there */
    pace(c);
    if (mqtt_conn_charge(c, p.payload.n)) {
        r->charged = p.payload.n;
        s->handler.on_publish(s->handler.ctx, r, &p);
    } else {
        mqtt_settle(r, MQTT_QUOTA_EXCEEDED);
    }
    return true;
}

void mqtt_packets_publish_will(struct mqtt_conn *c)
{
    struct mqtt_handler *h = &c->ml->server->handler;
    struct mqtt_receipt *r = take_receipt(c, c->will);
    if (!r) return;
    c->ml->published = true;
    mqtt_conn_touch(c);
    h->on_publish(h->ctx, r, c->will);
}

/* PUBACK is for what we sent; PUBREL ends a QoS 2 message of the client's. */
static bool take_ack(struct mqtt_conn *c, const struct mqtt_frame *f)
{
    struct mqtt_handler *h = &c->ml->server->handler;
    struct mqtt_ack p;
    uint64_t tag;
    enum mqtt_reason reason = mqtt_decode_ack(f, c->version, &p);
    if (reason) return refuse(c, reason);
    if (f->type == MQTT_PUBREL) {
        bool known = mqtt_session_let_go(c->session, p.id);
        acknowledge(c, MQTT_PUBCOMP, p.id, known || c->version != MQTT_V5 ? 0 : MQTT_ID_NOT_FOUND);
        return true;
    }
    if (f->type != MQTT_PUBACK) return refuse(c, MQTT_PROTOCOL_ERROR); /* we send no QoS 2 */
    if (mqtt_session_sent(c->session, p.id, &tag)) h->on_delivered(h->ctx, c, tag);
    return true;
}

/* --- the rest ----------------------------------------------------------------------------------*/

static uint8_t subscribe_one(struct mqtt_conn *c, const struct mqtt_filter *filter)
{
    struct mqtt_handler *h = &c->ml->server->handler;
    uint8_t granted = h->on_subscribe(h->ctx, c, filter);
    if (granted < 0x80 && mqtt_session_subscribe(c->session, filter->topic, granted))
        granted = MQTT_QUOTA_EXCEEDED;
    return granted >= 0x80 && c->version != MQTT_V5 ? 0x80 : granted; /* [3.9.3-2] */
}

static uint8_t unsubscribe_one(struct mqtt_conn *c, const struct mqtt_filter *filter)
{
    bool was = mqtt_session_unsubscribe(c->session, filter->topic);
    return was ? MQTT_SUCCESS : MQTT_NO_SUBSCRIPTION;
}

static bool take_subscribe(struct mqtt_conn *c, const struct mqtt_frame *f)
{
    struct mqtt_handler *h = &c->ml->server->handler;
    bool subscribing = f->type == MQTT_SUBSCRIBE;
    struct mqtt_subscribe p;
    struct mqtt_filter filter;
    struct buf reasons;
    enum mqtt_reason reason = mqtt_decode_subscribe(f, c->version, &p);
    if (!reason && mqtt_has(&p.properties, MQTT_SUBSCRIPTION_ID)) reason = MQTT_NO_SUBSCRIPTION_IDS;
    if (reason) return refuse(c, reason);
    buf_init(&reasons, f->body.n);
    while (mqtt_packet_next_filter(&p.filters, subscribing, &filter))
        buf_add_char(&reasons,
                     (char)(subscribing ? subscribe_one(c, &filter) : unsubscribe_one(c, &filter)));
    if (reasons.err) c->out.err = reasons.err;
    mqtt_encode_suback(&c->out, c->version, subscribing ? MQTT_SUBACK : MQTT_UNSUBACK,
                       &(struct mqtt_suback){.id = p.id, .reasons = buf_bytes(&reasons)});
    buf_done(&reasons);
    mqtt_conn_touch(c);
    if (subscribing) h->on_subscribed(h->ctx, c);
    return true;
}

static bool take_disconnect(struct mqtt_conn *c, const struct mqtt_frame *f)
{
    struct mqtt_ending p;
    enum mqtt_reason reason = mqtt_decode_ending(f, c->version, &p);
    if (reason) return refuse(c, reason);
    uint32_t expiry = mqtt_number(&p.properties, MQTT_SESSION_EXPIRY, c->session->expiry_s);
    if (expiry && !c->session->expiry_s) return refuse(c, MQTT_PROTOCOL_ERROR); /* [3.14.2.2.2] */
    c->session->expiry_s = expiry > MQTT_EXPIRY_MAX_S ? MQTT_EXPIRY_MAX_S : expiry;
    if (p.reason != MQTT_WITH_WILL) {
        mem_free(c->will);
        c->will = NULL;
    }
    conn_close(&c->conn);
    return false;
}

bool mqtt_packets_take(struct mqtt_conn *c, const struct mqtt_frame *f)
{
    if (c->state == MQTT_CONN_CONNECT) return take_connect(c, f);
    switch (f->type) {
    case MQTT_PUBLISH:
        return take_publish(c, f);
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        return take_ack(c, f);
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        return take_subscribe(c, f);
    case MQTT_PINGREQ:
        if (f->body.n) return refuse(c, MQTT_MALFORMED);
        mqtt_encode_empty(&c->out, MQTT_PINGRESP);
        mqtt_conn_touch(c);
        return true;
    case MQTT_DISCONNECT:
        return take_disconnect(c, f);
    default: /* a second CONNECT, AUTH without a method, what only servers send */
        return refuse(c, MQTT_PROTOCOL_ERROR);
    }
}

enum err mqtt_send(struct mqtt_conn *c, struct bytes topic, struct bytes payload, uint64_t tag,
                   uint8_t *ret_qos)
{
    struct mqtt_publish p = {.topic = topic, .payload = payload};
    if (c->state != MQTT_CONN_OPEN || c->conn.closing || c->drained) return ERR_CLOSED;
    const struct mqtt_subscription *sub = mqtt_session_find(c->session, topic);
    if (!sub) return ERR_NOTFOUND;
    if (topic.n + payload.n + 16 > c->packet_max) return ERR_TOOLARGE;
    if (c->out.n > MQTT_OUT_MAX) return ERR_FULL;
    p.qos = sub->qos;
    enum err e = p.qos ? mqtt_session_send(c->session, tag, c->send_max, &p.id, &p.dup) : ERR_OK;
    if (e) return e;
    mqtt_encode_publish(&c->out, c->version, &p);
    mqtt_conn_touch(c);
    *ret_qos = p.qos;
    return ERR_OK;
}

struct bytes mqtt_next_subscription(struct mqtt_conn *c, unsigned *at)
{
    if (!c->session || *at >= c->session->subscription_count) return bytes_of(NULL, 0);
    return bytes_str(c->session->subs[(*at)++].topic);
}

void **mqtt_user(struct mqtt_conn *c)
{
    return &c->user;
}

struct loop *mqtt_loop_of(struct mqtt_conn *c)
{
    return &c->ml->loop;
}
