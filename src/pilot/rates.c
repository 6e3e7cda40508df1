/* Buckets (see rates.h). */
#include "pilot/rates.h"

#include "base/map.h"
#include "base/mem.h"
#include "sys/lock.h"

#include <stdatomic.h>

#define ROOM_MAX_NS (INT64_MAX / 4) /* a burst that takes centuries to refill is never full */

struct bucket {
    uint64_t key;            /* the map's */
    _Atomic int64_t full_ns; /* monotonic: when it will be full again */
    struct bucket *next;
};

struct rates {
    struct rates_opts opts;
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

static struct bucket *make(struct rates *r, uint64_t key)
{
    struct bucket *fresh = mem_zalloc(sizeof *fresh);
    if (!fresh) return NULL;
    fresh->key = key;
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
static struct bucket *find(struct rates *r, enum rate_kind kind, int64_t id)
{
    uint64_t key = (uint64_t)id * RATE_KINDS + (uint64_t)kind;
    rwlock_read(&r->lock);
    struct bucket *b = map_get(&r->by_key, map_u64(&key));
    rwlock_release(&r->lock);
    return b ? b : make(r, key);
}

static int64_t share(struct rates *r, int64_t of)
{
    unsigned nodes = r->opts.nodes ? r->opts.nodes(r->opts.nodes_ctx) : 1;
    int64_t mine = nodes > 1 ? of / nodes : of;
    return mine > 0 ? mine : 1;
}

enum err rates_take(struct rates *r, enum rate_kind kind, int64_t id, struct rate_state *ret)
{
    if (!atomic_load_explicit(&r->enabled, memory_order_relaxed)) return ERR_OK;
    struct bucket *b = find(r, kind, id);
    if (!b) return ERR_OK;
    int64_t per_minute = share(r, atomic_load(&r->per_minute[kind]));
    int64_t burst = atomic_load(&r->burst[kind]);
    int64_t size = per_minute + (burst ? share(r, burst) : 0);
    int64_t step_ns = NS_PER_MINUTE / per_minute; /* at least 60 ns: keys end at 1e9 */
    int64_t now_ns = clock_mono_ns(r->opts.clock);
    int64_t room_ns = size < ROOM_MAX_NS / step_ns ? size * step_ns : ROOM_MAX_NS;
    int64_t full_ns = atomic_load_explicit(&b->full_ns, memory_order_relaxed), next_ns;
    do {
        int64_t from_ns = full_ns > now_ns ? full_ns : now_ns;
        next_ns = from_ns + step_ns;
        if (next_ns - now_ns > room_ns) {
            *ret = (struct rate_state){size, 0, next_ns - now_ns - room_ns};
            return ERR_RATE;
        }
    } while (!atomic_compare_exchange_weak_explicit(&b->full_ns, &full_ns, next_ns,
                                                    memory_order_relaxed, memory_order_relaxed));
    *ret = (struct rate_state){size, (room_ns - (next_ns - now_ns)) / step_ns, 0};
    return ERR_OK;
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
