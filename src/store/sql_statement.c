/* The statements there are (see sql_statement.h): slots that are taken once and for ever, found by
 * the hash of their text. */
#include "store/sql_statement.h"

#include "base/bytes.h"

#include <stdio.h>

#define HOUR_NS (INT64_C(3600) * 1000000000)
enum { PLACES = 2 * SQL_STATEMENTS_MAX }; /* at most half full */

static struct sql_statement slots[SQL_STATEMENTS_MAX];
static struct sql_statement others = {
    .probe = PROBE_INIT(PROBE_SQL, "other statements"),
    .name = "other statements",
    .plan.busy = ATOMIC_FLAG_INIT,
};
static struct sql_statement *_Atomic places[PLACES];
static _Atomic size_t used; /* slots[0 .. used) are complete */
static atomic_flag adding = ATOMIC_FLAG_INIT;

/* --- finding ---------------------------------------------------------------------------------- */

/* "catalog_devices_find" of its own file, "catalog_events.count" of a helper in one. */
static void make_name(char ret[SQL_NAME_MAX], const char *file, const char *func)
{
    const char *slash = strrchr(file, '/');
    const char *stem = slash ? slash + 1 : file;
    size_t n = strcspn(stem, ".");
    if (strncmp(func, stem, n) == 0)
        snprintf(ret, SQL_NAME_MAX, "%s", func);
    else
        snprintf(ret, SQL_NAME_MAX, "%.*s.%s", (int)n, stem, func);
}

static struct sql_statement *look(uint64_t hash, struct sql_statement *_Atomic **ret_free)
{
    for (size_t i = 0; i < PLACES; i++) {
        struct sql_statement *_Atomic *at = &places[(hash + i) % PLACES];
        struct sql_statement *s = atomic_load_explicit(at, memory_order_acquire);
        *ret_free = at;
        if (!s || s->hash == hash) return s;
    }
    return NULL;
}

static struct sql_statement *add(const char *file, const char *func, struct bytes text,
                                 uint64_t hash)
{
    struct sql_statement *_Atomic *place;
    while (atomic_flag_test_and_set_explicit(&adding, memory_order_acquire)) continue;
    struct sql_statement *s = look(hash, &place);
    size_t n = atomic_load(&used);
    if (!s && n < SQL_STATEMENTS_MAX) {
        s = &slots[n];
        make_name(s->name, file, func);
        snprintf(s->text, sizeof s->text, "%.*s", (int)text.n, text.p);
        s->whole = text.n < sizeof s->text;
        s->hash = hash;
        s->probe.name = s->name;
        s->probe.kind = PROBE_SQL;
        atomic_store_explicit(place, s, memory_order_release); /* pairs with look()'s acquire */
        atomic_store(&used, n + 1);
    }
    atomic_flag_clear_explicit(&adding, memory_order_release);
    return s ? s : &others;
}

struct sql_statement *sql_statement_find(const char *file, const char *func, const char *text)
{
    struct sql_statement *_Atomic *place;
    struct bytes all = bytes_str(text);
    uint64_t hash = bytes_hash(all, 0);
    struct sql_statement *s = look(hash, &place);
    return s ? s : add(file, func, all, hash);
}

struct sql_statement *sql_statement_at(size_t i)
{
    size_t n = atomic_load(&used);
    if (i < n) return &slots[i];
    return i == n ? &others : NULL;
}

/* --- hours ------------------------------------------------------------------------------------ */

/* The first run of an hour empties what stood there a day ago. */
static struct sql_hour *hour_of(struct sql_statement *s, int64_t now_ns)
{
    int64_t number = now_ns / HOUR_NS + 1; /* 0: never used */
    struct sql_hour *h = &s->hours[number % SQL_HOURS];
    int64_t before = atomic_load_explicit(&h->number, memory_order_relaxed);
    if (before == number || !atomic_compare_exchange_strong(&h->number, &before, number)) return h;
    atomic_store_explicit(&h->count, 0, memory_order_relaxed);
    atomic_store_explicit(&h->total_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&h->slow, 0, memory_order_relaxed);
    atomic_store_explicit(&h->slow_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&h->max_ns, 0, memory_order_relaxed);
    return h;
}

static void bump(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static void count_hour(struct sql_statement *s, int64_t took_ns, bool slow)
{
    struct sql_hour *h = hour_of(s, probe_now());
    uint64_t ns = took_ns > 0 ? (uint64_t)took_ns : 0;
    bump(&h->count, 1);
    bump(&h->total_ns, ns);
    int64_t max = atomic_load_explicit(&h->max_ns, memory_order_relaxed);
    while (took_ns > max && !atomic_compare_exchange_weak(&h->max_ns, &max, took_ns)) continue;
    if (!slow) return;
    bump(&h->slow, 1);
    bump(&h->slow_ns, ns);
}

struct sql_statement_sum sql_statement_sum(const struct sql_statement *s, int hours)
{
    struct sql_statement_sum sum = {0};
    int64_t now = probe_now() / HOUR_NS + 1;
    for (int i = 0; i < SQL_HOURS; i++) {
        const struct sql_hour *h = &s->hours[i];
        int64_t number = atomic_load_explicit(&h->number, memory_order_relaxed);
        if (!number || number <= now - hours) continue;
        sum.count += atomic_load_explicit(&h->count, memory_order_relaxed);
        sum.total_ns += atomic_load_explicit(&h->total_ns, memory_order_relaxed);
        sum.slow += atomic_load_explicit(&h->slow, memory_order_relaxed);
        sum.slow_ns += atomic_load_explicit(&h->slow_ns, memory_order_relaxed);
        int64_t max = atomic_load_explicit(&h->max_ns, memory_order_relaxed);
        if (max > sum.max_ns) sum.max_ns = max;
    }
    return sum;
}

/* --- slow ones -------------------------------------------------------------------------------- */

void sql_statement_keep_args(struct sql_kept_args *ret, struct sql_args args)
{
    size_t at = 0;
    ret->n = args.n;
    ret->whole = args.n <= SQL_KEPT_ARGS;
    for (size_t i = 0; i < args.n && ret->whole; i++) {
        struct sql_value *v = &ret->values[i];
        *v = args.values[i];
        if (v->type != SQL_TYPE_TEXT && v->type != SQL_TYPE_BLOB) continue;
        ret->whole = v->as.b.n <= sizeof ret->bytes - at;
        if (!ret->whole) return;
        if (v->as.b.n) memcpy(ret->bytes + at, v->as.b.p, v->as.b.n);
        v->as.b.p = ret->bytes + at;
        at += v->as.b.n;
    }
}

/* Once a minute at most. */
bool sql_statement_claim_plan(struct sql_statement *s, int64_t took_ns)
{
    struct sql_plan *p = &s->plan;
    int idle = SQL_PLAN_IDLE;
    int64_t now_ns = probe_now(), before = atomic_load(&p->asked_ns);
    if (!s->whole || (before && now_ns - before < SQL_PLAN_EVERY_NS)) return false;
    if (!atomic_compare_exchange_strong(&p->state, &idle, SQL_PLAN_COPYING)) return false;
    atomic_store(&p->asked_ns, now_ns);
    p->took_ns = took_ns;
    return true;
}

void sql_statement_ask_plan(struct sql_statement *s, void *kept)
{
    s->plan.kept = kept;
    /* pairs with sql_plan_turn()'s look at it */
    atomic_store(&s->plan.state, kept ? SQL_PLAN_WANTED : SQL_PLAN_IDLE);
}

static void ask_plan(struct sql_statement *s, int64_t took_ns, const struct sql_kept_args *args)
{
    struct sql_plan *p = &s->plan;
    if (!sql_statement_claim_plan(s, took_ns)) return;
    sql_statement_keep_args(&p->args, (struct sql_args){args->values, args->n});
    p->args.whole &= args->whole;
    atomic_store(&p->state, SQL_PLAN_WANTED); /* pairs with sql_plan_turn()'s look at it */
}

void sql_statement_note(struct sql_statement *s, int64_t took_ns, enum err outcome,
                        const struct sql_kept_args *args)
{
    bool slow = took_ns > probe_threshold(&s->probe);
    probe_note_took(&s->probe, took_ns, outcome);
    count_hour(s, took_ns, slow);
    if (slow && args) ask_plan(s, took_ns, args);
}

int64_t sql_statement_plan(struct sql_statement *s, char ret[SQL_PLAN_MAX])
{
    struct sql_plan *p = &s->plan;
    while (atomic_flag_test_and_set_explicit(&p->busy, memory_order_acquire)) continue;
    int64_t wall_ns = p->wall_ns;
    memcpy(ret, p->text, SQL_PLAN_MAX);
    atomic_flag_clear_explicit(&p->busy, memory_order_release); /* pairs with the acquire above */
    return wall_ns;
}
