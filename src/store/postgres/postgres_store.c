/* The PostgreSQL telemetry store opens, and what its parts share (see postgres_store.h). */
#include "store/postgres/postgres_store.h"

#include "base/mem.h"
#include "store/nodes.h"
#include "store/postgres/postgres_call.h"
#include "store/postgres/postgres_state.h"

#include <stdio.h>

enum { HOURS_AT_ONCE = 200 };
#define CUTOFFS_EVERY_NS (2 * NS_PER_S) /* how long another node's retention may be unseen */
#define SIZES_EVERY_NS   NS_PER_MINUTE

/* --- retention's edge ------------------------------------------------------------------------- */

static enum err store_cutoffs(struct postgres_store *s, const PGresult *r)
{
    size_t n = (size_t)PQntuples(r);
    struct org_cutoff *fresh = mem_array(n ? n : 1, sizeof *fresh), *old;
    if (!fresh) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        struct sql_value org = SQL_NULL, raw = SQL_NULL;
        if (!postgres_wire_read(r, (int)i, 0, &org) || !postgres_wire_read(r, (int)i, 1, &raw))
            continue;
        fresh[i] = (struct org_cutoff){(uint64_t)org.as.i, raw.as.i};
    }
    rwlock_write(&s->lock);
    old = s->cutoffs;
    s->cutoffs = fresh;
    s->cutoff_count = n;
    rwlock_release(&s->lock);
    mem_free(old);
    atomic_store(&s->cutoffs_read_ns, clock_mono_ns(s->clock));
    return ERR_OK;
}

enum err postgres_store_read_cutoffs(struct postgres_store *s)
{
    struct postgres_call call =
        POSTGRES_CALL("SELECT org, raw_ns FROM telemetry_cutoffs ORDER BY org");
    struct postgres_conn *c;
    struct why why = {""};
    PGresult *r = NULL;
    enum err e = postgres_pool_take(s->pool, &c, &why);
    if (e) return e;
    e = postgres_call_one(c, &call, &r, &why);
    postgres_pool_give(s->pool, c);
    if (e) return e;
    e = store_cutoffs(s, r);
    PQclear(r);
    return e;
}

int64_t postgres_store_cutoff(struct postgres_store *s, int64_t org)
{
    int64_t now_ns = clock_mono_ns(s->clock), cutoff = INT64_MIN;
    if (now_ns - atomic_load(&s->cutoffs_read_ns) > CUTOFFS_EVERY_NS) {
        atomic_store(&s->cutoffs_read_ns, now_ns); /* others go on with what is known */
        enum err ignored = postgres_store_read_cutoffs(s);
        (void)ignored; /* the statement that follows fails for the same reason */
    }
    rwlock_read(&s->lock);
    size_t low = 0, high = s->cutoff_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->cutoffs[middle].org < (uint64_t)org)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < s->cutoff_count && s->cutoffs[low].org == (uint64_t)org)
        cutoff = s->cutoffs[low].raw_ns;
    rwlock_release(&s->lock);
    return cutoff;
}

/* --- the store -------------------------------------------------------------------------------- */

/* What is durable on PostgreSQL is sealed: there is nothing to do. */
static enum err postgres_seal(struct telemetry *t)
{
    (void)t;
    return ERR_OK;
}

/* What readings and hours take on the server's disk, with their indexes. */
static enum err read_sizes(struct postgres_store *s)
{
    struct postgres_call call =
        POSTGRES_CALL("SELECT (SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint "
                      "FROM pg_inherits WHERE inhparent = 'telemetry_records'::regclass), "
                      "pg_total_relation_size('telemetry_hours')");
    struct postgres_conn *c;
    struct why why = {""};
    struct sql_value raw = SQL_NULL, rollups = SQL_NULL;
    PGresult *r = NULL;
    enum err e = postgres_pool_take(s->pool, &c, &why);
    if (e) return e;
    e = postgres_call_one(c, &call, &r, &why);
    postgres_pool_give(s->pool, c);
    if (!e && postgres_wire_read(r, 0, 0, &raw) && postgres_wire_read(r, 0, 1, &rollups)) {
        atomic_store(&s->raw_bytes, (uint64_t)raw.as.i);
        atomic_store(&s->rollup_bytes, (uint64_t)rollups.as.i);
    }
    PQclear(r);
    return e;
}

static enum err postgres_maintain(struct telemetry *t)
{
    struct postgres_store *s = postgres_store_of(t);
    size_t n;
    int64_t now_ns = clock_mono_ns(s->clock), read_ns = atomic_load(&s->sizes_read_ns);
    enum err e = ERR_OK;
    postgres_pool_maintain(s->pool);
    if (atomic_exchange(&s->memory.unsure, false)) {
        struct why why;
        e = postgres_memory_load(s, &why);
        if (e) atomic_store(&s->memory.unsure, true);
    }
    if (!read_ns || now_ns - read_ns > SIZES_EVERY_NS) {
        enum err read = read_sizes(s);
        if (!read) atomic_store(&s->sizes_read_ns, now_ns);
        if (!e) e = read;
    }
    if (!nodes_lead(s->nodes)) return e;
    enum err made = postgres_partitions_maintain(s);
    enum err summed = postgres_hours_sum_up(s, 0, INT64_MAX, HOURS_AT_ONCE, &n);
    return e ? e : made ? made : summed;
}

enum err postgres_store_sum_up(struct telemetry *t, size_t *ret_n)
{
    return postgres_hours_sum_up(postgres_store_of(t), 0, INT64_MAX, HOURS_AT_ONCE, ret_n);
}

/* --- other servers ---------------------------------------------------------------------------- */

static void collect_values(struct memory_change *c, const struct record_set *set)
{
    for (size_t i = 0; i < set->record_count; i++) {
        const struct record *r = &set->records[i];
        for (uint32_t k = 0; k < r->count; k++) {
            const struct point *p = &set->points[r->first + k];
            c->values[c->value_count++] =
                (struct memory_value){{r->org, p->series}, r->device, r->ts_ns, p->value, NULL};
        }
    }
}

static void postgres_heard(struct telemetry *t, const struct record_set *set)
{
    struct postgres_store *s = postgres_store_of(t);
    size_t unclear = 0;
    struct memory_change c = {.values = mem_array(set->point_count + 1, sizeof *c.values)};
    if (!c.values) {
        atomic_store(&s->memory.unsure, true);
        return;
    }
    collect_values(&c, set);
    postgres_memory_heard(&s->memory, &c, &unclear);
    if (unclear) postgres_memory_settle_all(s, &c);
    mem_free(c.values);
}

static enum err postgres_reread(struct telemetry *t)
{
    struct postgres_store *s = postgres_store_of(t);
    struct why why;
    enum err e = postgres_store_read_cutoffs(s);
    if (!e) e = postgres_memory_load(s, &why);
    if (e) atomic_store(&s->memory.unsure, true);
    return e;
}

static void postgres_read_stats(struct telemetry *t, struct telemetry_stats *ret)
{
    struct postgres_store *s = postgres_store_of(t);
    *ret = (struct telemetry_stats){
        .points_written = atomic_load(&s->points),
        .records_written = atomic_load(&s->records),
        .groups_written = atomic_load(&s->groups),
        .points_dropped_by_retention = atomic_load(&s->dropped),
        .partitions_dropped = atomic_load(&s->partitions_dropped),
        .raw_bytes = atomic_load(&s->raw_bytes),
        .rollup_bytes = atomic_load(&s->rollup_bytes),
        .writable = !postgres_pool_read_stats(s->pool).away,
    };
    if (!ret->writable)
        snprintf(ret->unwritable_why, sizeof ret->unwritable_why, "PostgreSQL does not answer");
}

static void postgres_close(struct telemetry *t)
{
    if (!t) return;
    struct postgres_store *s = postgres_store_of(t);
    postgres_memory_done(&s->memory);
    rwlock_done(&s->lock);
    mem_free(s->cutoffs);
    mem_free(s);
}

void postgres_store_share(struct telemetry *t, struct nodes *nodes)
{
    struct postgres_store *s = postgres_store_of(t);
    s->nodes = s->memory.nodes = nodes;
    s->ops.heard = postgres_heard;
    s->ops.reread = postgres_reread;
}

enum err postgres_store_open(struct telemetry **ret, const struct postgres_store_opts *opts,
                             struct why *why)
{
    struct postgres_store *s = mem_zalloc(sizeof *s);
    if (!s) return why_say(why, ERR_NOMEM, "%s", err_sentence(ERR_NOMEM));
    s->ops = (struct telemetry_ops){
        .name = "postgres",
        .writers = opts->writers,
        .remote = true,
        .write = postgres_write,
        .scan_open = postgres_scan_open,
        .scan_next = postgres_scan_next,
        .scan_close = postgres_scan_close,
        .latest = postgres_latest,
        .rollups = postgres_rollups,
        .totals = postgres_totals,
        .retain = postgres_retain,
        .purge_device = postgres_purge_device,
        .seal = postgres_seal,
        .maintain = postgres_maintain,
        .read_stats = postgres_read_stats,
        .close = postgres_close,
        .edges = postgres_edges,
        .adopt = postgres_adopt,
        .records_open = postgres_records_open,
        .records_next = postgres_records_next,
        .records_close = postgres_records_close,
    };
    s->base.ops = &s->ops;
    s->pool = opts->pool;
    s->db = opts->db;
    s->clock = opts->clock;
    atomic_store(&s->summing_ns, INT64_MIN);
    rwlock_init(&s->lock, LOCK_RANK_STORE);
    postgres_memory_init(&s->memory);
    struct why unread = {""};
    enum err e = postgres_store_read_cutoffs(s);
    if (!e) e = postgres_memory_load(s, &unread);
    if (!e) e = postgres_partitions_open(s, &unread);
    if (e) {
        postgres_close(&s->base);
        return why_say(why, e, "PostgreSQL: the tables of readings cannot be read: %.120s",
                       unread.text[0] ? unread.text : err_sentence(e));
    }
    *ret = &s->base;
    return ERR_OK;
}
