/* Newest values and marked hours (see postgres_memory.h). */
#include "store/postgres/postgres_memory.h"

#include "base/mem.h"
#include "store/nodes.h"
#include "store/postgres/postgres_array.h"
#include "store/postgres/postgres_call.h"
#include "store/postgres/postgres_state.h"

void postgres_memory_init(struct postgres_memory *m)
{
    rwlock_init(&m->lock, LOCK_RANK_STORE);
    map_init(&m->newest, 0);
    map_init(&m->marked, 0);
    atomic_store(&m->summed_below_ns, INT64_MIN);
}

static void free_values(struct map *m)
{
    size_t at = 0;
    for (struct map_slot *slot; (slot = map_next(m, &at));) mem_free(slot->value);
    map_done(m);
}

void postgres_memory_done(struct postgres_memory *m)
{
    free_values(&m->newest);
    free_values(&m->marked);
    rwlock_done(&m->lock);
}

/* With the lock to write; NULL without memory. */
static struct newest_entry *newest_of(struct postgres_memory *m, const int64_t key[2],
                                      int64_t device)
{
    struct newest_entry *e = map_get(&m->newest, bytes_of(key, 16));
    if (e) return e;
    if (!(e = mem_alloc(sizeof *e))) return NULL;
    *e = (struct newest_entry){{key[0], key[1]}, device, INT64_MIN, 0, 0};
    if (!map_put(&m->newest, bytes_of(e->key, sizeof e->key), e)) return e;
    mem_free(e);
    return NULL;
}

static struct marked_device *marked_of(struct postgres_memory *m, int64_t org, int64_t device)
{
    const int64_t key[2] = {org, device};
    struct marked_device *e = map_get(&m->marked, bytes_of(key, sizeof key));
    if (e) return e;
    if (!(e = mem_alloc(sizeof *e))) return NULL;
    *e = (struct marked_device){{org, device}, {INT64_MIN, INT64_MIN}};
    if (!map_put(&m->marked, bytes_of(e->key, sizeof e->key), e)) return e;
    mem_free(e);
    return NULL;
}

enum { SETTLE_MAX = 100 }; /* times one value is read again because somebody wrote meanwhile */

/* --- a write ---------------------------------------------------------------------------------- */

/* With the lock to read; how many were not found. */
static size_t look_up(struct postgres_memory *m, struct memory_change *c)
{
    size_t missing = 0;
    for (size_t i = 0; i < c->value_count; i++) {
        struct memory_value *v = &c->values[i];
        v->entry = map_get(&m->newest, bytes_of(v->key, sizeof v->key));
        missing += !v->entry;
    }
    for (size_t i = 0; i < c->hour_count; i++) {
        struct memory_hour *h = &c->hours[i];
        const int64_t key[2] = {h->org, h->device};
        h->entry = map_get(&m->marked, bytes_of(key, sizeof key));
        missing += !h->entry;
    }
    return missing;
}

/* With the lock to write. */
static enum err add_missing(struct postgres_memory *m, struct memory_change *c)
{
    for (size_t i = 0; i < c->value_count; i++) {
        struct memory_value *v = &c->values[i];
        if (!v->entry && !(v->entry = newest_of(m, v->key, v->device))) return ERR_NOMEM;
    }
    for (size_t i = 0; i < c->hour_count; i++) {
        struct memory_hour *h = &c->hours[i];
        if (!h->entry && !(h->entry = marked_of(m, h->org, h->device))) return ERR_NOMEM;
    }
    return ERR_OK;
}

static bool is_marked(const struct memory_hour *h, int64_t summed_below_ns)
{
    if (h->hour_ns < summed_below_ns) return false;
    for (int i = 0; i < MARKED_HOURS; i++)
        if (h->entry->hours[i] == h->hour_ns) return true;
    return false;
}

/* Below it marks are not trusted; nobody tells us while nobody is heard. */
static int64_t summed_below(struct postgres_memory *m)
{
    int64_t own = atomic_load(&m->summed_below_ns);
    if (!m->nodes) return own;
    if (!nodes_hears(m->nodes)) return INT64_MAX;
    int64_t others = atomic_load(&m->nodes->summed_below_ns);
    return own > others ? own : others;
}

enum err postgres_memory_prepare(struct postgres_memory *m, struct memory_change *c)
{
    int64_t summed = summed_below(m);
    enum err e = ERR_OK;
    rwlock_read(&m->lock);
    size_t missing = look_up(m, c);
    c->begun = m->stamp;
    rwlock_release(&m->lock);
    if (missing) {
        rwlock_write(&m->lock);
        e = add_missing(m, c);
        rwlock_release(&m->lock);
    }
    if (e) return e;
    rwlock_read(&m->lock);
    for (size_t i = 0; i < c->hour_count; i++) c->hours[i].known = is_marked(&c->hours[i], summed);
    rwlock_release(&m->lock);
    return ERR_OK;
}

/* The later hours are kept: new readings fall into them. */
static void keep_hour(struct marked_device *d, int64_t hour_ns)
{
    int least = 0;
    for (int i = 0; i < MARKED_HOURS; i++) {
        if (d->hours[i] == hour_ns) return;
        if (d->hours[i] < d->hours[least]) least = i;
    }
    if (d->hours[least] < hour_ns) d->hours[least] = hour_ns;
}

/* With the lock to write: the newest value, or one of the same time. True: as committed() says. */
static bool take_written(struct postgres_memory *m, const struct memory_value *v, uint64_t begun)
{
    struct newest_entry *e = v->entry;
    if (v->ts_ns < e->ts_ns) return false;
    bool unclear = v->ts_ns == e->ts_ns && e->stamp > begun;
    e->stamp = m->stamp;
    e->ts_ns = v->ts_ns;
    e->value = v->value;
    return unclear;
}

bool postgres_memory_committed(struct postgres_memory *m, struct memory_change *c,
                               size_t *ret_unclear)
{
    bool again = false;
    *ret_unclear = 0;
    rwlock_write(&m->lock);
    m->stamp++;
    for (size_t i = 0; i < c->value_count; i++) {
        bool unclear = take_written(m, &c->values[i], c->begun);
        if (!unclear) c->values[i].entry = NULL;
        *ret_unclear += unclear;
    }
    int64_t summed = summed_below(m);
    for (size_t i = 0; i < c->hour_count; i++) {
        const struct memory_hour *h = &c->hours[i];
        again = again || (h->known && h->hour_ns < summed);
        if (!h->known && h->hour_ns >= summed) keep_hour(h->entry, h->hour_ns);
    }
    rwlock_release(&m->lock);
    return again;
}

void postgres_memory_heard(struct postgres_memory *m, struct memory_change *c, size_t *ret_unclear)
{
    rwlock_write(&m->lock);
    m->stamp++;
    *ret_unclear = 0;
    for (size_t i = 0; i < c->value_count; i++) {
        struct memory_value *v = &c->values[i];
        struct newest_entry *e = newest_of(m, v->key, v->device);
        if (!e) atomic_store(&m->unsure, true); /* without memory: it is read again */
        bool unclear = e && e->ts_ns == v->ts_ns && memcmp(&e->value, &v->value, sizeof v->value);
        v->entry = unclear ? e : NULL;
        *ret_unclear += unclear;
        if (!e || v->ts_ns < e->ts_ns) continue;
        e->stamp = m->stamp;
        e->ts_ns = v->ts_ns;
        e->value = v->value;
    }
    rwlock_release(&m->lock);
}

void postgres_memory_note_summed(struct postgres_memory *m, int64_t below_ns)
{
    int64_t known = atomic_load(&m->summed_below_ns);
    while (known < below_ns && !atomic_compare_exchange_weak(&m->summed_below_ns, &known, below_ns))
        continue;
}

/* --- asking ----------------------------------------------------------------------------------- */

void postgres_memory_latest(struct postgres_memory *m, int64_t org, const int64_t *series, size_t n,
                            int64_t cutoff_ns, struct sample *ret)
{
    rwlock_read(&m->lock);
    for (size_t i = 0; i < n; i++) {
        const int64_t key[2] = {org, series[i]};
        const struct newest_entry *e = map_get(&m->newest, bytes_of(key, sizeof key));
        bool is_there = e && e->ts_ns != INT64_MIN && e->ts_ns >= cutoff_ns;
        ret[i] = is_there ? (struct sample){e->ts_ns, e->value} : (struct sample){INT64_MIN, 0};
    }
    rwlock_release(&m->lock);
}

void postgres_memory_forget(struct postgres_memory *m, int64_t org, int64_t device)
{
    const int64_t key[2] = {org, device};
    size_t at = 0;
    rwlock_write(&m->lock);
    for (struct map_slot *slot; (slot = map_next(&m->newest, &at));) {
        struct newest_entry *e = slot->value;
        if (e->key[0] == org && e->device == device) e->ts_ns = INT64_MIN;
    }
    struct marked_device *d = map_get(&m->marked, bytes_of(key, sizeof key));
    for (int i = 0; d && i < MARKED_HOURS; i++) d->hours[i] = INT64_MIN;
    rwlock_release(&m->lock);
}

/* --- reading the database --------------------------------------------------------------------- */

/* With the lock to write. Of the same time a record's value is the right one, unless it was
 * written over since the snapshot: by a write with a later stamp than `before`. */
static enum err take_value(struct postgres_memory *m, const int64_t key[2], int64_t device,
                           struct sample sample, uint64_t before)
{
    struct newest_entry *e = newest_of(m, key, device);
    if (!e) return ERR_NOMEM;
    if (sample.ts_ns > e->ts_ns || (sample.ts_ns == e->ts_ns && e->stamp < before)) {
        e->ts_ns = sample.ts_ns;
        e->value = sample.value;
    }
    return ERR_OK;
}

/* org, device, ts, series, value */
static enum err take_latest(struct postgres_memory *m, const PGresult *r, uint64_t before)
{
    (void)before; /* of an hour that is summed up, or stale and read from its records */
    struct sql_value v[5];
    for (int i = 0; i < 5; i++)
        if (!postgres_wire_read(r, 0, i, &v[i])) return ERR_INTERNAL;
    const int64_t key[2] = {v[0].as.i, v[3].as.i};
    return take_value(m, key, v[1].as.i, (struct sample){v[2].as.i, v[4].as.r}, 0);
}

/* org, device, ts, series[], value[] */
static enum err take_record(struct postgres_memory *m, const PGresult *r, uint64_t before)
{
    struct sql_value v[3];
    struct postgres_array ids, values;
    enum err e = ERR_OK;
    for (int i = 0; i < 3; i++)
        if (!postgres_wire_read(r, 0, i, &v[i])) return ERR_INTERNAL;
    if (!postgres_array_read(PQgetvalue(r, 0, 3), PQgetlength(r, 0, 3), &ids) ||
        !postgres_array_read(PQgetvalue(r, 0, 4), PQgetlength(r, 0, 4), &values))
        return ERR_INTERNAL;
    for (size_t i = 0; i < ids.n && i < values.n && !e; i++) {
        const int64_t key[2] = {v[0].as.i, postgres_array_int(&ids, i)};
        e = take_value(m, key, v[1].as.i,
                       (struct sample){v[2].as.i, postgres_array_real(&values, i)}, before);
    }
    return e;
}

typedef enum err take_row(struct postgres_memory *m, const PGresult *r, uint64_t before);

static enum err load(struct postgres_memory *m, struct postgres_conn *c, const char *sql,
                     take_row *take, uint64_t before, struct why *why)
{
    struct postgres_call call = POSTGRES_CALL(sql);
    enum err e = postgres_call_stream(c, &call, why);
    if (e) return e;
    for (PGresult *r; (r = PQgetResult(c->pg));) {
        if (!e) e = postgres_call_status(c, r, why);
        if (!e && PQresultStatus(r) == PGRES_SINGLE_TUPLE) {
            rwlock_write(&m->lock);
            e = take(m, r, before);
            rwlock_release(&m->lock);
        }
        PQclear(r);
    }
    postgres_call_end(&call, e);
    return e;
}

/* series[], value[] of the record, unless somebody wrote since it was asked for */
static bool take_settled(struct postgres_memory *m, const struct memory_value *v, const PGresult *r,
                         uint64_t before)
{
    struct postgres_array ids, values;
    if (PQntuples(r) != 1 ||
        !postgres_array_read(PQgetvalue(r, 0, 0), PQgetlength(r, 0, 0), &ids) ||
        !postgres_array_read(PQgetvalue(r, 0, 1), PQgetlength(r, 0, 1), &values))
        return true; /* purged meanwhile: there is nothing to be taken */
    rwlock_write(&m->lock);
    bool settled = v->entry->stamp == before || v->entry->ts_ns != v->ts_ns;
    for (size_t i = 0; i < ids.n && i < values.n && settled; i++)
        if (postgres_array_int(&ids, i) == v->key[1] && v->entry->ts_ns == v->ts_ns)
            v->entry->value = postgres_array_real(&values, i);
    rwlock_release(&m->lock);
    return settled;
}

static enum err settle_once(struct postgres_store *s, struct postgres_conn *c,
                            const struct memory_value *v, bool *ret_settled)
{
    struct postgres_call call = POSTGRES_CALL("SELECT series, value FROM telemetry_records "
                                              "WHERE org = $1 AND device = $2 AND ts_ns = $3");
    struct why why;
    PGresult *r = NULL;
    postgres_wire_add_int(&call.args, v->key[0]);
    postgres_wire_add_int(&call.args, v->device);
    postgres_wire_add_int(&call.args, v->ts_ns);
    rwlock_read(&s->memory.lock);
    uint64_t before = v->entry->stamp;
    rwlock_release(&s->memory.lock);
    enum err e = postgres_call_one(c, &call, &r, &why);
    *ret_settled = e || take_settled(&s->memory, v, r, before);
    PQclear(r);
    return e;
}

static enum err settle(struct postgres_store *s, const struct memory_value *v)
{
    struct postgres_conn *c;
    struct why why;
    bool settled = false;
    enum err e = postgres_pool_take(s->pool, &c, &why);
    if (e) return e;
    for (int i = 0; i < SETTLE_MAX && !settled && !e; i++) e = settle_once(s, c, v, &settled);
    postgres_pool_give(s->pool, c);
    return e || settled ? e : ERR_LOCKED; /* written on and on: who writes last settles it too */
}

void postgres_memory_settle_all(struct postgres_store *s, const struct memory_change *c)
{
    for (size_t i = 0; i < c->value_count; i++)
        if (c->values[i].entry && settle(s, &c->values[i])) atomic_store(&s->memory.unsure, true);
}

enum err postgres_memory_load(struct postgres_store *s, struct why *why)
{
    struct postgres_conn *c;
    enum err e = postgres_pool_take(s->pool, &c, why);
    if (e) return e;
    rwlock_read(&s->memory.lock);
    uint64_t before = s->memory.stamp + 1;
    rwlock_release(&s->memory.lock);
    /* one snapshot: an hour is stale in it, or its newest are in the table */
    e = postgres_call_plain(c, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", why);
    if (!e)
        e = load(&s->memory, c, "SELECT org, device, ts_ns, series, value FROM telemetry_latest",
                 take_latest, before, why);
    if (!e)
        e = load(&s->memory, c,
                 "SELECT r.org, r.device, r.ts_ns, r.series, r.value FROM telemetry_stale s "
                 "JOIN telemetry_records r ON r.org = s.org AND r.device = s.device "
                 "AND r.ts_ns >= s.hour_ns AND r.ts_ns < s.hour_ns + 3600000000000",
                 take_record, before, why);
    enum err ended = postgres_call_plain(c, e ? "ROLLBACK" : "COMMIT", why);
    postgres_pool_give(s->pool, c);
    return e ? e : ended;
}
