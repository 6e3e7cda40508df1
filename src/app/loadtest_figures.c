/* Buckets and intervals (see loadtest_figures.h). */
#include "app/loadtest_figures.h"

#include "base/clock.h"
#include "base/mem.h"

static const struct {
    const char *name, *text;
} kinds[LOADTEST_KINDS] = {
    [LOADTEST_LOGIN] = {"login", "POST /auth/login"},
    [LOADTEST_ME] = {"me", "GET /auth/me"},
    [LOADTEST_DEVICES] = {"devices", "GET /devices"},
    [LOADTEST_LATEST] = {"latest", "GET /data/latest of all devices"},
    [LOADTEST_DASHBOARD] = {"dashboard", "GET /dashboards/default"},
    [LOADTEST_WIDGETS] = {"widgets", "POST /dashboards/{id}/data"},
    [LOADTEST_QUERY] = {"query", "GET /data/query"},
    [LOADTEST_AGGREGATE] = {"aggregate", "GET /analytics/aggregate"},
    [LOADTEST_DEVICE] = {"device", "GET /devices/{id}, its variables"},
    [LOADTEST_ALERTS] = {"alerts", "GET /alerts"},
    [LOADTEST_EVENTS] = {"events", "GET /events/recent"},
    [LOADTEST_SOCKET] = {"socket", "live socket opened"},
    [LOADTEST_LIVE] = {"live", "reading seen at a live socket"},
    [LOADTEST_INGEST] = {"ingest", "readings sent, durable"},
    [LOADTEST_MONITOR] = {"monitor", "health, metrics, performance routes"},
    [LOADTEST_NOISY] = {"noisy", "requests of the noisy organisation"},
    [LOADTEST_LATE] = {"late", "the generator's own lateness"},
};

const char *loadtest_kind_name(enum loadtest_kind k)
{
    return kinds[k].name;
}

const char *loadtest_kind_text(enum loadtest_kind k)
{
    return kinds[k].text;
}

/* Microseconds below 128 have a bucket each; above, the seven bits behind the highest one choose
 * among the buckets of that power of two. */
static size_t bucket_of(int64_t ns)
{
    uint64_t us = ns > 0 ? (uint64_t)ns / 1000 : 0;
    if (us < 1 << LOADTEST_FINE_BITS) return (size_t)us;
    unsigned shift = 63 - (unsigned)__builtin_clzll(us) - LOADTEST_FINE_BITS;
    size_t at = ((size_t)(shift + 1) << LOADTEST_FINE_BITS) +
                (size_t)((us >> shift) & ((1 << LOADTEST_FINE_BITS) - 1));
    return at < LOADTEST_BUCKETS ? at : LOADTEST_BUCKETS - 1;
}

int64_t loadtest_spread_value(size_t bucket)
{
    uint64_t fine = bucket & ((1 << LOADTEST_FINE_BITS) - 1);
    uint64_t high = bucket >> LOADTEST_FINE_BITS;
    if (!high) return (int64_t)(bucket * 1000 + 500);
    uint64_t us = (fine | 1 << LOADTEST_FINE_BITS) << (high - 1);
    return (int64_t)(us * 1000 + ((UINT64_C(1000) << (high - 1)) / 2));
}

void loadtest_spread_add(struct loadtest_spread *s, int64_t ns)
{
    s->count++;
    s->sum_ns += (double)ns;
    s->buckets[bucket_of(ns)]++;
    if (ns > s->max_ns) s->max_ns = ns;
}

int64_t loadtest_spread_rank(const struct loadtest_spread *s, double rank)
{
    if (!s->count) return 0;
    uint64_t wanted = (uint64_t)(rank * (double)s->count + 0.999999), seen = 0;
    if (wanted < 1) wanted = 1;
    if (wanted >= s->count) return s->max_ns;
    size_t i = 0;
    while (i < LOADTEST_BUCKETS - 1 && (seen += s->buckets[i]) < wanted) i++;
    int64_t value = loadtest_spread_value(i);
    return value < s->max_ns ? value : s->max_ns;
}

static void merge(struct loadtest_spread *into, const struct loadtest_spread *from)
{
    into->count += from->count;
    into->errors += from->errors;
    into->sum_ns += from->sum_ns;
    if (from->max_ns > into->max_ns) into->max_ns = from->max_ns;
    for (size_t i = 0; i < LOADTEST_BUCKETS; i++) into->buckets[i] += from->buckets[i];
}

struct loadtest_figures *loadtest_figures_new(int64_t start_ns, int64_t interval_ns, size_t cap)
{
    struct loadtest_figures *f = mem_zalloc(sizeof *f);
    if (!f) return NULL;
    f->interval_ns = interval_ns;
    f->next_ns = start_ns + interval_ns;
    f->interval_cap = cap;
    for (size_t k = 0; k < LOADTEST_KINDS; k++) {
        f->samples[k] = mem_array(cap, sizeof *f->samples[k]);
        if (f->samples[k]) continue;
        loadtest_figures_free(f);
        return NULL;
    }
    return f;
}

void loadtest_figures_free(struct loadtest_figures *f)
{
    if (!f) return;
    for (size_t k = 0; k < LOADTEST_KINDS; k++) mem_free(f->samples[k]);
    mem_free(f);
}

void loadtest_figures_add(struct loadtest_figures *f, enum loadtest_kind k, int64_t ns)
{
    loadtest_spread_add(&f->now[k], ns);
}

void loadtest_figures_error(struct loadtest_figures *f, enum loadtest_kind k)
{
    f->now[k].errors++;
}

static void close_interval(struct loadtest_figures *f, bool keep)
{
    keep = keep && f->intervals < f->interval_cap;
    for (size_t k = 0; k < LOADTEST_KINDS; k++) {
        struct loadtest_spread *s = &f->now[k];
        if (keep)
            f->samples[k][f->intervals] = (struct loadtest_sample){
                s->count, s->errors, loadtest_spread_rank(s, 0.5), loadtest_spread_rank(s, 0.99)};
        if (!s->count && !s->errors) continue;
        merge(&f->all[k], s);
        *s = (struct loadtest_spread){.count = 0};
    }
    if (keep) f->intervals++;
}

void loadtest_figures_turn(struct loadtest_figures *f, int64_t now_ns)
{
    while (now_ns >= f->next_ns) {
        close_interval(f, true);
        f->next_ns += f->interval_ns;
    }
}

void loadtest_figures_end(struct loadtest_figures *f, int64_t now_ns)
{
    loadtest_figures_turn(f, now_ns);
    close_interval(f, f->next_ns - now_ns <= f->interval_ns / 2);
}

static uint64_t sum_of(const struct loadtest_figures *f, bool errors)
{
    uint64_t n = 0;
    for (size_t k = 0; k < LOADTEST_KINDS; k++) {
        if (k == LOADTEST_LATE || (!errors && k == LOADTEST_LIVE)) continue;
        n += errors ? f->all[k].errors + f->now[k].errors : f->all[k].count + f->now[k].count;
    }
    return n;
}

uint64_t loadtest_figures_requests(const struct loadtest_figures *f)
{
    return sum_of(f, false);
}

uint64_t loadtest_figures_errors(const struct loadtest_figures *f)
{
    return sum_of(f, true);
}
