/* The thread that speaks to Redis (see redis_tier.h).
 *
 *   away ──probe, twice a second: connect, three quick right answers──> taken up: new epochs ──┐
 *     ^                                                                                        v
 *     └──── a failure, slow or wrong answers ── turns, 50 a second: tokens of what
 *                                                        changed, entries, news of others
 *
 * A turn sends everything at once and reads the answers behind that. */
#include "base/mem.h"
#include "cache/redis_state.h"

#include <stdio.h>

#define TURN_NS  (20 * NS_PER_MS)
#define PROBE_NS (500 * NS_PER_MS)
#define IDLE_NS  NS_PER_S /* silence after which a PING says whether it is still there */

enum { FILLS_A_TURN = 256, FILL_BYTES_A_TURN = 4 << 20, SLOTS_A_TURN = 1024, PROBES = 3 };

void redis_turn_key(struct buf *out, const struct redis_prefix *p, const struct cache_item *item,
                    char what)
{
    buf_add(out, p->text, p->n);
    buf_add_char(out, what);
    buf_add_char(out, (char)('0' + item->key.cache));
    if (what == 'g') buf_add(out, &item->slot, sizeof item->slot);
    if (what != 'v') return;
    buf_add(out, &item->key.org, sizeof item->key.org);
    buf_add_bytes(out, item->key.name);
}

void redis_turn_free_fill(struct redis_fill *f)
{
    cache_value_unref(f->value);
    mem_free(f);
}

unsigned redis_turn_give_up(struct redis_tier *r, struct redis_link **ret_links)
{
    unsigned n = r->idle_n;
    memcpy(ret_links, r->idle, n * sizeof *ret_links);
    r->idle_n = 0;
    r->era++;
    r->breaker.open = true;
    return n;
}

/* What one turn has sent and waits for. */
struct turn {
    struct redis_tier *r;
    struct redis_prefix prefix;
    size_t sent;
    bool asked_news;
};

static enum err send_set(struct turn *t, const struct cache_item *key, char what,
                         struct bytes value, const char *option, int64_t life_ns)
{
    struct buf name;
    char life[24];
    struct bytes args[6] = {BYTES("SET"), {NULL, 0}, value, {NULL, 0}, {NULL, 0}};
    size_t n = 3;
    buf_init(&name, 1024);
    redis_turn_key(&name, &t->prefix, key, what);
    args[1] = buf_bytes(&name);
    if (option) args[n++] = bytes_str(option);
    if (life_ns) {
        snprintf(life, sizeof life, "%lld", (long long)(life_ns / NS_PER_MS));
        args[n++] = BYTES("PX");
        args[n++] = bytes_str(life);
    }
    enum err e = name.err ? name.err : redis_link_send(t->r->own, args, n);
    buf_done(&name);
    t->sent += !e;
    return e;
}

static enum err send_stamp(struct turn *t, const struct cache_item *key, char what)
{
    uint64_t stamp = rnd_u64(t->r->opts.rnd) | 1;
    return send_set(t, key, what, bytes_of(&stamp, sizeof stamp), NULL, 0);
}

/* Tells other nodes; no slots: all of the cache. */
static enum err send_news(struct turn *t, enum cache_id cache, const uint16_t *slots, size_t n)
{
    char name[48], which = (char)('0' + cache);
    if (!t->r->opts.shared) return ERR_OK;
    snprintf(name, sizeof name, "%.*sn", (int)t->prefix.n, t->prefix.text);
    const struct bytes args[] = {
        BYTES("XADD"),   bytes_str(name),
        BYTES("MAXLEN"), BYTES("~"),
        BYTES("10000"),  BYTES("*"),
        BYTES("n"),      bytes_of(&t->r->node, sizeof t->r->node),
        BYTES("c"),      bytes_of(&which, 1),
        BYTES("s"),      n ? bytes_of(slots, n * sizeof *slots) : BYTES("")};
    enum err e = redis_link_send(t->r->own, args, sizeof args / sizeof *args);
    t->sent += !e;
    return e;
}

static size_t take_slots(struct generations *g, enum cache_id cache, uint16_t slots[SLOTS_A_TURN],
                         bool *ret_all)
{
    size_t n = 0;
    for (uint32_t word = 0; word < GENERATIONS_SLOTS / 64; word++) {
        uint64_t bits = generations_take(g, cache, word);
        for (; bits; bits &= bits - 1) {
            if (n == SLOTS_A_TURN) {
                *ret_all = true; /* but every word is taken */
                break;
            }
            slots[n++] = (uint16_t)(word * 64 + (uint32_t)__builtin_ctzll(bits));
        }
    }
    return n;
}

/* What changed here: other tokens, so that nobody reads what was made before. */
static enum err send_changes(struct turn *t, enum cache_id cache)
{
    struct generations *g = t->r->opts.generations;
    struct cache_item key = {.key = {.cache = cache}};
    uint16_t slots[SLOTS_A_TURN];
    bool all = generations_take_all(g, cache);
    size_t n = take_slots(g, cache, slots, &all);
    enum err e = ERR_OK;
    if (all) {
        e = send_stamp(t, &key, 'e');
        return e ? e : send_news(t, cache, NULL, 0);
    }
    for (size_t i = 0; i < n && !e && cache != CACHE_QUERIES; i++) {
        key.slot = slots[i];
        e = send_stamp(t, &key, 'g');
    }
    return !e && n ? send_news(t, cache, slots, n) : e;
}

static enum err send_fill(struct turn *t, const struct redis_fill *f)
{
    struct generations *g = t->r->opts.generations;
    const struct cache_key *k = &f->item.key;
    struct buf name, value;
    if (generations_read(g, k->cache, f->item.slot) != k->generation ||
        generations_is_behind(g, k->cache, f->item.slot))
        return ERR_OK;
    const struct redis_stamp stamp = {f->item.epoch, f->item.token};
    enum err e = ERR_OK;
    if (f->item.fresh_epoch)
        e = send_set(t, &f->item, 'e', bytes_of(&stamp.epoch, sizeof stamp.epoch), "NX", 0);
    if (!e && f->item.fresh_token)
        e = send_set(t, &f->item, 'g', bytes_of(&stamp.token, sizeof stamp.token), "NX", 0);
    buf_init(&name, 1024);
    buf_init(&value, 2048 + f->value->n);
    redis_turn_key(&name, &t->prefix, &f->item, 'v');
    redis_value_write(&value, stamp, f->made_ns, buf_bytes(&name), cache_value_bytes(f->value));
    if (!e && !name.err && !value.err)
        e = send_set(t, &f->item, 'v', buf_bytes(&value), NULL,
                     atomic_load(&t->r->life_ns[k->cache]));
    buf_done(&value);
    buf_done(&name);
    return e;
}

static struct redis_fill *next_fill(struct redis_tier *r)
{
    lock_take(&r->lock);
    struct redis_fill *f = r->first;
    if (f) {
        r->first = f->next;
        r->queued--;
        r->queued_bytes -= f->value->n;
    }
    lock_release(&r->lock);
    return f;
}

static enum err send_fills(struct turn *t)
{
    enum err e = ERR_OK;
    size_t bytes = 0;
    struct redis_fill *f;
    for (int i = 0; i < FILLS_A_TURN && bytes < FILL_BYTES_A_TURN && !e; i++) {
        if (!(f = next_fill(t->r))) break;
        bytes += f->value->n;
        e = send_fill(t, f);
        redis_turn_free_fill(f);
    }
    return e;
}

static enum err ask_news(struct turn *t)
{
    char name[48];
    if (!t->r->opts.shared) return ERR_OK;
    snprintf(name, sizeof name, "%.*sn", (int)t->prefix.n, t->prefix.text);
    const struct bytes args[] = {BYTES("XREAD"), BYTES("STREAMS"), bytes_str(name),
                                 bytes_str(t->r->news_id)};
    t->asked_news = true;
    return redis_link_send(t->r->own, args, 4);
}

/* --- what other nodes say --------------------------------------------------------------------- */

static void hear_all(struct redis_tier *r)
{
    for (int i = 0; i < CACHE_IDS; i++) generations_hear_all(r->opts.generations, (enum cache_id)i);
}

/* n, node, c, cache, s, slots */
static void hear_fields(struct redis_tier *r, const struct redis_reply *fields)
{
    const struct redis_reply node = redis_link_element(fields, 1);
    const struct redis_reply which = redis_link_element(fields, 3);
    const struct redis_reply slots = redis_link_element(fields, 5);
    if (node.text.n == sizeof r->node && memcmp(node.text.p, &r->node, sizeof r->node) == 0) return;
    unsigned cache = which.text.n == 1 ? (unsigned)(which.text.p[0] - '0') : CACHE_IDS;
    if (cache >= CACHE_IDS) return;
    if (!slots.text.n) generations_hear_all(r->opts.generations, (enum cache_id)cache);
    for (size_t i = 0; i + 2 <= slots.text.n; i += 2) {
        uint16_t slot;
        memcpy(&slot, slots.text.p + i, sizeof slot);
        generations_hear(r->opts.generations, (enum cache_id)cache, slot % GENERATIONS_SLOTS);
    }
}

static void hear_entries(struct redis_tier *r, const struct redis_reply *entries)
{
    for (size_t i = 0; i < entries->n; i++) {
        const struct redis_reply entry = redis_link_element(entries, i);
        if (entry.kind != REDIS_ARRAY || entry.n < 2) continue;
        const struct redis_reply id = redis_link_element(&entry, 0);
        const struct redis_reply fields = redis_link_element(&entry, 1);
        if (id.text.n < sizeof r->news_id)
            snprintf(r->news_id, sizeof r->news_id, "%.*s", (int)id.text.n, id.text.p);
        if (fields.kind == REDIS_ARRAY && fields.n >= 6) hear_fields(r, &fields);
    }
}

/* [[stream, entries]], or nil */
static enum err hear(struct redis_tier *r)
{
    struct redis_reply reply;
    enum err e = redis_link_receive(r->own, &reply);
    if (e || reply.kind == REDIS_NIL) return e;
    if (reply.kind != REDIS_ARRAY || !reply.n) return ERR_IO;
    const struct redis_reply stream = redis_link_element(&reply, 0);
    if (stream.kind != REDIS_ARRAY || stream.n < 2) return ERR_IO;
    const struct redis_reply entries = redis_link_element(&stream, 1);
    hear_entries(r, &entries);
    return ERR_OK;
}

/* --- a turn ----------------------------------------------------------------------------------- */

static enum err receive_all(struct turn *t)
{
    struct redis_reply reply;
    enum err e = ERR_OK;
    for (; t->sent && !e; t->sent--) {
        e = redis_link_receive(t->r->own, &reply);
        if (!e && reply.kind == REDIS_REFUSED) e = ERR_IO; /* full, read-only, loading */
    }
    return e;
}

static enum err send_ping(struct turn *t)
{
    const struct bytes ping = BYTES("PING");
    enum err e = redis_link_send(t->r->own, &ping, 1);
    t->sent += !e;
    return e;
}

static void tell_all(struct redis_tier *r)
{
    for (int i = 0; i < CACHE_IDS; i++) generations_told(r->opts.generations, (enum cache_id)i);
}

static enum err take_turn(struct redis_tier *r)
{
    struct turn t = {.r = r};
    int64_t begin = clock_mono_ns(r->opts.clock);
    enum err e = ERR_OK;
    lock_take(&r->lock);
    t.prefix = r->prefix;
    lock_release(&r->lock);
    for (int i = 0; i < CACHE_IDS && !e; i++) e = send_changes(&t, (enum cache_id)i);
    if (!e) e = send_fills(&t);
    if (!e && !t.sent && begin - r->spoke_ns > IDLE_NS) e = send_ping(&t);
    if (!e && t.sent) r->spoke_ns = begin;
    if (!e) e = ask_news(&t);
    if (!e) e = receive_all(&t);
    if (!e && t.asked_news) e = hear(r);
    if (e) return e;
    tell_all(r);
    atomic_store(&r->heard_ns, begin);
    return ERR_OK;
}

/* --- away, and back --------------------------------------------------------------------------- */

static void give_up(struct redis_tier *r)
{
    struct redis_link *gone[REDIS_LINKS_MAX + 1];
    lock_take(&r->lock);
    breaker_failed(&r->breaker);
    unsigned n = redis_turn_give_up(r, gone);
    lock_release(&r->lock);
    for (unsigned i = 0; i < n; i++) redis_link_close(gone[i]);
    redis_link_close(r->own);
    r->own = NULL;
}

/* Which run of the server this is: its caches end with it (R4). */
static enum err read_run(struct redis_tier *r, struct redis_prefix *ret)
{
    static const char name[] = "run_id:";
    const struct bytes args[] = {BYTES("INFO"), BYTES("server")};
    struct redis_reply reply;
    enum err e = redis_link_ask(r->own, args, 2, &reply);
    if (e) return e;
    const char *at =
        reply.kind == REDIS_TEXT ? memmem(reply.text.p, reply.text.n, name, sizeof name - 1) : NULL;
    if (!at || (size_t)(reply.text.p + reply.text.n - at) < sizeof name + 12) return ERR_IO;
    ret->n = (size_t)snprintf(ret->text, sizeof ret->text,
                              "sv:%016llx:%.12s:", (unsigned long long)r->opts.installation,
                              at + sizeof name - 1);
    return ERR_OK;
}

/* What is stored is what comes back, and soon. */
static enum err probe(struct redis_tier *r, const struct redis_prefix *prefix)
{
    char name[64];
    uint64_t sent = rnd_u64(r->opts.rnd);
    int64_t begin = clock_mono_ns(r->opts.clock);
    struct redis_reply reply;
    snprintf(name, sizeof name, "%.*sp%016llx", (int)prefix->n, prefix->text,
             (unsigned long long)r->node);
    const struct bytes set[] = {BYTES("SET"), bytes_str(name), bytes_of(&sent, sizeof sent),
                                BYTES("PX"), BYTES("10000")};
    const struct bytes get[] = {BYTES("GET"), bytes_str(name)};
    enum err e = redis_link_ask(r->own, set, 5, &reply);
    if (!e && reply.kind != REDIS_TEXT) e = ERR_IO;
    if (!e) e = redis_link_ask(r->own, get, 2, &reply);
    if (!e && !bytes_equal(reply.text, bytes_of(&sent, sizeof sent))) e = ERR_CORRUPT;
    bool slow = clock_mono_ns(r->opts.clock) - begin > 2 * BREAKER_SLOW_NS;
    return !e && slow ? ERR_TIMEOUT : e;
}

/* From here on: what was said before we listened is covered by hear_all(). */
static enum err find_news(struct redis_tier *r, const struct redis_prefix *prefix)
{
    char name[48];
    snprintf(name, sizeof name, "%.*sn", (int)prefix->n, prefix->text);
    const struct bytes args[] = {BYTES("XREVRANGE"), bytes_str(name), BYTES("+"),
                                 BYTES("-"),         BYTES("COUNT"),  BYTES("1")};
    struct redis_reply reply;
    enum err e = redis_link_ask(r->own, args, 6, &reply);
    snprintf(r->news_id, sizeof r->news_id, "0-0");
    if (!e && reply.kind != REDIS_ARRAY) e = ERR_IO;
    if (e || !reply.n) return e;
    const struct redis_reply entry = redis_link_element(&reply, 0);
    if (entry.kind != REDIS_ARRAY || !entry.n) return ERR_IO;
    const struct redis_reply id = redis_link_element(&entry, 0);
    snprintf(r->news_id, sizeof r->news_id, "%.*s", (int)id.text.n, id.text.p);
    return ERR_OK;
}

/* New epochs: what changed while nobody told Redis is unreadable, whatever it was. */
static enum err renew_epochs(struct redis_tier *r, const struct redis_prefix *prefix)
{
    struct turn t = {.r = r, .prefix = *prefix};
    struct generations *g = r->opts.generations;
    enum err e = ERR_OK;
    for (int i = 0; i < CACHE_IDS && !e; i++) {
        const struct cache_item key = {.key = {.cache = (enum cache_id)i}};
        (void)generations_take_all(g, key.key.cache);
        for (uint32_t w = 0; w < GENERATIONS_SLOTS / 64; w++)
            (void)generations_take(g, key.key.cache, w);
        e = send_stamp(&t, &key, 'e');
        if (!e) e = send_news(&t, key.key.cache, NULL, 0);
    }
    if (!e) e = receive_all(&t);
    if (!e) tell_all(r);
    return e;
}

static unsigned open_links(struct redis_tier *r, struct redis_link **ret)
{
    unsigned n = 0, want = r->opts.connections;
    if (want > REDIS_LINKS_MAX) want = REDIS_LINKS_MAX;
    while (n < want && !redis_link_open(&ret[n], &r->opts.place, REDIS_TIER_ASK_NS)) n++;
    return n;
}

static void take_up(struct redis_tier *r)
{
    struct redis_prefix prefix;
    struct redis_link *links[REDIS_LINKS_MAX];
    int64_t timeout = r->opts.timeout_ns < 250 * NS_PER_MS ? r->opts.timeout_ns : 250 * NS_PER_MS;
    int64_t begin = clock_mono_ns(r->opts.clock);
    if (redis_link_open(&r->own, &r->opts.place, timeout)) return;
    enum err e = read_run(r, &prefix);
    for (int i = 0; i < PROBES && !e; i++) e = probe(r, &prefix);
    if (!e && r->opts.shared) e = find_news(r, &prefix);
    if (!e && r->opts.shared) hear_all(r);
    if (!e) e = renew_epochs(r, &prefix);
    unsigned n = e ? 0 : open_links(r, links);
    if (!n) {
        redis_link_close(r->own);
        r->own = NULL;
        return;
    }
    r->spoke_ns = begin;
    atomic_store(&r->heard_ns, begin);
    lock_take(&r->lock);
    r->prefix = prefix;
    memcpy(r->idle, links, n * sizeof *links);
    r->idle_n = n;
    r->era++;
    breaker_close(&r->breaker);
    r->figures.taken_up++;
    lock_release(&r->lock);
}

/* False: stop. */
static bool rest(struct redis_tier *r, int64_t ns, bool *ret_open)
{
    lock_take(&r->lock);
    if (!r->stopping) cond_wait_for(&r->wake, &r->lock, ns);
    bool go_on = !r->stopping;
    *ret_open = r->breaker.open;
    lock_release(&r->lock);
    return go_on;
}

void *redis_turn_run(void *tier)
{
    struct redis_tier *r = tier;
    bool open = true;
    take_up(r);
    while (rest(r, r->own ? TURN_NS : PROBE_NS, &open)) {
        if (open && r->own) give_up(r); /* a request has found it bad */
        if (!r->own)
            take_up(r);
        else if (take_turn(r))
            give_up(r);
    }
    if (r->own && take_turn(r)) give_up(r); /* the last changes are told */
    return NULL;
}
