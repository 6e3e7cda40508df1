/* A group of record sets becomes one or two statements in one round trip and one transaction:
 *
 *   records, sorted and merged ──> telemetry_records   last write wins, value by value (T3)
 *   hours not known as stale  ──> telemetry_stale      each row locked until the commit, so that
 *                                                      nobody sums the hour up without these values
 *
 * and, committed, the newest values of memory (postgres_memory.h). Rows go in the order of their
 * keys: two writers never wait for each other in a circle. */
#include "base/mem.h"
#include "store/nodes.h"
#include "store/postgres/postgres_array.h"
#include "store/postgres/postgres_call.h"
#include "store/postgres/postgres_state.h"

#include <stdlib.h>

enum { ARENA_BYTES = 1 << 30, TRIES = 3 };

static const char records_sql[] =
    "INSERT INTO telemetry_records (org, device, ts_ns, series, value) "
    "SELECT o, d, t, ($6)[f::int:l::int], ($7)[f::int:l::int] "
    "FROM unnest($1, $2, $3, $4, $5) AS r (o, d, t, f, l) "
    "ON CONFLICT (org, device, ts_ns) DO UPDATE SET (series, value) = (SELECT m.series, m.value "
    "FROM telemetry_merge(telemetry_records.series, telemetry_records.value, "
    "EXCLUDED.series, EXCLUDED.value) AS m)";
static const char stale_sql[] =
    "INSERT INTO telemetry_stale (org, device, hour_ns) SELECT * FROM unnest($1, $2, $3) "
    "ON CONFLICT (org, device, hour_ns) DO UPDATE SET hour_ns = EXCLUDED.hour_ns";

struct row {
    int64_t org, device, ts_ns;
    size_t order; /* of writing */
    const struct point *points;
    size_t count;
};

/* Columns of the three statements; all of them in the arena. */
struct columns {
    struct arena arena;
    struct row *rows;
    size_t row_count, point_count;

    int64_t *org, *device, *ts, *first, *last; /* n of them */
    size_t n;
    int64_t *series; /* m of them */
    double *value;
    size_t m;

    struct memory_change change; /* newest of each series; hours, ascending */
};

/* --- sorting ---------------------------------------------------------------------------------- */

static int compare_ints(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int c = compare_ints(x->org, y->org);
    if (!c) c = compare_ints(x->device, y->device);
    if (!c) c = compare_ints(x->ts_ns, y->ts_ns);
    return c ? c : (x->order > y->order) - (x->order < y->order);
}

static bool same_key(const struct row *a, const struct row *b)
{
    return a->org == b->org && a->device == b->device && a->ts_ns == b->ts_ns;
}

static enum err collect_rows(struct postgres_store *s, struct columns *c,
                             const struct record_set *const *sets, size_t n)
{
    size_t records = 0;
    for (size_t i = 0; i < n; i++) records += sets[i]->record_count;
    c->rows = arena_array(&c->arena, records ? records : 1, sizeof *c->rows);
    if (!c->rows) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < sets[i]->record_count; k++) {
            const struct record *r = &sets[i]->records[k];
            if (!r->count || r->ts_ns < postgres_store_cutoff(s, r->org)) continue;
            c->rows[c->row_count] = (struct row){
                r->org, r->device, r->ts_ns, c->row_count, sets[i]->points + r->first, r->count};
            c->row_count++;
            c->point_count += r->count;
        }
    qsort(c->rows, c->row_count, sizeof *c->rows, compare_rows);
    return ERR_OK;
}

/* --- merging ---------------------------------------------------------------------------------- */

/* Puts one value into the row that begins at `from`, which stays ascending; later ones win. Most
 * devices send their variables in the same order, so this is mostly an append. */
static void put_value(struct columns *c, size_t from, const struct point *p)
{
    size_t at = c->m;
    while (at > from && c->series[at - 1] > p->series) at--;
    if (at > from && c->series[at - 1] == p->series) {
        c->value[at - 1] = p->value;
        return;
    }
    memmove(c->series + at + 1, c->series + at, (c->m - at) * sizeof *c->series);
    memmove(c->value + at + 1, c->value + at, (c->m - at) * sizeof *c->value);
    c->series[at] = p->series;
    c->value[at] = p->value;
    c->m++;
}

static enum err merge_rows(struct columns *c)
{
    size_t n = c->row_count ? c->row_count : 1;
    int64_t **arrays[] = {&c->org, &c->device, &c->ts, &c->first, &c->last};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        if (!(*arrays[i] = arena_array(&c->arena, n, sizeof(int64_t)))) return ERR_NOMEM;
    c->series = arena_array(&c->arena, c->point_count + 1, sizeof *c->series);
    c->value = arena_array(&c->arena, c->point_count + 1, sizeof *c->value);
    if (!c->series || !c->value) return ERR_NOMEM;
    for (size_t i = 0; i < c->row_count;) {
        const struct row *r = &c->rows[i];
        size_t from = c->m;
        for (; i < c->row_count && same_key(r, &c->rows[i]); i++)
            for (size_t k = 0; k < c->rows[i].count; k++) put_value(c, from, &c->rows[i].points[k]);
        c->org[c->n] = r->org;
        c->device[c->n] = r->device;
        c->ts[c->n] = r->ts_ns;
        c->first[c->n] = (int64_t)from + 1; /* arrays begin at 1 there */
        c->last[c->n++] = (int64_t)c->m;
    }
    return ERR_OK;
}

/* Rows of a device ascend in time: the last one seen of a series is its newest. */
static enum err find_newest(struct columns *c)
{
    struct map map;
    enum err e = ERR_OK;
    map_init(&map, 0);
    c->change.values = arena_array(&c->arena, c->m ? c->m : 1, sizeof *c->change.values);
    if (!c->change.values) return ERR_NOMEM;
    for (size_t i = 0; i < c->n && !e; i++)
        for (size_t k = (size_t)c->first[i] - 1; k < (size_t)c->last[i] && !e; k++) {
            struct memory_value *fresh = &c->change.values[c->change.value_count];
            *fresh = (struct memory_value){
                {c->org[i], c->series[k]}, c->device[i], c->ts[i], c->value[k], NULL};
            struct bytes key = bytes_of(fresh->key, sizeof fresh->key);
            struct memory_value *known = map_get(&map, key);
            if (known) {
                known->ts_ns = fresh->ts_ns;
                known->value = fresh->value;
            } else {
                e = map_put(&map, key, fresh);
                c->change.value_count++;
            }
        }
    map_done(&map);
    return e;
}

static enum err find_hours(struct columns *c)
{
    c->change.hours = arena_array(&c->arena, c->n ? c->n : 1, sizeof *c->change.hours);
    if (!c->change.hours) return ERR_NOMEM;
    for (size_t i = 0; i < c->n; i++) {
        size_t k = c->change.hour_count;
        const struct memory_hour hour = {c->org[i], c->device[i], rollup_hour(c->ts[i]), NULL,
                                         false};
        const struct memory_hour *before = k ? &c->change.hours[k - 1] : NULL;
        if (before && before->org == hour.org && before->device == hour.device &&
            before->hour_ns == hour.hour_ns)
            continue;
        c->change.hours[c->change.hour_count++] = hour;
    }
    return ERR_OK;
}

/* --- sending ---------------------------------------------------------------------------------- */

static bool add_ints(struct postgres_args *args, struct arena *a, const int64_t *v, size_t n)
{
    struct bytes array = postgres_array_of_ints(a, v, n);
    postgres_wire_add_ints(args, array);
    return array.p != NULL;
}

static bool bind_records(struct postgres_call *call, struct columns *c)
{
    const int64_t *ints[] = {c->org, c->device, c->ts, c->first, c->last};
    bool fine = true;
    *call = (struct postgres_call)POSTGRES_CALL(records_sql);
    for (size_t i = 0; i < 5 && fine; i++) fine = add_ints(&call->args, &c->arena, ints[i], c->n);
    fine = fine && add_ints(&call->args, &c->arena, c->series, c->m);
    struct bytes values = postgres_array_of_reals(&c->arena, c->value, c->m);
    postgres_wire_add_reals(&call->args, values);
    return fine && values.p;
}

/* The hours that are not known to stand there, or all of them; *ret_n of them. */
static bool bind_stale(struct postgres_call *call, struct columns *c, bool all, size_t *ret_n)
{
    int64_t *ints[3];
    size_t n = 0;
    for (int i = 0; i < 3; i++)
        if (!(ints[i] = arena_array(&c->arena, c->change.hour_count + 1, sizeof(int64_t))))
            return false;
    for (size_t i = 0; i < c->change.hour_count; i++) {
        const struct memory_hour *h = &c->change.hours[i];
        if (h->known && !all) continue;
        ints[0][n] = h->org;
        ints[1][n] = h->device;
        ints[2][n++] = h->hour_ns;
    }
    *ret_n = n;
    *call = (struct postgres_call)POSTGRES_CALL(stale_sql);
    bool fine = true;
    for (int i = 0; i < 3 && fine; i++) fine = add_ints(&call->args, &c->arena, ints[i], n);
    return fine;
}

static enum err send_calls(struct postgres_store *s, struct postgres_call *calls, size_t n,
                           struct why *why)
{
    enum err e = ERR_OK;
    for (int i = 0; i < TRIES; i++) {
        struct postgres_conn *conn;
        if ((e = postgres_pool_take(s->pool, &conn, why))) break;
        e = postgres_call_all(conn, calls, n, why);
        postgres_pool_give(s->pool, conn);
        /* a deadlock with somebody else's statement, or a connection that broke: the same values
         * once more change nothing if they are there already */
        if (e != ERR_LOCKED && e != ERR_IO) break;
    }
    if (e) {
        atomic_store(&s->memory.unsure, true); /* it may have been done all the same */
        nodes_tell(s->nodes, NODES_UNSURE, bytes_str(""));
    }
    return e;
}

/* Something else began to sum up hours that were left out as known. */
static enum err mark_again(struct postgres_store *s, struct columns *c, struct why *why)
{
    struct postgres_call call;
    size_t n;
    if (!bind_stale(&call, c, true, &n)) return ERR_NOMEM;
    return send_calls(s, &call, 1, why);
}

static enum err make_partitions(struct postgres_store *s, struct columns *c, struct why *why)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < c->n && !e; i++) e = postgres_partitions_make(s, c->ts[i], why);
    return e;
}

static enum err send_columns(struct postgres_store *s, struct columns *c, struct why *why)
{
    struct postgres_call *calls = arena_zalloc(&c->arena, 2 * sizeof *calls);
    size_t stale = 0;
    bool bound = calls && bind_records(&calls[0], c) && bind_stale(&calls[1], c, false, &stale);
    if (!bound) return why_say(why, ERR_NOMEM, "%s", err_sentence(ERR_NOMEM));
    enum err e = ERR_OK;
    e = make_partitions(s, c, why);
    if (!e) e = send_calls(s, calls, stale ? 2 : 1, why);
    if (e == ERR_INVALID) { /* another node dropped one that was known to be there */
        postgres_partitions_forget(s);
        e = make_partitions(s, c, why);
        if (!e) e = send_calls(s, calls, stale ? 2 : 1, why);
    }
    size_t unclear = 0;
    if (!e && postgres_memory_committed(&s->memory, &c->change, &unclear))
        e = mark_again(s, c, why);
    if (unclear) postgres_memory_settle_all(s, &c->change);
    return e;
}

enum err postgres_write(struct telemetry *t, const struct record_set *const *sets, size_t n,
                        struct why *why)
{
    struct postgres_store *s = postgres_store_of(t);
    struct columns c = {.n = 0};
    arena_init(&c.arena, ARENA_BYTES);
    enum err e = collect_rows(s, &c, sets, n);
    if (!e) e = merge_rows(&c);
    if (!e) e = find_newest(&c);
    if (!e) e = find_hours(&c);
    if (!e) e = postgres_memory_prepare(&s->memory, &c.change);
    if (e) (void)why_say(why, e, "%s", err_sentence(e));
    if (!e && c.n) e = send_columns(s, &c, why);
    if (!e) {
        size_t points = 0, records = 0;
        for (size_t i = 0; i < n; i++) {
            nodes_tell_records(s->nodes, sets[i]);
            points += sets[i]->point_count;
            records += sets[i]->record_count;
        }
        atomic_fetch_add(&s->points, points);
        atomic_fetch_add(&s->records, records);
        atomic_fetch_add(&s->groups, 1);
    }
    arena_done(&c.arena);
    return e;
}
