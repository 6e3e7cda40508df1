/* Retention per organisation (see retention.h). */
#include "ingest/retention.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "sys/lock.h"

struct entry {
    uint64_t org; /* the map's key */
    int64_t days;
};

struct retention {
    struct rwlock lock; /* guards all below */
    int64_t default_days;
    struct map entries;
};

enum err retention_new(struct retention **ret, int64_t default_days)
{
    struct retention *r = mem_zalloc(sizeof *r);
    if (!r) return ERR_NOMEM;
    rwlock_init(&r->lock, LOCK_RANK_SECURITY);
    r->default_days = default_days;
    map_init(&r->entries, 0);
    *ret = r;
    return ERR_OK;
}

void retention_free(struct retention *r)
{
    if (!r) return;
    size_t at = 0;
    for (struct map_slot *s; (s = map_next(&r->entries, &at));) mem_free(s->value);
    map_done(&r->entries);
    rwlock_done(&r->lock);
    mem_free(r);
}

void retention_set_default(struct retention *r, int64_t days)
{
    rwlock_write(&r->lock);
    r->default_days = days;
    rwlock_release(&r->lock);
}

enum err retention_set(struct retention *r, int64_t org, int64_t days)
{
    struct entry *fresh = mem_alloc(sizeof *fresh);
    if (!fresh) return ERR_NOMEM;
    *fresh = (struct entry){(uint64_t)org, days};
    rwlock_write(&r->lock);
    struct entry *old = map_get(&r->entries, map_u64(&fresh->org));
    enum err e = map_put(&r->entries, map_u64(&fresh->org), fresh);
    rwlock_release(&r->lock);
    mem_free(e ? fresh : old);
    return e;
}

void retention_clear(struct retention *r, int64_t org)
{
    uint64_t key = (uint64_t)org;
    rwlock_write(&r->lock);
    struct entry *old = map_remove(&r->entries, map_u64(&key));
    rwlock_release(&r->lock);
    mem_free(old);
}

int64_t retention_days(struct retention *r, int64_t org, bool *ret_own)
{
    uint64_t key = (uint64_t)org;
    rwlock_read(&r->lock);
    const struct entry *own = map_get(&r->entries, map_u64(&key));
    int64_t days = own ? own->days : r->default_days;
    rwlock_release(&r->lock);
    *ret_own = own != NULL;
    return days;
}

int64_t retention_cutoff_ns(struct retention *r, int64_t org, int64_t now_ns)
{
    uint64_t key = (uint64_t)org;
    rwlock_read(&r->lock);
    struct entry *own = map_get(&r->entries, map_u64(&key));
    int64_t days = own ? own->days : r->default_days;
    rwlock_release(&r->lock);
    int64_t span, cutoff;
    if (days <= 0 || __builtin_mul_overflow(days, NS_PER_DAY, &span) ||
        __builtin_sub_overflow(now_ns, span, &cutoff))
        return INT64_MIN;
    return cutoff - cutoff % NS_PER_HOUR;
}
