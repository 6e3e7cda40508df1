/* Counting, and the slowest with what they were busy with (see probe.h). */
#include "perf/probe.h"

#include "base/clock.h"

#include <stdio.h>

#define MS INT64_C(1000000)

static struct probe *_Atomic first;

/* Until they are configured. A cache and an executor are slow long before a request is. */
static _Atomic int64_t thresholds[PROBE_KINDS] = {
    [PROBE_ROUTE] = 500 * MS,  [PROBE_SERVICE] = 500 * MS, [PROBE_SQL] = 1000 * MS,
    [PROBE_STORE] = 1000 * MS, [PROBE_CACHE] = 25 * MS,    [PROBE_TASK] = 500 * MS,
};

static const char *const kind_names[PROBE_KINDS] = {
    [PROBE_ROUTE] = "route", [PROBE_SERVICE] = "service", [PROBE_SQL] = "sql",
    [PROBE_STORE] = "store", [PROBE_CACHE] = "cache",     [PROBE_TASK] = "task",
};

const char *probe_kind_name(enum probe_kind kind)
{
    return kind_names[kind];
}

#ifndef SV_NO_PROBES
static _Thread_local struct probe_span *innermost;

/* --- the slowest, with p->busy held ----------------------------------------------------------- */

/* "sql 700.3 ms in 12, longest catalog_devices_list 650.1 ms; cache 1.2 ms in 3; rest 12.0 ms" */
static void say_reason(char ret[PROBE_REASON_MAX], const struct probe_span *parts, int64_t took_ns)
{
    size_t at = 0;
    int64_t rest_ns = took_ns;
    ret[0] = 0;
    for (int k = 0; parts && k < PROBE_KINDS && at < PROBE_REASON_MAX; k++) {
        if (!parts->inner_count[k]) continue;
        rest_ns -= parts->inner_ns[k];
        bool longest = parts->longest && parts->longest->kind == (enum probe_kind)k;
        int n = snprintf(ret + at, PROBE_REASON_MAX - at, "%s %.1f ms in %u%s%s; ", kind_names[k],
                         (double)parts->inner_ns[k] / 1e6, parts->inner_count[k],
                         longest ? ", longest " : "", longest ? parts->longest->name : "");
        if (n > 0) at += (size_t)n;
    }
    if (at < PROBE_REASON_MAX)
        snprintf(ret + at, PROBE_REASON_MAX - at, "%s %.1f ms", at ? "rest" : "itself",
                 (double)(rest_ns > 0 ? rest_ns : 0) / 1e6);
}

static void write_sample(struct probe_sample *s, const struct probe_span *parts, int64_t took_ns,
                         int64_t now_ns, enum err outcome)
{
    const struct probe_span *scope = parts ? parts : innermost;
    size_t n = scope && scope->request.n < PROBE_REQUEST_MAX ? scope->request.n : 0;
    s->took_ns = took_ns > 0 ? took_ns : 1;
    s->ended_ns = now_ns;
    s->org = scope ? scope->org : 0;
    s->outcome = outcome;
    if (n) memcpy(s->request, scope->request.p, n);
    s->request[n] = 0;
    say_reason(s->reason, parts, took_ns);
}

/* The place of what is forgotten first: too old, else the shortest. */
static struct probe_sample *find_place(struct probe *p, int64_t now_ns)
{
    struct probe_sample *worst = p->slowest;
    for (int i = 0; i < PROBE_SLOWEST; i++) {
        struct probe_sample *s = &p->slowest[i];
        if (!s->took_ns || now_ns - s->ended_ns > PROBE_KEPT_NS) return s;
        if (s->took_ns < worst->took_ns) worst = s;
    }
    return worst;
}

static void move_floor(struct probe *p, int64_t now_ns)
{
    int64_t floor_ns = INT64_MAX, oldest_ns = now_ns;
    for (int i = 0; i < PROBE_SLOWEST; i++) {
        const struct probe_sample *s = &p->slowest[i];
        if (s->took_ns < floor_ns) floor_ns = s->took_ns;
        if (s->ended_ns < oldest_ns) oldest_ns = s->ended_ns;
    }
    atomic_store_explicit(&p->floor_ns, floor_ns, memory_order_relaxed);
    atomic_store_explicit(&p->floor_until_ns, oldest_ns + PROBE_KEPT_NS, memory_order_relaxed);
}

static void keep(struct probe *p, const struct probe_span *parts, int64_t took_ns, enum err outcome)
{
    int64_t now_ns = probe_now();
    if (atomic_flag_test_and_set_explicit(&p->busy, memory_order_acquire)) return; /* P3 */
    if (probe_is_failure(outcome)) write_sample(&p->failed, parts, took_ns, now_ns, outcome);
    struct probe_sample *place = find_place(p, now_ns);
    if (took_ns > place->took_ns || now_ns - place->ended_ns > PROBE_KEPT_NS) {
        write_sample(place, parts, took_ns, now_ns, outcome);
        move_floor(p, now_ns);
    }
    atomic_flag_clear_explicit(&p->busy, memory_order_release); /* pairs with the acquire above */
}

/* --- counting --------------------------------------------------------------------------------- */

int64_t probe_now(void)
{
    return clock_mono_ns(clock_real());
}

static void enter_list(struct probe *p)
{
    if (atomic_exchange(&p->registered, 1)) return;
    struct probe *head = atomic_load(&first);
    do atomic_store(&p->next, head);
    while (!atomic_compare_exchange_weak(&first, &head, p));
}

static bool is_among_slowest(const struct probe *p, int64_t took_ns, int64_t now_ns)
{
    return took_ns > atomic_load_explicit(&p->floor_ns, memory_order_relaxed) ||
           now_ns > atomic_load_explicit(&p->floor_until_ns, memory_order_relaxed);
}

static void count(struct probe *p, const struct probe_span *parts, int64_t took_ns, int64_t now_ns,
                  enum err outcome)
{
    if (!atomic_load_explicit(&p->registered, memory_order_relaxed)) enter_list(p);
    histogram_record(&p->took, took_ns);
    if (outcome) atomic_fetch_add_explicit(&p->outcomes[outcome], 1, memory_order_relaxed);
    if (took_ns > probe_threshold(p)) atomic_fetch_add_explicit(&p->slow, 1, memory_order_relaxed);
    if (is_among_slowest(p, took_ns, now_ns) || probe_is_failure(outcome))
        keep(p, parts, took_ns, outcome);
}

void probe_add_part(struct probe_span *s, const struct probe *p, int64_t took_ns)
{
    s->inner_ns[p->kind] += took_ns;
    s->inner_count[p->kind]++;
    if (took_ns <= s->longest_ns) return;
    s->longest = p;
    s->longest_ns = took_ns;
}

static void merge(struct probe_span *outer, const struct probe_span *s)
{
    for (int k = 0; k < PROBE_KINDS; k++) {
        outer->inner_ns[k] += s->inner_ns[k];
        outer->inner_count[k] += s->inner_count[k];
    }
    if (s->longest_ns <= outer->longest_ns) return;
    outer->longest = s->longest;
    outer->longest_ns = s->longest_ns;
}

/* What was inside it, and itself: a service is nothing beside its parts. */
static void add_parts(struct probe_span *outer, const struct probe_span *s, int64_t took_ns)
{
    int64_t itself_ns = took_ns;
    for (int k = 0; k < PROBE_KINDS; k++) itself_ns -= s->inner_ns[k];
    merge(outer, s);
    if (s->probe->kind != PROBE_SERVICE) probe_add_part(outer, s->probe, itself_ns);
}

void probe_note_took(struct probe *p, int64_t took_ns, enum err outcome)
{
    count(p, NULL, took_ns, INT64_MIN, outcome);
    if (innermost) probe_add_part(innermost, p, took_ns);
}

void probe_note(struct probe *p, int64_t begun_ns, enum err outcome)
{
    int64_t now_ns = probe_now();
    count(p, NULL, now_ns - begun_ns, now_ns, outcome);
    if (innermost) probe_add_part(innermost, p, now_ns - begun_ns);
}

void probe_note_untimed(struct probe *p, enum err outcome)
{
    atomic_fetch_add_explicit(&p->untimed, 1, memory_order_relaxed);
    if (outcome) atomic_fetch_add_explicit(&p->outcomes[outcome], 1, memory_order_relaxed);
}

void probe_begin_for(struct probe_span *s, struct probe *p, int64_t org, struct bytes request)
{
    memset(s, 0, sizeof *s);
    s->probe = p;
    s->org = org;
    s->request = request;
    s->outer = innermost;
    innermost = s;
    s->begun_ns = probe_now();
}

void probe_begin(struct probe_span *s, struct probe *p)
{
    if (innermost)
        probe_begin_for(s, p, innermost->org, innermost->request);
    else
        probe_begin_for(s, p, 0, bytes_of(NULL, 0));
}

void probe_end(struct probe_span *s, enum err outcome)
{
    int64_t now_ns = probe_now();
    innermost = s->outer;
    count(s->probe, s, now_ns - s->begun_ns, now_ns, outcome);
    if (innermost) add_parts(innermost, s, now_ns - s->begun_ns);
}

void probe_enter(struct probe_span *s, const void *owner, int64_t org, struct bytes request)
{
    memset(s, 0, sizeof *s);
    s->owner = owner;
    s->org = org;
    s->request = request;
    s->outer = innermost;
    innermost = s;
}

void probe_leave(struct probe_span *s)
{
    innermost = s->outer;
}

void probe_hand_over(const void *owner, struct probe_span *ret)
{
    struct probe_span *s = innermost;
    while (s && s->owner != owner) s = s->outer;
    if (!s) return;
    merge(ret, s);
    memset(s->inner_ns, 0, sizeof s->inner_ns);
    memset(s->inner_count, 0, sizeof s->inner_count);
    s->longest_ns = 0;
}

void probe_note_parts(struct probe *p, const struct probe_span *parts, int64_t took_ns,
                      enum err outcome)
{
    count(p, parts, took_ns, INT64_MIN, outcome);
}
#endif

/* --- reading ---------------------------------------------------------------------------------- */

void probe_set_threshold(enum probe_kind kind, int64_t ns)
{
    atomic_store_explicit(&thresholds[kind], ns, memory_order_relaxed);
}

int64_t probe_threshold(const struct probe *p)
{
    int64_t own = atomic_load_explicit(&p->threshold_ns, memory_order_relaxed);
    return own ? own : atomic_load_explicit(&thresholds[p->kind], memory_order_relaxed);
}

struct probe *probe_next(const struct probe *p)
{
    return p ? atomic_load(&p->next) : atomic_load(&first);
}

uint64_t probe_count(const struct probe *p)
{
    return histogram_count(&p->took) + atomic_load_explicit(&p->untimed, memory_order_relaxed);
}

uint64_t probe_sum_ns(const struct probe *p)
{
    uint64_t timed = histogram_count(&p->took), all = probe_count(p);
    uint64_t sum = atomic_load_explicit(&p->took.sum_ns, memory_order_relaxed);
    return timed == all || !timed ? sum : (uint64_t)((double)sum * (double)all / (double)timed);
}

bool probe_is_failure(enum err outcome)
{
    switch (outcome) {
    case ERR_NOMEM:
    case ERR_IO:
    case ERR_NOSPACE:
    case ERR_CORRUPT:
    case ERR_LOCKED:
    case ERR_READONLY:
    case ERR_FULL:
    case ERR_TIMEOUT:
    case ERR_INTERNAL:
        return true;
    default:
        return false;
    }
}

uint64_t probe_failures(const struct probe *p)
{
    uint64_t n = 0;
    for (int e = 0; e < ERR_COUNT; e++)
        if (probe_is_failure((enum err)e))
            n += atomic_load_explicit(&p->outcomes[e], memory_order_relaxed);
    return n;
}

static void copy_samples(const struct probe *p, struct probe_sample ret[PROBE_SLOWEST],
                         struct probe_sample *ret_failed)
{
    struct probe *q = (struct probe *)p;
    while (atomic_flag_test_and_set_explicit(&q->busy, memory_order_acquire)) continue;
    if (ret) memcpy(ret, p->slowest, sizeof p->slowest);
    if (ret_failed) *ret_failed = p->failed;
    atomic_flag_clear_explicit(&q->busy, memory_order_release); /* pairs with the acquire above */
}

void probe_read_slowest(struct probe *p, struct probe_sample ret[PROBE_SLOWEST], size_t *ret_n)
{
    size_t n = 0;
    int64_t since_ns = clock_mono_ns(clock_real()) - PROBE_KEPT_NS;
    copy_samples(p, ret, NULL);
    for (size_t i = 0; i < PROBE_SLOWEST; i++) {
        struct probe_sample s = ret[i];
        if (!s.took_ns || s.ended_ns < since_ns) continue;
        size_t at = n++;
        for (; at && ret[at - 1].took_ns < s.took_ns; at--) ret[at] = ret[at - 1];
        ret[at] = s;
    }
    *ret_n = n;
}

bool probe_read_failed(struct probe *p, struct probe_sample *ret)
{
    copy_samples(p, NULL, ret);
    return ret->took_ns != 0;
}
