/* The tier in this process (see memory_cache.h).
 *
 *   map: key ──> entry ──┬── list of its organisation's share, newest use first (M2)
 *                        └── list of its cache, for clearing
 *
 * An entry without a value is only the mark of a flight; it is in no share and is not counted. What
 * leaves is unlinked under the lock and freed behind it. */
#include "cache/memory_cache.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "sys/lock.h"

enum { KEY_HEAD = 9, EVICTED_AT_ONCE = 64 }; /* a byte of the cache, eight of the organisation */

struct entry {
    struct entry *newer, *older; /* in its share */
    struct entry *next, *prev;   /* in its cache */
    struct share *share;         /* NULL without a value */
    struct cache_value *value;   /* a reference */
    uint64_t generation;         /* of the value */
    uint64_t flight_generation;
    int64_t made_ns;
    size_t bytes;
    uint32_t hits;
    uint16_t key_n;
    uint8_t cache;
    bool flying;
    char key[];
};

struct share {
    int64_t org;
    struct entry *newest, *oldest;
    size_t bytes, entries;
};

struct kind {
    struct entry *entries;
    struct cache_stats stats;
};

struct memory_cache {
    struct memory_cache_opts opts;
    struct lock lock; /* guards all below */
    struct cond landed;
    struct map entries, shares;
    struct kind kinds[CACHE_IDS];
    size_t bytes;
};

/* Entries on their way out; freed without the lock. */
struct leaving {
    struct entry *first;
};

static size_t write_key(const struct cache_key *k, char out[KEY_HEAD + CACHE_NAME_MAX])
{
    out[0] = (char)k->cache;
    memcpy(out + 1, &k->org, sizeof k->org);
    memcpy(out + KEY_HEAD, k->name.p, k->name.n);
    return KEY_HEAD + k->name.n;
}

/* --- with the lock ---------------------------------------------------------------------------- */

static void share_unlink(struct share *s, struct entry *e)
{
    *(e->newer ? &e->newer->older : &s->newest) = e->older;
    *(e->older ? &e->older->newer : &s->oldest) = e->newer;
    e->newer = e->older = NULL;
}

static void share_push(struct share *s, struct entry *e)
{
    e->newer = NULL;
    e->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = e;
    s->newest = e;
}

/* Takes the value of an entry and what it was counted for. */
static struct cache_value *take_value(struct memory_cache *m, struct entry *e)
{
    struct cache_value *v = e->value;
    struct share *s = e->share;
    if (!v) return NULL;
    share_unlink(s, e);
    s->bytes -= e->bytes;
    s->entries--;
    m->bytes -= e->bytes;
    m->kinds[e->cache].stats.bytes -= e->bytes;
    m->kinds[e->cache].stats.entries--;
    e->value = NULL;
    e->share = NULL;
    if (!s->entries) {
        map_remove(&m->shares, bytes_of(&s->org, sizeof s->org));
        mem_free(s);
    }
    return v;
}

static void remove_entry(struct memory_cache *m, struct entry *e, struct leaving *leaving)
{
    struct cache_value *v = take_value(m, e);
    map_remove(&m->entries, bytes_of(e->key, e->key_n));
    *(e->prev ? &e->prev->next : &m->kinds[e->cache].entries) = e->next;
    if (e->next) e->next->prev = e->prev;
    e->value = v; /* goes with it */
    e->next = leaving->first;
    leaving->first = e;
}

static struct share *fattest(const struct memory_cache *m)
{
    struct share *fat = NULL;
    struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&m->shares, &at));) {
        struct share *s = slot->value;
        if (!fat || s->bytes > fat->bytes) fat = s;
    }
    return fat;
}

/* Keeps M1 and M2: a little more goes than must, so that the fattest is looked for rarely, but
 * never of a share that is down to what is its own. */
static void make_room(struct memory_cache *m, struct leaving *leaving)
{
    size_t low = m->opts.max_bytes - m->opts.max_bytes / 64;
    while (m->bytes > m->opts.max_bytes) {
        struct share *s = fattest(m);
        size_t fair = m->opts.max_bytes / m->shares.count;
        for (int i = 0; i < EVICTED_AT_ONCE && m->bytes > low; i++) {
            bool last = !s->oldest->newer; /* the share goes with it */
            if (i && s->bytes <= fair) break;
            m->kinds[s->oldest->cache].stats.evictions++;
            remove_entry(m, s->oldest, leaving);
            if (last) break;
        }
    }
}

/* The share of the organisation, made when there is none; NULL without memory. */
static struct share *share_of(struct memory_cache *m, int64_t org)
{
    struct share *s = map_get(&m->shares, bytes_of(&org, sizeof org));
    if (s) return s;
    s = mem_zalloc(sizeof *s);
    if (!s) return NULL;
    s->org = org;
    if (!map_put(&m->shares, bytes_of(&s->org, sizeof s->org), s)) return s;
    mem_free(s);
    return NULL;
}

static struct entry *find(const struct memory_cache *m, struct bytes key)
{
    return map_get(&m->entries, key);
}

static bool insert(struct memory_cache *m, struct entry *e)
{
    struct kind *kind = &m->kinds[e->cache];
    if (map_put(&m->entries, bytes_of(e->key, e->key_n), e)) return false;
    e->next = kind->entries;
    if (e->next) e->next->prev = e;
    kind->entries = e;
    return true;
}

/* --- without the lock ------------------------------------------------------------------------- */

static void let_go(struct leaving *leaving)
{
    for (struct entry *e = leaving->first, *next; e; e = next) {
        next = e->next;
        cache_value_unref(e->value);
        mem_free(e);
    }
}

static struct entry *entry_new(const struct cache_key *k, struct bytes key)
{
    struct entry *e = mem_zalloc(sizeof *e + key.n);
    if (!e) return NULL;
    e->cache = (uint8_t)k->cache;
    e->key_n = (uint16_t)key.n;
    memcpy(e->key, key.p, key.n);
    return e;
}

/* With the lock, as the next three. */
static int64_t ends_ns(const struct memory_cache *m, const struct entry *e)
{
    return clock_add(e->made_ns, m->opts.life_ns[e->cache]);
}

static bool is_good(const struct memory_cache *m, const struct entry *e, const struct cache_key *k,
                    int64_t now_ns)
{
    return e->value && e->generation >= k->generation && now_ns < ends_ns(m, e);
}

static struct cache_value *use(struct memory_cache *m, struct entry *e)
{
    m->kinds[e->cache].stats.hits++;
    e->hits++;
    share_unlink(e->share, e);
    share_push(e->share, e);
    cache_value_ref(e->value);
    return e->value;
}

/* Takes the flight of an entry that is good, hot and near its end, unless somebody has it. */
static bool claim(struct memory_cache *m, struct entry *e, const struct cache_key *k,
                  int64_t now_ns)
{
    bool ending = now_ns >= ends_ns(m, e) - m->opts.life_ns[k->cache] / 8;
    if (!ending || e->flying || e->hits <= MEMORY_CACHE_RENEW_HITS) return false;
    e->flying = true;
    e->flight_generation = k->generation;
    return true;
}

/* What is known of an entry that is there. */
static enum cache_found judge(struct memory_cache *m, struct entry *e, const struct cache_key *k,
                              int64_t now_ns, struct cache_value **ret)
{
    struct cache_stats *stats = &m->kinds[k->cache].stats;
    if (is_good(m, e, k, now_ns)) {
        *ret = use(m, e);
        return claim(m, e, k, now_ns) ? CACHE_RENEW : CACHE_HIT;
    }
    if (e->flying && e->flight_generation >= k->generation) return CACHE_FLYING;
    stats->misses++;
    if (e->value && e->generation >= k->generation) stats->expired++;
    e->flying = true;
    e->flight_generation = k->generation;
    return CACHE_LEAD;
}

enum cache_found memory_cache_look(struct memory_cache *m, const struct cache_key *k,
                                   int64_t now_ns, struct cache_value **ret)
{
    char text[KEY_HEAD + CACHE_NAME_MAX];
    struct bytes key = bytes_of(text, write_key(k, text));
    lock_take(&m->lock);
    struct entry *e = find(m, key), *fresh = NULL;
    if (!e) {
        lock_release(&m->lock);
        fresh = entry_new(k, key); /* without memory nobody is told that it is being made */
        lock_take(&m->lock);
        e = find(m, key);
        if (!e && fresh && insert(m, fresh)) {
            e = fresh;
            fresh = NULL;
        }
    }
    enum cache_found found = CACHE_LEAD;
    if (e)
        found = judge(m, e, k, now_ns, ret);
    else
        m->kinds[k->cache].stats.misses++;
    lock_release(&m->lock);
    mem_free(fresh);
    return found;
}

static struct cache_value *peek(struct memory_cache *m, const struct cache_key *k, int64_t now_ns,
                                unsigned missed)
{
    char text[KEY_HEAD + CACHE_NAME_MAX];
    struct cache_value *v = NULL;
    lock_take(&m->lock);
    struct entry *e = find(m, bytes_of(text, write_key(k, text)));
    if (e && is_good(m, e, k, now_ns))
        v = use(m, e);
    else
        m->kinds[k->cache].stats.misses += missed;
    lock_release(&m->lock);
    return v;
}

struct cache_value *memory_cache_peek(struct memory_cache *m, const struct cache_key *k,
                                      int64_t now_ns)
{
    return peek(m, k, now_ns, 1);
}

struct cache_value *memory_cache_glance(struct memory_cache *m, const struct cache_key *k,
                                        int64_t now_ns)
{
    return peek(m, k, now_ns, 0);
}

bool memory_cache_claim(struct memory_cache *m, const struct cache_key *k, int64_t now_ns)
{
    char text[KEY_HEAD + CACHE_NAME_MAX];
    lock_take(&m->lock);
    struct entry *e = find(m, bytes_of(text, write_key(k, text)));
    bool mine = e && is_good(m, e, k, now_ns) && claim(m, e, k, now_ns);
    lock_release(&m->lock);
    return mine;
}

/* With the lock: the entry gets the value, if it may. */
static struct cache_value *settle(struct memory_cache *m, struct entry *e,
                                  const struct cache_key *k, int64_t now_ns, struct cache_value *v)
{
    if (e->value && e->generation > k->generation) return NULL;
    struct cache_value *old = take_value(m, e);
    struct share *s = share_of(m, k->org);
    if (!s) return old;
    cache_value_ref(v);
    e->value = v;
    e->share = s;
    e->generation = k->generation;
    e->made_ns = now_ns;
    e->hits = 0;
    e->bytes = sizeof *e + e->key_n + sizeof *v + v->n + sizeof(struct map_slot) * 2;
    share_push(s, e);
    s->bytes += e->bytes;
    s->entries++;
    m->bytes += e->bytes;
    m->kinds[e->cache].stats.bytes += e->bytes;
    m->kinds[e->cache].stats.entries++;
    return old;
}

/* With the lock: the flight of this generation is over; a mark without a value goes. */
static void land(struct memory_cache *m, struct entry *e, const struct cache_key *k,
                 struct leaving *leaving)
{
    if (e->flying && e->flight_generation <= k->generation) e->flying = false;
    if (!e->value && !e->flying) remove_entry(m, e, leaving);
    cond_broadcast(&m->landed);
}

void memory_cache_fill(struct memory_cache *m, const struct cache_key *k, int64_t now_ns,
                       struct cache_value *v)
{
    char text[KEY_HEAD + CACHE_NAME_MAX];
    struct bytes key = bytes_of(text, write_key(k, text));
    struct leaving leaving = {NULL};
    struct cache_value *old = NULL;
    struct entry *fresh = entry_new(k, key);
    lock_take(&m->lock);
    bool fits = v->n <= m->opts.max_bytes / 8;
    struct entry *e = find(m, key);
    if (!e && fits && fresh && insert(m, fresh)) {
        e = fresh;
        fresh = NULL;
    }
    if (e && fits) old = settle(m, e, k, now_ns, v);
    if (e) land(m, e, k, &leaving);
    make_room(m, &leaving);
    lock_release(&m->lock);
    mem_free(fresh);
    cache_value_unref(old);
    let_go(&leaving);
}

void memory_cache_give_up(struct memory_cache *m, const struct cache_key *k)
{
    char text[KEY_HEAD + CACHE_NAME_MAX];
    struct leaving leaving = {NULL};
    lock_take(&m->lock);
    struct entry *e = find(m, bytes_of(text, write_key(k, text)));
    if (e) land(m, e, k, &leaving);
    lock_release(&m->lock);
    let_go(&leaving);
}

void memory_cache_wait(struct memory_cache *m, const struct cache_key *k, int64_t ns)
{
    char text[KEY_HEAD + CACHE_NAME_MAX];
    struct bytes key = bytes_of(text, write_key(k, text));
    int64_t until = clock_add(clock_mono_ns(clock_real()), ns);
    lock_take(&m->lock);
    for (;;) {
        const struct entry *e = find(m, key);
        int64_t left = until - clock_mono_ns(clock_real());
        if (!e || !e->flying || left <= 0) break;
        cond_wait_for(&m->landed, &m->lock, left);
    }
    lock_release(&m->lock);
}

void memory_cache_configure(struct memory_cache *m, const struct memory_cache_opts *o)
{
    struct leaving leaving = {NULL};
    lock_take(&m->lock);
    m->opts.max_bytes = o->max_bytes;
    memcpy(m->opts.life_ns, o->life_ns, sizeof m->opts.life_ns);
    make_room(m, &leaving);
    lock_release(&m->lock);
    let_go(&leaving);
}

uint64_t memory_cache_clear(struct memory_cache *m, enum cache_id cache)
{
    struct leaving leaving = {NULL};
    lock_take(&m->lock);
    uint64_t n = m->kinds[cache].stats.entries;
    while (m->kinds[cache].entries) remove_entry(m, m->kinds[cache].entries, &leaving);
    cond_broadcast(&m->landed);
    lock_release(&m->lock);
    let_go(&leaving);
    return n;
}

struct cache_stats memory_cache_read_stats(struct memory_cache *m, enum cache_id cache)
{
    lock_take(&m->lock);
    struct cache_stats s = m->kinds[cache].stats;
    lock_release(&m->lock);
    return s;
}

size_t memory_cache_bytes(struct memory_cache *m)
{
    lock_take(&m->lock);
    size_t n = m->bytes;
    lock_release(&m->lock);
    return n;
}

enum err memory_cache_new(struct memory_cache **ret, const struct memory_cache_opts *o)
{
    struct memory_cache *m = mem_zalloc(sizeof *m);
    if (!m) return ERR_NOMEM;
    m->opts = *o;
    lock_init(&m->lock, LOCK_RANK_CACHE);
    cond_init(&m->landed);
    map_init(&m->entries, o->seed);
    map_init(&m->shares, o->seed);
    *ret = m;
    return ERR_OK;
}

void memory_cache_free(struct memory_cache *m)
{
    if (!m) return;
    for (int i = 0; i < CACHE_IDS; i++) (void)memory_cache_clear(m, (enum cache_id)i);
    map_done(&m->entries);
    map_done(&m->shares);
    cond_done(&m->landed);
    lock_done(&m->lock);
    mem_free(m);
}
