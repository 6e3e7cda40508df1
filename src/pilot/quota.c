/* Taking from the daily limits (see quota.h); what happens by the clock stands in quota_books.c. */
#include "pilot/quota.h"

#include "base/mem.h"
#include "pilot/quota_state.h"
#include "store/catalog_events.h"

#include <stdio.h>

enum { WARN_PERCENT = 90, BLOCK_PARTS = 200 /* 0.5 % */, REST_PARTS = 4 };

/* --- accounts ----------------------------------------------------------------------------------*/

static struct account *find(struct quota *q, uint64_t org)
{
    rwlock_read(&q->accounts_lock);
    struct account *a = map_get(&q->by_org, map_u64(&org));
    rwlock_release(&q->accounts_lock);
    return a;
}

static struct account *make(struct quota *q, uint64_t org)
{
    struct account *fresh = mem_zalloc(sizeof *fresh);
    if (!fresh) return NULL;
    fresh->org = org;
    for (int i = 0; i < LIMIT_DAILY; i++) atomic_store(&fresh->meters[i].day, -1);
    rwlock_write(&q->accounts_lock);
    struct account *there = map_get(&q->by_org, map_u64(&org));
    enum err e = there ? ERR_EXISTS : map_put(&q->by_org, map_u64(&fresh->org), fresh);
    if (!e) {
        atomic_store(&fresh->next, atomic_load(&q->newest));
        atomic_store(&q->newest, fresh);
    }
    rwlock_release(&q->accounts_lock);
    if (!e) return fresh;
    mem_free(fresh);
    return there;
}

struct account *quota_state_account(struct quota *q, int64_t org)
{
    struct account *a = find(q, (uint64_t)org);
    return a ? a : make(q, (uint64_t)org);
}

bool quota_state_begin(struct quota *q, struct meter *m)
{
    lock_take(&q->lock);
    bool mine = !m->asking;
    while (m->asking) cond_wait(&q->answered, &q->lock);
    if (mine) m->asking = true;
    lock_release(&q->lock);
    return mine;
}

void quota_state_end(struct quota *q, struct meter *m)
{
    lock_take(&q->lock);
    m->asking = false;
    cond_broadcast(&q->answered);
    lock_release(&q->lock);
}

/* --- what is left here -------------------------------------------------------------------------*/

static bool take_left(struct meter *m, int64_t n)
{
    int64_t left = atomic_load_explicit(&m->left, memory_order_relaxed);
    while (left >= n)
        if (atomic_compare_exchange_weak_explicit(&m->left, &left, left - n, memory_order_relaxed,
                                                  memory_order_relaxed))
            return true;
    return false;
}

static void describe(const struct quota *q, const struct meter *m, struct quota_state *ret)
{
    int64_t left = atomic_load(&m->left);
    ret->max = atomic_load(&m->unlimited) ? 0 : atomic_load(&m->max);
    ret->remaining = atomic_load(&m->rest) + (left > 0 ? left : 0);
    ret->reset_ns = NS_PER_DAY - clock_wall_ns(q->opts.clock) % NS_PER_DAY;
}

/* ERR_MORE: memory alone cannot tell. */
static enum err take_here(struct quota *q, struct meter *m, int64_t n)
{
    if (atomic_load_explicit(&m->day, memory_order_acquire) != quota_state_day(q)) return ERR_MORE;
    if (atomic_load_explicit(&m->stale, memory_order_relaxed)) return ERR_MORE;
    if (atomic_load_explicit(&m->unlimited, memory_order_relaxed))
        atomic_fetch_sub_explicit(&m->left, n, memory_order_relaxed);
    else if (!take_left(m, n)) {
        if (n > atomic_load(&m->max)) return ERR_TOOLARGE;
        bool known = clock_mono_ns(q->opts.clock) < atomic_load(&m->rest_until_ns);
        return known && n > atomic_load(&m->rest) + atomic_load(&m->left) ? ERR_RATE : ERR_MORE;
    }
    atomic_fetch_add_explicit(&m->taken, n, memory_order_relaxed);
    return ERR_OK;
}

/* --- asking the store --------------------------------------------------------------------------*/

struct ask {
    struct quota *q;
    struct sql_tx *tx;
    int64_t org;
    enum limit what;
    struct meter *m;
    int64_t day, n;
    /* what came of it */
    int64_t settled; /* taken out of `left`; goes back into it when the commit fails */
    int64_t max, rest, block;
};

enum err quota_state_settle(struct sql_tx *tx, int64_t org, struct meter *m, enum limit what,
                            int64_t *ret_taken)
{
    int64_t left = atomic_exchange(&m->left, 0);
    *ret_taken = left;
    if (!left || atomic_load(&m->day) < 0) return ERR_OK;
    return catalog_usage_add(tx, org, atomic_load(&m->day), what, -left);
}

static int64_t block_of(int64_t max, int64_t rest)
{
    int64_t block = max / BLOCK_PARTS, quarter = rest / REST_PARTS;
    if (quarter < block) block = quarter;
    if (block < 1 && rest > 0) block = 1;
    return block;
}

static enum err warn(const struct ask *k, int64_t used)
{
    char id[24], description[128], metadata[160];
    const char *key = limit_key(k->what);
    int n = snprintf(id, sizeof id, "%lld", (long long)k->org);
    int d = snprintf(description, sizeof description, "%s: %lld of %lld", key, (long long)used,
                     (long long)k->max);
    int m = snprintf(metadata, sizeof metadata, "{\"limit\":\"%s\",\"max\":%lld,\"used\":%lld}",
                     key, (long long)k->max, (long long)used);
    struct event event = {.org = k->org,
                          .type = BYTES(QUOTA_EVENT_WARNING),
                          .severity = EVENT_WARNING,
                          .entity_type = BYTES("ORGANIZATION"),
                          .entity_id = bytes_of(id, (size_t)n),
                          .title = BYTES("90 % of a daily limit are used"),
                          .description = bytes_of(description, (size_t)d),
                          .metadata = bytes_of(metadata, (size_t)m),
                          .actor = BYTES("system"),
                          .created_ns = clock_wall_ns(k->q->opts.clock)};
    enum err e = catalog_events_append(k->tx, &event);
    return e ? e : catalog_usage_set_warned(k->tx, k->org, k->day, k->what);
}

/* Keeps Q1, Q2 and Q3. */
static enum err charge(struct ask *k)
{
    struct usage_day used;
    enum err e = catalog_usage_day(k->tx, k->org, k->day, k->what, &used);
    if (e) return e;
    k->rest = k->max > used.used ? k->max - used.used : 0;
    bool fits = k->n <= k->rest;
    if (fits) {
        k->rest -= k->n;
        k->block = block_of(k->max, k->rest);
        k->rest -= k->block;
        used.used += k->n;
        e = catalog_usage_add(k->tx, k->org, k->day, k->what, k->n + k->block);
    }
    if (!e && !used.warned && used.used * 100 >= k->max * WARN_PERCENT) e = warn(k, used.used);
    if (e || fits) return e;
    return k->n > k->max ? ERR_TOOLARGE : ERR_RATE;
}

/* What is left goes back first, so that a limit that has become smaller counts at once, and what a
 * request is short of is charged with the rest. */
static enum err ask_in(struct ask *k)
{
    enum err e = quota_state_settle(k->tx, k->org, k->m, k->what, &k->settled);
    if (!e) e = limits_find(k->q->opts.limits, k->tx, k->org, k->what, &k->max);
    if (e || !k->max) return e;
    return charge(k);
}

/* A refusal commits, too: what was settled is in the books. */
static enum err ask_store(struct ask *k)
{
    struct meter *m = k->m;
    atomic_store(&m->stale, false); /* before the limits are read: a change meanwhile counts */
    enum err e = sql_begin(k->q->opts.db, SQL_WRITE, &k->tx);
    if (e) {
        atomic_store(&m->stale, true);
        return e;
    }
    enum err said = ask_in(k);
    bool refused = said == ERR_RATE || said == ERR_TOOLARGE;
    e = sql_end(k->tx, refused ? ERR_OK : said);
    if (e) { /* not known whether it happened: Q1 wants it to count, a debt wants to be paid */
        if (k->settled < 0) atomic_fetch_add(&m->left, k->settled);
        atomic_store(&m->stale, true);
        return e;
    }
    atomic_store(&m->max, k->max);
    atomic_store(&m->unlimited, !k->max);
    atomic_store(&m->rest, k->rest);
    atomic_store(&m->rest_until_ns, refused ? clock_mono_ns(k->q->opts.clock) + QUOTA_REST_NS : 0);
    atomic_fetch_add(&m->left, k->max ? k->block : -k->n);
    atomic_store_explicit(&m->day, k->day, memory_order_release);
    if (!refused) atomic_fetch_add(&m->taken, k->n);
    return said;
}

static enum err take_there(struct quota *q, int64_t org, enum limit what, struct meter *m,
                           int64_t n)
{
    enum err e = ERR_MORE;
    while (e == ERR_MORE && !quota_state_begin(q, m)) e = take_here(q, m, n);
    if (e != ERR_MORE) return e;
    /* Somebody may have leased between our look and our turn. */
    e = take_here(q, m, n);
    if (e == ERR_MORE) {
        struct ask k = {
            .q = q, .org = org, .what = what, .m = m, .day = quota_state_day(q), .n = n};
        e = ask_store(&k);
    }
    quota_state_end(q, m);
    return e;
}

enum err quota_take(struct quota *q, int64_t org, enum limit what, int64_t n, bool may_block,
                    struct quota_state *ret)
{
    struct account *a = quota_state_account(q, org);
    if (!a) return ERR_NOMEM;
    struct meter *m = quota_state_meter(a, what);
    enum err e = n > 0 ? take_here(q, m, n) : ERR_OK;
    if (e == ERR_MORE && may_block) e = take_there(q, org, what, m, n);
    describe(q, m, ret);
    return e;
}

void quota_give(struct quota *q, int64_t org, enum limit what, int64_t n)
{
    if (n <= 0) return;
    struct account *a = find(q, (uint64_t)org);
    if (!a) return;
    struct meter *m = quota_state_meter(a, what);
    atomic_fetch_add(&m->left, n);
    atomic_fetch_sub(&m->taken, n);
}

/* --- life --------------------------------------------------------------------------------------*/

void quota_changed(struct quota *q, int64_t org)
{
    for (struct account *a = atomic_load(&q->newest); a; a = atomic_load(&a->next))
        for (int i = 0; i < LIMIT_DAILY && (!org || a->org == (uint64_t)org); i++)
            atomic_store(&a->meters[i].stale, true);
}

enum err quota_new(struct quota **ret, const struct quota_opts *opts)
{
    struct quota *q = mem_zalloc(sizeof *q);
    if (!q) return ERR_NOMEM;
    q->opts = *opts;
    rwlock_init(&q->accounts_lock, LOCK_RANK_QUOTA);
    lock_init(&q->lock, LOCK_RANK_QUOTA);
    cond_init(&q->answered);
    map_init(&q->by_org, 0);
    *ret = q;
    return ERR_OK;
}
