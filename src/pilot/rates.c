/* Buckets (see rates.h). */
#include "pilot/rates.h"

#include "base/map.h"
#include "base/mem.h"
#include "pilot/rate_share.h"
#include "sys/lock.h"

#include <stdatomic.h>

#define ROOM_MAX_NS (INT64_MAX / 4)     /* a burst that takes centuries to refill is never full */
#define ALONE_NS    (2 * NS_PER_MINUTE) /* what another node gave has been refilled since */

struct bucket {
    uint64_t key; /* the map's */
    int64_t org;
    _Atomic int64_t full_ns;         /* monotonic: when it will be full again */
    struct rate_place place;         /* what this node has of the shared one */
    _Atomic uint64_t minute;         /* the one under way << MINUTE_BITS, and how many it has */
    _Atomic uint64_t taken, busiest; /* since the last rates_collect() */
    struct bucket *next;
};
enum { MINUTE_BITS = 32 };

struct rates {
    struct rates_opts opts;
    _Atomic int64_t others_ns; /* when there was another node */
    _Atomic bool enabled;
    _Atomic int64_t per_minute[RATE_KINDS], burst[RATE_KINDS];
    struct rwlock lock; /* the rest; held while the map grows */
    struct map by_key;
    struct bucket *newest;
};

const char *rates_key(enum rate_kind kind)
{
    static const char *const keys[] = {"rate-limiting.requests-per-minute",
                                       "rate-limiting.reads-per-minute",
                                       "rate-limiting.telemetry-per-minute"};
    return keys[kind];
}

static struct bucket *make(struct rates *r, uint64_t key, int64_t org)
{
    struct bucket *fresh = mem_zalloc(sizeof *fresh);
    if (!fresh) return NULL;
    fresh->key = fresh->place.name = key;
    fresh->org = org;
    rwlock_write(&r->lock);
    struct bucket *there = map_get(&r->by_key, map_u64(&key));
    enum err e = there ? ERR_EXISTS : map_put(&r->by_key, map_u64(&fresh->key), fresh);
    if (!e) {
        fresh->next = r->newest;
        r->newest = fresh;
    }
    rwlock_release(&r->lock);
    if (!e) return fresh;
    mem_free(fresh);
    return there;
}

/* Ids are below 2^53, so the kind fits beside. */
static struct bucket *find(struct rates *r, enum rate_kind kind, int64_t org, int64_t id)
{
    uint64_t key = (uint64_t)id * RATE_KINDS + (uint64_t)kind;
    rwlock_read(&r->lock);
    struct bucket *b = map_get(&r->by_key, map_u64(&key));
    rwlock_release(&r->lock);
    return b ? b : make(r, key, org);
}

static void raise_to(_Atomic uint64_t *max, uint64_t n)
{
    uint64_t old = atomic_load_explicit(max, memory_order_relaxed);
    while (old < n && !atomic_compare_exchange_weak_explicit(max, &old, n, memory_order_relaxed,
                                                             memory_order_relaxed))
        ;
}

/* Who begins a minute closes the one before. */
static void count(struct bucket *b, int64_t now_ns)
{
    uint64_t begun = (uint64_t)(now_ns / NS_PER_MINUTE) << MINUTE_BITS, next;
    uint64_t old = atomic_load_explicit(&b->minute, memory_order_relaxed);
    do next = old >= begun ? old + 1 : begun + 1; /* a late one counts for the newer minute */
    while (!atomic_compare_exchange_weak_explicit(&b->minute, &old, next, memory_order_relaxed,
                                                  memory_order_relaxed));
    if (old < begun) raise_to(&b->busiest, (uint32_t)old);
    atomic_fetch_add_explicit(&b->taken, 1, memory_order_relaxed);
}

/* A bucket as it is refilled here: all of it, or this node's part. */
struct pace {
    int64_t size, step_ns, room_ns;
};

static int64_t part(int64_t of, unsigned nodes)
{
    int64_t mine = of / nodes;
    return mine > 0 ? mine : 1;
}

static struct pace pace_of(struct rates *r, enum rate_kind kind, unsigned nodes)
{
    int64_t per_minute = part(atomic_load(&r->per_minute[kind]), nodes);
    int64_t burst = atomic_load(&r->burst[kind]);
    struct pace p = {.size = per_minute + (burst ? part(burst, nodes) : 0)};
    p.step_ns = NS_PER_MINUTE / per_minute; /* at least 60 ns: keys end at 1e9 */
    p.room_ns = p.size < ROOM_MAX_NS / p.step_ns ? p.size * p.step_ns : ROOM_MAX_NS;
    return p;
}

/* Moves the bucket on by one; ERR_RATE and nothing when that is too much and it may be refused. */
static enum err move_on(struct bucket *b, const struct pace *p, int64_t now_ns, bool may_refuse,
                        struct rate_state *ret)
{
    int64_t full_ns = atomic_load_explicit(&b->full_ns, memory_order_relaxed), next_ns;
    do {
        next_ns = (full_ns > now_ns ? full_ns : now_ns) + p->step_ns;
        if (next_ns - now_ns > p->room_ns) {
            *ret = (struct rate_state){p->size, 0, next_ns - now_ns - p->room_ns};
            if (may_refuse) return ERR_RATE;
            next_ns = now_ns + p->room_ns;
        }
    } while (!atomic_compare_exchange_weak_explicit(&b->full_ns, &full_ns, next_ns,
                                                    memory_order_relaxed, memory_order_relaxed));
    *ret = (struct rate_state){p->size, (p->room_ns - (next_ns - now_ns)) / p->step_ns, 0};
    return ERR_OK;
}

/* Of the bucket in Redis; what this node gives is noted here too, for when Redis does not know it.
 * ERR_CLOSED: there is no Redis. */
static enum err take_shared(struct rates *r, struct bucket *b, enum rate_kind kind, unsigned nodes,
                            bool may_block, struct rate_state *ret)
{
    const struct pace whole = pace_of(r, kind, 1);
    int64_t now_ns = clock_mono_ns(r->opts.clock), remaining = 0, wait_ns = 0;
    int64_t own_ns = atomic_load_explicit(&b->full_ns, memory_order_relaxed) - now_ns;
    const struct rate_terms terms = {whole.size, whole.step_ns, own_ns > 0 ? own_ns : 0, nodes};
    enum err e = rate_share_take(r->opts.share, &b->place, &terms, may_block, &remaining, &wait_ns);
    if (!e) (void)move_on(b, &whole, now_ns, false, ret);
    if (!e) *ret = (struct rate_state){whole.size, remaining, 0};
    if (e == ERR_RATE) *ret = (struct rate_state){whole.size, 0, wait_ns};
    return e;
}

/* Whoever was there a moment ago may have given of the same bucket. */
static bool is_shared(struct rates *r, unsigned nodes)
{
    if (!r->opts.share) return false;
    int64_t now_ns = clock_mono_ns(r->opts.clock);
    if (nodes > 1) atomic_store_explicit(&r->others_ns, now_ns, memory_order_relaxed);
    return now_ns - atomic_load_explicit(&r->others_ns, memory_order_relaxed) < ALONE_NS;
}

static enum err take(struct rates *r, struct bucket *b, enum rate_kind kind, bool may_block,
                     struct rate_state *ret)
{
    unsigned nodes = r->opts.nodes ? r->opts.nodes(r->opts.nodes_ctx) : 1;
    if (!nodes) nodes = 1;
    enum err e = ERR_CLOSED;
    if (is_shared(r, nodes)) e = take_shared(r, b, kind, nodes, may_block, ret);
    if (e != ERR_CLOSED) return e;
    const struct pace mine = pace_of(r, kind, nodes);
    return move_on(b, &mine, clock_mono_ns(r->opts.clock), true, ret);
}

enum err rates_take(struct rates *r, enum rate_kind kind, int64_t org, int64_t id, bool may_block,
                    struct rate_state *ret)
{
    if (!atomic_load_explicit(&r->enabled, memory_order_relaxed)) return ERR_OK;
    struct bucket *b = find(r, kind, org, id);
    if (!b) return ERR_OK;
    enum err e = take(r, b, kind, may_block, ret);
    if (!e) count(b, clock_mono_ns(r->opts.clock));
    return e;
}

enum err rates_collect(struct rates *r, rates_each *each, void *ctx)
{
    enum err e = ERR_OK;
    rwlock_read(&r->lock);
    struct bucket *b = r->newest; /* those before it stay where they are */
    rwlock_release(&r->lock);
    for (; b && !e; b = b->next) {
        const uint64_t taken = atomic_exchange(&b->taken, 0);
        if (!taken) continue;
        raise_to(&b->busiest, (uint32_t)atomic_load(&b->minute));
        const struct rates_taken t = {b->org, (enum rate_kind)(b->key % RATE_KINDS), (int64_t)taken,
                                      (int64_t)atomic_exchange(&b->busiest, 0)};
        e = each(ctx, &t);
    }
    return e;
}

void rates_configure(struct rates *r, const struct rates_limits *limits)
{
    for (int i = 0; i < RATE_KINDS; i++) {
        atomic_store(&r->per_minute[i], limits->per_minute[i]);
        atomic_store(&r->burst[i], limits->burst[i]);
    }
    atomic_store(&r->enabled, limits->enabled);
}

enum err rates_new(struct rates **ret, const struct rates_opts *opts)
{
    struct rates *r = mem_zalloc(sizeof *r);
    if (!r) return ERR_NOMEM;
    r->opts = *opts;
    atomic_store(&r->others_ns, INT64_MIN / 2);
    rwlock_init(&r->lock, LOCK_RANK_QUOTA);
    map_init(&r->by_key, 0);
    *ret = r;
    return ERR_OK;
}

void rates_free(struct rates *r)
{
    if (!r) return;
    for (struct bucket *b = r->newest; b;) {
        struct bucket *next = b->next;
        mem_free(b);
        b = next;
    }
    map_done(&r->by_key);
    rwlock_done(&r->lock);
    mem_free(r);
}
