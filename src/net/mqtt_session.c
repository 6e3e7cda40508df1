/* Sessions and who owns them (see mqtt_session.h). */
#include "net/mqtt_session.h"

#include "base/mem.h"
#include "net/mqtt_conn.h"

/* --- what a session holds ----------------------------------------------------------------------*/

static void forget(struct mqtt_session *s)
{
    for (unsigned i = 0; i < s->subscription_count; i++) mem_free(s->subs[i].topic);
    mem_free(s->subs);
    mem_free(s->sent);
    mem_free(s->held);
    s->subs = NULL;
    s->sent = NULL;
    s->held = NULL;
    s->subscription_count = s->sent_count = s->held_count = s->held_cap = 0;
}

static void free_session(struct mqtt_session *s)
{
    forget(s);
    mem_free(s);
}

static unsigned held_at(const struct mqtt_session *s, uint16_t id)
{
    unsigned i = 0;
    while (i < s->held_count && s->held[i] != id) i++;
    return i;
}

bool mqtt_session_holds(const struct mqtt_session *s, uint16_t id)
{
    return held_at(s, id) < s->held_count;
}

enum err mqtt_session_hold(struct mqtt_session *s, uint16_t id, unsigned max)
{
    if (s->held_count >= max) return ERR_FULL;
    if (s->held_count == s->held_cap) {
        unsigned cap = s->held_cap ? s->held_cap * 2u : 8;
        uint16_t *more = mem_realloc(s->held, cap * sizeof *more);
        if (!more) return ERR_NOMEM;
        s->held = more;
        s->held_cap = (uint16_t)cap;
    }
    s->held[s->held_count++] = id;
    return ERR_OK;
}

bool mqtt_session_let_go(struct mqtt_session *s, uint16_t id)
{
    unsigned at = held_at(s, id);
    if (at == s->held_count) return false;
    s->held[at] = s->held[--s->held_count];
    if (s->held_count) return true;
    mem_free(s->held); /* keeps M4 */
    s->held = NULL;
    s->held_cap = 0;
    return true;
}

static unsigned subscription_at(const struct mqtt_session *s, struct bytes topic)
{
    unsigned i = 0;
    while (i < s->subscription_count && !bytes_is(topic, s->subs[i].topic)) i++;
    return i;
}

const struct mqtt_subscription *mqtt_session_find(const struct mqtt_session *s, struct bytes topic)
{
    unsigned at = subscription_at(s, topic);
    return at < s->subscription_count ? &s->subs[at] : NULL;
}

enum err mqtt_session_subscribe(struct mqtt_session *s, struct bytes topic, uint8_t qos)
{
    unsigned at = subscription_at(s, topic);
    if (at == MQTT_SUBSCRIPTIONS_MAX) return ERR_FULL;
    if (!s->subs) s->subs = mem_array(MQTT_SUBSCRIPTIONS_MAX, sizeof *s->subs);
    if (!s->subs) return ERR_NOMEM;
    if (at == s->subscription_count) {
        s->subs[at].topic = mem_copy(topic.p, topic.n);
        if (!s->subs[at].topic) return ERR_NOMEM;
        s->subscription_count++;
    }
    s->subs[at].qos = qos;
    return ERR_OK;
}

bool mqtt_session_unsubscribe(struct mqtt_session *s, struct bytes topic)
{
    unsigned at = subscription_at(s, topic);
    if (at == s->subscription_count) return false;
    mem_free(s->subs[at].topic);
    s->subs[at] = s->subs[--s->subscription_count];
    return true;
}

static bool id_is_used(const struct mqtt_session *s, uint16_t id)
{
    for (unsigned i = 0; i < s->sent_count; i++)
        if (s->sent[i].id == id) return true;
    return !id;
}

enum err mqtt_session_send(struct mqtt_session *s, uint64_t tag, unsigned max, uint16_t *ret_id,
                           bool *ret_again)
{
    for (unsigned i = 0; i < s->sent_count; i++) {
        if (s->sent[i].tag != tag) continue;
        if (s->sent[i].now) return ERR_EXISTS;
        s->sent[i].now = *ret_again = true;
        *ret_id = s->sent[i].id;
        return ERR_OK;
    }
    if (s->sent_count >= (max < MQTT_SENT_MAX ? max : MQTT_SENT_MAX)) return ERR_FULL;
    if (!s->sent) s->sent = mem_array(MQTT_SENT_MAX, sizeof *s->sent);
    if (!s->sent) return ERR_NOMEM;
    do s->next_id++;
    while (id_is_used(s, s->next_id));
    s->sent[s->sent_count++] = (struct mqtt_sent){tag, s->next_id, true};
    *ret_id = s->next_id;
    *ret_again = false;
    return ERR_OK;
}

bool mqtt_session_sent(struct mqtt_session *s, uint16_t id, uint64_t *ret_tag)
{
    for (unsigned i = 0; i < s->sent_count; i++) {
        if (s->sent[i].id != id) continue;
        *ret_tag = s->sent[i].tag;
        s->sent_count--;
        memmove(s->sent + i, s->sent + i + 1, (s->sent_count - i) * sizeof *s->sent);
        return true;
    }
    return false;
}

/* --- who owns it -------------------------------------------------------------------------------*/

void mqtt_sessions_init(struct mqtt_sessions *all, const struct clock *clock, uint64_t seed)
{
    *all = (struct mqtt_sessions){.clock = clock};
    lock_init(&all->lock, LOCK_RANK_MQTT);
    map_init(&all->map, seed);
}

void mqtt_sessions_done(struct mqtt_sessions *all)
{
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(&all->map, &at));) free_session(slot->value);
    map_done(&all->map);
    lock_done(&all->lock);
}

/* With the lock, as all up to the next line. */
static void unlink_away(struct mqtt_sessions *all, struct mqtt_session *s)
{
    if (!s->away) return;
    *(s->prev ? &s->prev->next : &all->oldest) = s->next;
    *(s->next ? &s->next->prev : &all->newest) = s->prev;
    s->next = s->prev = NULL;
    s->away = false;
    all->away--;
}

static void link_away(struct mqtt_sessions *all, struct mqtt_session *s)
{
    s->prev = all->newest;
    *(s->prev ? &s->prev->next : &all->oldest) = s;
    all->newest = s;
    s->away = true;
    all->away++;
}

static void drop(struct mqtt_sessions *all, struct mqtt_session *s)
{
    unlink_away(all, s);
    map_remove(&all->map, s->key);
    free_session(s);
}

/* Who left longest ago goes when there are too many, or when its time has come. */
static void sweep(struct mqtt_sessions *all)
{
    int64_t now = clock_mono_ns(all->clock);
    while (all->oldest && !all->oldest->kicking &&
           (all->away > MQTT_AWAY_MAX || all->oldest->expires_ns <= now))
        drop(all, all->oldest);
}

/* Gives it to c, who joins with what is still there of it. */
static void hand_over(struct mqtt_session *s, struct mqtt_conn *c, bool *ret_present)
{
    bool ended = s->forget || (s->away && s->expires_ns <= clock_mono_ns(s->sessions->clock));
    unlink_away(s->sessions, s);
    *ret_present = !c->clean_start && !ended;
    if (!*ret_present) forget(s);
    for (unsigned i = 0; i < s->sent_count; i++) s->sent[i].now = false;
    s->forget = false;
    s->owner = c;
}

static void on_kick(struct loop_task *t)
{
    struct mqtt_session *s =
        (struct mqtt_session *)((char *)t - offsetof(struct mqtt_session, kick));
    struct mqtt_sessions *all = s->sessions;
    lock_take(&all->lock);
    s->kicking = false;
    struct mqtt_conn *c = s->waiter ? s->owner : NULL;
    bool orphan = !s->owner && !s->waiter && s->forget;
    if (orphan) drop(all, s);
    lock_release(&all->lock);
    /* While somebody waits the owner stays until its own loop, which is this one, gives up. */
    if (c) mqtt_disconnect(c, MQTT_TAKEN_OVER);
    if (c) mqtt_conn_turn(c->ml);
}

static void on_grant(struct loop_task *t)
{
    struct mqtt_session *s =
        (struct mqtt_session *)((char *)t - offsetof(struct mqtt_session, grant));
    struct mqtt_sessions *all = s->sessions;
    bool present;
    lock_take(&all->lock);
    struct mqtt_conn *c = s->owner;
    hand_over(s, c, &present);
    lock_release(&all->lock);
    c->waiting = false;
    if (c->closed)
        mqtt_conn_dispose(c);
    else
        mqtt_packets_joined(c, present);
}

static struct mqtt_session *new_session(struct mqtt_sessions *all, int64_t scope,
                                        struct bytes client_id)
{
    struct mqtt_session *s = mem_zalloc(sizeof *s + sizeof scope + client_id.n);
    if (!s) return NULL;
    char *key = (char *)(s + 1);
    memcpy(key, &scope, sizeof scope);
    if (client_id.n) memcpy(key + sizeof scope, client_id.p, client_id.n);
    s->key = bytes_of(key, sizeof scope + client_id.n);
    s->sessions = all;
    s->kick.run = on_kick;
    s->grant.run = on_grant;
    s->forget = true; /* nothing of it is there yet */
    return s;
}

/* With the lock. */
static enum err join(struct mqtt_sessions *all, struct mqtt_session *s, struct mqtt_conn *c,
                     bool *ret_present)
{
    if (s->kicking || s->waiter) return ERR_FULL;
    c->session = s;
    if (!s->owner) {
        hand_over(s, c, ret_present);
        return ERR_OK;
    }
    s->waiter = c;
    s->kicking = c->waiting = true;
    all->taken_over++;
    loop_post(&s->owner->ml->loop, &s->kick);
    return ERR_OK;
}

enum err mqtt_session_join(struct mqtt_sessions *all, struct mqtt_conn *c, int64_t scope,
                           struct bytes client_id, bool *ret_present)
{
    struct mqtt_session *fresh = new_session(all, scope, client_id);
    if (!fresh) return ERR_NOMEM;
    lock_take(&all->lock);
    sweep(all);
    struct mqtt_session *s = map_get(&all->map, fresh->key);
    enum err e = s ? ERR_OK : map_put(&all->map, fresh->key, fresh);
    bool used = !s && !e;
    if (!e) e = join(all, s ? s : fresh, c, ret_present);
    lock_release(&all->lock);
    if (!used) free_session(fresh);
    return e;
}

/* With the lock: what becomes of it without its owner. */
static void part(struct mqtt_sessions *all, struct mqtt_session *s)
{
    s->owner = NULL;
    s->forget = !s->expiry_s;
    if (s->waiter) {
        s->owner = s->waiter;
        s->waiter = NULL;
        loop_post(&s->owner->ml->loop, &s->grant);
    } else if (!s->forget) {
        s->expires_ns = clock_mono_ns(all->clock) + (int64_t)s->expiry_s * NS_PER_S;
        link_away(all, s);
        sweep(all);
    } else if (!s->kicking) {
        drop(all, s);
    }
}

bool mqtt_session_release(struct mqtt_conn *c)
{
    struct mqtt_session *s = c->session;
    struct mqtt_sessions *all = s ? s->sessions : NULL;
    if (!s) return true;
    lock_take(&all->lock);
    bool coming = c->waiting && s->waiter != c; /* on_grant() is on its way to c */
    if (c->waiting && !coming)
        s->waiter = NULL;
    else if (!coming)
        part(all, s);
    lock_release(&all->lock);
    if (!coming) c->session = NULL;
    return !coming;
}
