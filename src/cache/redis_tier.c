/* What requests see of the shared tier (see redis_tier.h). */
#include "base/mem.h"
#include "cache/redis_state.h"

enum { ITEMS_AT_ONCE = 64, PARTS = 3, KEY_BYTES = 640 };

/* One MGET: epoch, token and value of each item. */
struct question {
    struct buf keys;
    size_t at[ITEMS_AT_ONCE * PARTS + 1];
    struct bytes args[ITEMS_AT_ONCE * PARTS + 1];
    size_t n; /* items */
};

static bool write_question(struct question *q, const struct redis_prefix *prefix,
                           struct cache_item **items, size_t n)
{
    static const char parts[PARTS] = {'e', 'g', 'v'};
    buf_init(&q->keys, ITEMS_AT_ONCE * PARTS * KEY_BYTES);
    q->n = n;
    for (size_t i = 0; i < n * PARTS; i++) {
        q->at[i] = q->keys.n;
        redis_turn_key(&q->keys, prefix, items[i / PARTS], parts[i % PARTS]);
    }
    q->at[n * PARTS] = q->keys.n;
    q->args[0] = BYTES("MGET");
    for (size_t i = 0; i < n * PARTS; i++)
        q->args[i + 1] = bytes_of(q->keys.p + q->at[i], q->at[i + 1] - q->at[i]);
    return !q->keys.err;
}

/* Eight bytes that were stored, or new ones where there are none. False: neither. */
static bool read_stamp(struct redis_tier *r, const struct redis_reply *reply, uint64_t *ret,
                       bool *ret_fresh)
{
    *ret_fresh = reply->kind == REDIS_NIL;
    if (*ret_fresh) {
        *ret = rnd_u64(r->opts.rnd) | 1;
        return true;
    }
    if (reply->kind != REDIS_TEXT || reply->text.n != sizeof *ret) return false;
    memcpy(ret, reply->text.p, sizeof *ret);
    return true;
}

/* False: a lie. */
static bool read_item(struct redis_tier *r, const struct question *q,
                      const struct redis_reply *array, size_t i, struct cache_item *item)
{
    const struct redis_reply epoch = redis_link_element(array, i * PARTS);
    const struct redis_reply token = redis_link_element(array, i * PARTS + 1);
    const struct redis_reply value = redis_link_element(array, i * PARTS + 2);
    struct redis_stamp stamp;
    struct bytes content;
    int64_t made_ns = 0;
    if (!read_stamp(r, &epoch, &stamp.epoch, &item->fresh_epoch) ||
        !read_stamp(r, &token, &stamp.token, &item->fresh_token))
        return false;
    item->epoch = stamp.epoch;
    item->token = stamp.token;
    if (value.kind == REDIS_NIL || item->found != CACHE_LEAD) return true;
    if (value.kind != REDIS_TEXT) return false;
    enum redis_verdict v =
        redis_value_read(value.text, stamp, q->args[i * PARTS + 3], &made_ns, &content);
    if (v == REDIS_GOOD) item->value = cache_value_new(content);
    item->age_ns = clock_wall_ns(r->opts.clock) - made_ns;
    if (item->age_ns < 0) item->age_ns = 0; /* another node's clock is ahead */
    return v != REDIS_WRONG;
}

static struct redis_link *borrow(struct redis_tier *r, struct redis_prefix *ret_prefix,
                                 unsigned *ret_era)
{
    struct redis_link *l = NULL;
    lock_take(&r->lock);
    if (!r->breaker.open && r->idle_n) {
        l = r->idle[--r->idle_n];
        *ret_prefix = r->prefix;
        *ret_era = r->era;
    }
    lock_release(&r->lock);
    return l;
}

/* What one question showed; NULL: the connection is gone. */
struct outcome {
    struct redis_link *link;
    unsigned era;
    int64_t took_ns;
    size_t lies;
    struct cache_item **items;
    size_t n;
};

static void count(struct redis_tier *r, const struct outcome *o)
{
    for (size_t i = 0; i < o->n; i++) {
        const struct cache_item *item = o->items[i];
        if (item->found != CACHE_LEAD) continue;
        r->figures.hits[item->key.cache] += item->value != NULL;
        r->figures.misses[item->key.cache] += item->value == NULL;
    }
    r->figures.lies += o->lies;
}

static void give_back(struct redis_tier *r, const struct outcome *o)
{
    struct redis_link *gone[REDIS_LINKS_MAX + 1], *link = o->link;
    unsigned n = 0;
    lock_take(&r->lock);
    count(r, o);
    if (o->era == r->era && !link) breaker_failed(&r->breaker);
    if (o->era == r->era && link) breaker_answered(&r->breaker, o->took_ns);
    for (size_t i = 0; i < o->lies; i++) breaker_lied(&r->breaker);
    if (link && o->era == r->era && r->idle_n < REDIS_LINKS_MAX) {
        r->idle[r->idle_n++] = link;
        link = NULL;
    }
    if (r->breaker.open) n = redis_turn_give_up(r, gone);
    lock_release(&r->lock);
    for (unsigned i = 0; i < n; i++) redis_link_close(gone[i]);
    redis_link_close(link);
}

static void ask(struct redis_tier *r, struct cache_item **items, size_t n)
{
    struct redis_prefix prefix;
    struct outcome o = {.items = items, .n = n};
    struct question *q = mem_alloc(sizeof *q);
    if (!q) return;
    o.link = borrow(r, &prefix, &o.era);
    if (!o.link) {
        mem_free(q);
        return;
    }
    int64_t begin = clock_mono_ns(r->opts.clock);
    struct redis_reply reply;
    enum err e = write_question(q, &prefix, items, n)
                     ? redis_link_ask(o.link, q->args, n * PARTS + 1, &reply)
                     : ERR_NOMEM;
    if (!e && (reply.kind != REDIS_ARRAY || reply.n != n * PARTS)) e = ERR_IO;
    for (size_t i = 0; i < n && !e; i++) o.lies += !read_item(r, q, &reply, i, items[i]);
    o.took_ns = clock_mono_ns(r->opts.clock) - begin;
    if (e) {
        redis_link_close(o.link);
        o.link = NULL;
    }
    give_back(r, &o);
    buf_done(&q->keys);
    mem_free(q);
}

void redis_tier_look(struct redis_tier *r, struct cache_item *items, size_t n)
{
    struct cache_item *some[ITEMS_AT_ONCE];
    size_t some_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct cache_item *item = &items[i];
        item->epoch = item->token = 0;
        if (!cache_item_is_mine(item) || item->alone ||
            generations_is_behind(r->opts.generations, item->key.cache, item->slot))
            continue;
        some[some_n++] = item;
        if (some_n < ITEMS_AT_ONCE) continue;
        ask(r, some, some_n);
        some_n = 0;
    }
    if (some_n) ask(r, some, some_n);
}

void redis_tier_fill(struct redis_tier *r, const struct cache_item *item, struct cache_value *v)
{
    if (!item->epoch || !item->token) return;
    struct redis_fill *f = mem_alloc(sizeof *f + item->key.name.n);
    if (!f) return;
    *f = (struct redis_fill){.item = *item, .value = v, .made_ns = clock_wall_ns(r->opts.clock)};
    memcpy(f->name, item->key.name.p, item->key.name.n);
    f->item.key.name.p = f->name;
    f->item.value = NULL;
    cache_value_ref(v);
    lock_take(&r->lock);
    bool full = r->breaker.open || r->queued == REDIS_QUEUE_MAX ||
                r->queued_bytes + v->n > REDIS_QUEUE_BYTES;
    r->figures.dropped += full;
    if (!full) {
        *(r->first ? r->last : &r->first) = f;
        r->last = &f->next;
        r->queued++;
        r->queued_bytes += v->n;
    }
    lock_release(&r->lock);
    if (full) redis_turn_free_fill(f);
}

bool redis_tier_hears(struct redis_tier *r)
{
    return !r->opts.shared ||
           clock_mono_ns(r->opts.clock) - atomic_load(&r->heard_ns) < 100 * NS_PER_MS;
}

void redis_tier_read_figures(struct redis_tier *r, struct redis_tier_figures *ret)
{
    lock_take(&r->lock);
    *ret = r->figures;
    ret->up = !r->breaker.open;
    ret->breaks = r->breaker.opened;
    lock_release(&r->lock);
}

enum err redis_tier_new(struct redis_tier **ret, const struct redis_tier_opts *opts)
{
    struct redis_tier *r = mem_zalloc(sizeof *r);
    if (!r) return ERR_NOMEM;
    r->opts = *opts;
    r->node = rnd_u64(opts->rnd);
    redis_tier_set_life(r, opts->life_ns);
    r->breaker.open = true; /* until the thread has found it */
    atomic_init(&r->heard_ns, INT64_MIN / 2);
    lock_init(&r->lock, LOCK_RANK_REDIS);
    cond_init(&r->wake);
    enum err e = thread_start(&r->thread, redis_turn_run, r, "redis", 0);
    r->started = !e;
    if (e)
        redis_tier_free(r);
    else
        *ret = r;
    return e;
}

void redis_tier_set_life(struct redis_tier *r, const int64_t life_ns[CACHE_IDS])
{
    for (int i = 0; i < CACHE_IDS; i++) atomic_store(&r->life_ns[i], life_ns[i]);
}

void redis_tier_free(struct redis_tier *r)
{
    struct redis_link *gone[REDIS_LINKS_MAX + 1];
    if (!r) return;
    lock_take(&r->lock);
    r->stopping = true;
    cond_signal(&r->wake);
    lock_release(&r->lock);
    if (r->started) pthread_join(r->thread, NULL);
    lock_take(&r->lock);
    unsigned n = redis_turn_give_up(r, gone);
    lock_release(&r->lock);
    for (unsigned i = 0; i < n; i++) redis_link_close(gone[i]);
    for (struct redis_fill *f = r->first, *next; f; f = next) {
        next = f->next;
        redis_turn_free_fill(f);
    }
    redis_link_close(r->own);
    cond_done(&r->wake);
    lock_done(&r->lock);
    mem_free(r);
}
