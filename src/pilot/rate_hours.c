/* Buckets are many, organisations few: what was taken is summed by organisation and kind before it
 * is written (see rate_hours.h). */
#include "pilot/rate_hours.h"

#include "base/arena.h"
#include "base/map.h"
#include "store/catalog_usage.h"

enum { ARENA_BYTES = 4 << 20 };

struct sum {
    uint64_t key; /* the map's: organisation and kind */
    struct rates_taken taken;
    struct sum *next;
};

struct sums {
    struct arena arena;
    struct map by_key;
    struct sum *newest;
};

static struct sum *sum_of(struct sums *s, const struct rates_taken *t)
{
    uint64_t key = (uint64_t)t->org * RATE_KINDS + (uint64_t)t->kind;
    struct sum *sum = map_get(&s->by_key, map_u64(&key));
    if (sum) return sum;
    sum = arena_zalloc(&s->arena, sizeof *sum);
    if (!sum) return NULL;
    *sum = (struct sum){.key = key, .taken = {.org = t->org, .kind = t->kind}, .next = s->newest};
    if (map_put(&s->by_key, map_u64(&sum->key), sum)) return NULL;
    return s->newest = sum;
}

static enum err add(void *ctx, const struct rates_taken *t)
{
    struct sum *sum = sum_of(ctx, t);
    if (!sum) return ERR_NOMEM;
    sum->taken.requests += t->requests;
    if (t->busiest_minute > sum->taken.busiest_minute)
        sum->taken.busiest_minute = t->busiest_minute;
    return ERR_OK;
}

static enum err write_in(struct sql_tx *tx, const struct sums *s, int64_t hour)
{
    enum err e = ERR_OK;
    for (const struct sum *sum = s->newest; sum && !e; sum = sum->next) {
        const struct usage_hour h = {.org = sum->taken.org,
                                     .hour = hour,
                                     .used = sum->taken.requests,
                                     .busiest_minute = sum->taken.busiest_minute};
        e = catalog_usage_add_rate_hour(tx, rates_key(sum->taken.kind), &h);
    }
    return e;
}

enum err rate_hours_write(struct rates *r, struct sql_db *db, const struct clock *clock)
{
    struct sums s = {.newest = NULL};
    struct sql_tx *tx;
    arena_init(&s.arena, ARENA_BYTES);
    map_init(&s.by_key, 0);
    enum err e = rates_collect(r, add, &s);
    if (!e && s.newest) {
        e = sql_begin(db, SQL_WRITE, &tx);
        if (!e) e = sql_end(tx, write_in(tx, &s, clock_wall_ns(clock) / NS_PER_HOUR));
    }
    map_done(&s.by_key);
    arena_done(&s.arena);
    return e;
}
