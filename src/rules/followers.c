/* Every durable reading to whoever follows it (see followers.h). */
#include "rules/followers.h"

#include "base/mem.h"
#include "model/alias.h"
#include "model/record.h"
#include "sys/lock.h"

enum { CHANGES_MAX = 1024 };
#define RETRY_NS (200 * NS_PER_MS)

struct change {
    int64_t org, id;
    unsigned client;
};

struct client {
    struct followers_client call;
    bool loaded;
};

struct followers {
    struct followers_opts opts;
    void (*wake)(void *ctx);
    void *wake_ctx;

    /* the thread's own */
    struct follower_index index;
    struct client clients[FOLLOWERS_CLIENTS_MAX];
    unsigned client_count;
    size_t behind; /* at least so many may be; 0 is exact */
    int64_t saved_ns;
    bool gave_up; /* settle() failed and the server stops, or leads no more: memory is ahead */
    bool led;     /* as last followed */

    struct lock lock; /* guards below */
    struct cond stopped;
    struct change changes[CHANGES_MAX];
    size_t change_count;
    bool reload[FOLLOWERS_CLIENTS_MAX];

    _Atomic bool stopping, leads; /* written under the lock */
    _Atomic bool again;           /* taken by the thread */
    _Atomic bool due; /* changes or reloads are waiting; relaxed, the lock orders what they say */
    _Atomic uint64_t judged, replays, settle_failures;
    _Atomic size_t stat_count, stat_behind;
};

enum err followers_new(struct followers **ret, const struct followers_opts *opts)
{
    struct followers *f = mem_zalloc(sizeof *f);
    if (!f) return ERR_NOMEM;
    f->opts = *opts;
    f->saved_ns = clock_mono_ns(opts->clock);
    f->led = true;
    atomic_store(&f->leads, true);
    follower_index_init(&f->index);
    lock_init(&f->lock, LOCK_RANK_HUB);
    cond_init(&f->stopped);
    *ret = f;
    return ERR_OK;
}

void followers_free(struct followers *f)
{
    if (!f) return;
    follower_index_done(&f->index);
    cond_done(&f->stopped);
    lock_done(&f->lock);
    mem_free(f);
}

unsigned followers_add_client(struct followers *f, const struct followers_client *client)
{
    bug_if(f->client_count == FOLLOWERS_CLIENTS_MAX);
    f->clients[f->client_count].call = *client;
    f->reload[f->client_count] = true;
    atomic_store(&f->due, true);
    return f->client_count++;
}

void followers_set_waker(struct followers *f, void (*wake)(void *ctx), void *ctx)
{
    f->wake = wake;
    f->wake_ctx = ctx;
}

/* Past CHANGES_MAX the client compares everything it has with the catalog. */
static void note_change(struct followers *f, unsigned client, int64_t org, int64_t id)
{
    lock_take(&f->lock);
    if (id && f->change_count < CHANGES_MAX)
        f->changes[f->change_count++] = (struct change){org, id, client};
    else
        f->reload[client] = true;
    atomic_store_explicit(&f->due, true, memory_order_relaxed);
    lock_release(&f->lock);
}

void followers_changed(struct followers *f, unsigned client, int64_t org, int64_t id)
{
    note_change(f, client, org, id);
    if (f->wake) f->wake(f->wake_ctx);
}

void followers_stop(struct followers *f)
{
    lock_take(&f->lock);
    atomic_store(&f->stopping, true);
    cond_broadcast(&f->stopped);
    lock_release(&f->lock);
}

void followers_lead(struct followers *f, bool leads)
{
    lock_take(&f->lock);
    atomic_store(&f->leads, leads);
    cond_broadcast(&f->stopped);
    lock_release(&f->lock);
    if (f->wake) f->wake(f->wake_ctx);
}

void followers_again(struct followers *f)
{
    atomic_store(&f->again, true);
    if (f->wake) f->wake(f->wake_ctx);
}

/* False: the server stops or leads no more, do not try again. */
static bool wait_to_retry(struct followers *f)
{
    lock_take(&f->lock);
    if (!f->stopping && f->leads) cond_wait_for(&f->stopped, &f->lock, RETRY_NS);
    bool go_on = !f->stopping && f->leads;
    lock_release(&f->lock);
    return go_on;
}

/* --- settling --------------------------------------------------------------------------------- */

static bool settle(struct followers *f, bool now)
{
    for (unsigned i = 0; i < f->client_count && !f->gave_up; i++) {
        const struct followers_client *c = &f->clients[i].call;
        while (c->settle(c->ctx, now)) { /* keeps F3 */
            atomic_fetch_add_explicit(&f->settle_failures, 1, memory_order_relaxed);
            now = true;
            f->gave_up = !wait_to_retry(f);
            if (f->gave_up) break;
        }
    }
    return !f->gave_up;
}

bool followers_settle(struct followers *f)
{
    return settle(f, true);
}

/* --- judging ---------------------------------------------------------------------------------- */

__attribute__((always_inline)) static inline void judge(struct follower *f, int64_t ts_ns,
                                                        double value, int64_t received_ns,
                                                        bool replay)
{
    int64_t at_ns;
    if (!event_time_take(&f->time, ts_ns, received_ns, replay, &at_ns)) return;
    if (value > f->quiet_above && value < f->quiet_below) return;
    f->kind->judge(f, ts_ns, at_ns, value);
}

static enum err replay(struct followers *fs, struct follower *f, int64_t from_ns, int64_t to_ns)
{
    const struct sample *samples;
    size_t n;
    struct scan_cursor *c;
    const struct scan_range range = {f->org, f->device, f->series, from_ns, to_ns, false};
    enum err e = telemetry_scan_open(fs->opts.telemetry, &range, &c);
    if (e) return e;
    atomic_fetch_add_explicit(&fs->replays, 1, memory_order_relaxed);
    int64_t received_ns = clock_wall_ns(fs->opts.clock);
    while (!(e = telemetry_scan_next(c, &samples, &n)) && !fs->gave_up) {
        for (size_t i = 0; i < n; i++)
            judge(f, samples[i].ts_ns, samples[i].value, received_ns, true);
        atomic_fetch_add_explicit(&fs->judged, n, memory_order_relaxed);
        settle(fs, false);
    }
    telemetry_scan_close(c);
    return e == ERR_END ? ERR_OK : e;
}

/* Reads what it may have missed; the position says how far it came. */
static enum err catch_up(struct followers *fs, struct follower *f)
{
    struct sample newest;
    const struct event_time_gaps gaps = event_time_unjudged(&f->time);
    enum err e = telemetry_latest(fs->opts.telemetry, f->org, &f->series, 1, &newest);
    if (e || newest.ts_ns <= f->time.position_ns) return e;
    if (gaps.before_from_ns < gaps.before_to_ns)
        e = replay(fs, f, gaps.before_from_ns, gaps.before_to_ns);
    return e ? e : replay(fs, f, gaps.from_ns, INT64_MAX);
}

/* One that cannot be read stays behind and is tried again with the next set or second. */
static void catch_up_all(struct followers *fs)
{
    size_t left = 0;
    for (struct follower *f = fs->index.newest; f && !fs->gave_up; f = f->older) {
        if (!f->behind || !f->series) continue;
        f->behind = atomic_load(&fs->stopping) || catch_up(fs, f); /* the next start goes on */
        left += f->behind;
    }
    if (!fs->gave_up) fs->behind = left;
}

static struct reg_variable *find_variable(struct followers *fs, struct reg_device *d,
                                          struct bytes name)
{
    struct reg_variable *v = registry_find_variable(fs->opts.registry, d, name);
    struct bytes alias = v ? bytes_of(NULL, 0) : alias_of(name);
    return alias.p ? registry_find_variable(fs->opts.registry, d, alias) : v;
}

/* A device that somebody waits for has sent: perhaps the variable has come into being. */
static void look_for_variables(struct followers *fs, struct waiting_device *w)
{
    struct follower *next;
    struct reg_device *d = registry_find_key(fs->opts.registry, w->first->org, w->first->device);
    uint32_t variables = d ? atomic_load(&d->variable_count) : 0;
    if (!d || w->variables == variables) return;
    w->variables = variables;
    for (struct follower *f = w->first; f; f = next) {
        next = f->next;
        struct reg_variable *v = find_variable(fs, d, f->variable);
        if (!v) continue;
        bool last = w->first == f && !next; /* then w is gone afterwards */
        if (follower_index_attach(&fs->index, f, v->id)) {
            w->variables = 0; /* no memory: look again with the next record */
            return;
        }
        f->behind = true;
        fs->behind++;
        if (last) return;
    }
}

/* The followers of the points that come next in a set, on their way from memory while earlier ones
 * are judged: with thousands of series each of them would be a wait of its own. A point's followers
 * are found FAR points before it, and the second of its list is fetched NEAR points before. */
enum { RING = 16, FAR = 12, NEAR = 6 };
struct ring {
    const struct record_set *set;
    size_t next; /* point whose followers stand in the ring next */
    struct follower *first[RING];
};

__attribute__((always_inline)) static inline void ring_add(struct ring *ring,
                                                           const struct follower_index *x)
{
    struct follower *f = follower_index_find(x, ring->set->points[ring->next].series);
    ring->first[ring->next++ % RING] = f;
    if (f) __builtin_prefetch(f, 1);
}

/* Followers of point `at`; points are asked for one after the other, or from anywhere anew. */
__attribute__((always_inline)) static inline struct follower *ring_take(
    struct ring *ring, const struct follower_index *x, size_t at)
{
    if (ring->next < at || ring->next > at + FAR) ring->next = at;
    while (ring->next <= at + FAR && ring->next < ring->set->point_count) ring_add(ring, x);
    if (at + NEAR < ring->next) {
        const struct follower *f = ring->first[(at + NEAR) % RING];
        if (f && f->next) __builtin_prefetch(f->next, 1);
    }
    return ring->first[at % RING];
}

static void judge_record(struct followers *fs, struct ring *ring, const struct record *r,
                         int64_t received_ns)
{
    struct waiting_device *w = follower_index_waiting(&fs->index, r->device);
    if (w) look_for_variables(fs, w);
    for (uint32_t i = 0; i < r->count; i++) {
        double value = ring->set->points[r->first + i].value;
        struct follower *f = ring_take(ring, &fs->index, r->first + i);
        for (; f; f = f->next)
            if (!f->behind) judge(f, r->ts_ns, value, received_ns, false); /* keeps F2 */
    }
}

/* --- what changed ----------------------------------------------------------------------------- */

static void load_clients(struct followers *f, const bool *reload)
{
    for (unsigned i = 0; i < f->client_count; i++) {
        const struct followers_client *c = &f->clients[i].call;
        if (!reload[i] || !c->load(c->ctx)) continue;
        lock_take(&f->lock);
        f->reload[i] = true;
        atomic_store_explicit(&f->due, true, memory_order_relaxed);
        lock_release(&f->lock);
    }
}

static void apply_changes(struct followers *f)
{
    struct change changes[CHANGES_MAX];
    bool reload[FOLLOWERS_CLIENTS_MAX];
    if (!atomic_load_explicit(&f->due, memory_order_relaxed) || !followers_settle(f)) return;
    lock_take(&f->lock);
    size_t n = f->change_count;
    memcpy(changes, f->changes, n * sizeof *changes);
    memcpy(reload, f->reload, sizeof reload);
    memset(f->reload, 0, sizeof f->reload);
    f->change_count = 0;
    atomic_store_explicit(&f->due, false, memory_order_relaxed);
    lock_release(&f->lock);
    load_clients(f, reload);
    for (size_t i = 0; i < n; i++) {
        const struct change *c = &changes[i];
        const struct followers_client *to = &f->clients[c->client].call;
        if (!reload[c->client] && to->changed(to->ctx, c->org, c->id))
            note_change(f, c->client, c->org, c->id); /* again with the next set or second */
    }
}

/* As if it had never led. */
static void forget_all(struct followers *f)
{
    for (unsigned i = 0; i < f->client_count; i++)
        if (f->clients[i].call.forget) f->clients[i].call.forget(f->clients[i].call.ctx);
    f->behind = 0;
    f->gave_up = false;
}

/* False: another server leads, there is nothing to do. */
static bool follow_lead(struct followers *f)
{
    bool leads = atomic_load(&f->leads), again = atomic_exchange(&f->again, false);
    if (leads == f->led && !again) return leads;
    if (f->led) forget_all(f);
    f->led = leads;
    lock_take(&f->lock);
    for (unsigned i = 0; leads && i < f->client_count; i++) f->reload[i] = true;
    atomic_store_explicit(&f->due, leads, memory_order_relaxed);
    f->change_count = 0;
    lock_release(&f->lock);
    return leads;
}

static void prepare(struct followers *f)
{
    apply_changes(f);
    if (f->behind) catch_up_all(f);
}

static void note_stats(struct followers *f)
{
    atomic_store_explicit(&f->stat_count, f->index.count, memory_order_relaxed);
    atomic_store_explicit(&f->stat_behind, f->behind, memory_order_relaxed);
}

/* --- what the tap calls ----------------------------------------------------------------------- */

bool followers_watches(void *followers, int64_t org)
{
    struct followers *f = followers;
    return atomic_load_explicit(&f->leads, memory_order_relaxed) &&
           follower_index_watches(&f->index, org);
}

void followers_on_records(void *followers, const struct record_set *set)
{
    struct followers *f = followers;
    if (!follow_lead(f)) return;
    prepare(f);
    if (f->gave_up) return;
    int64_t received_ns = clock_wall_ns(f->opts.clock);
    struct ring ring = {.set = set};
    for (size_t i = 0; i < set->record_count; i++)
        judge_record(f, &ring, &set->records[i], received_ns);
    atomic_fetch_add_explicit(&f->judged, set->point_count, memory_order_relaxed);
    if (f->behind) catch_up_all(f); /* those that have just found their variable */
    settle(f, false);
    note_stats(f);
}

void followers_on_gap(void *followers)
{
    struct followers *fs = followers;
    for (struct follower *f = fs->index.newest; f; f = f->older) {
        struct waiting_device *w = f->series ? NULL : follower_index_waiting(&fs->index, f->device);
        if (w) look_for_variables(fs, w); /* its first reading may have been dropped */
        f->behind = true;
    }
    fs->behind = fs->index.count;
}

void followers_on_idle(void *followers)
{
    struct followers *f = followers;
    if (!follow_lead(f)) {
        note_stats(f);
        return;
    }
    prepare(f);
    bool stopping = atomic_load(&f->stopping);
    if (!followers_settle(f)) return;
    note_stats(f);
    int64_t now_ns = clock_mono_ns(f->opts.clock);
    if (!stopping && now_ns - f->saved_ns < FOLLOWERS_SAVE_NS) return;
    f->saved_ns = now_ns;
    for (unsigned i = 0; i < f->client_count; i++) {
        const struct followers_client *c = &f->clients[i].call;
        if (c->save(c->ctx)) f->saved_ns = now_ns - FOLLOWERS_SAVE_NS; /* again at the next turn */
    }
}

/* --- for clients ------------------------------------------------------------------------------ */

enum err followers_add(struct followers *fs, struct follower *f)
{
    struct reg_device *d = registry_find_key(fs->opts.registry, f->org, f->device);
    struct reg_variable *v = d ? find_variable(fs, d, f->variable) : NULL;
    f->series = v ? v->id : 0;
    f->behind = true;
    enum err e = follower_index_add(&fs->index, f);
    if (!e) fs->behind++;
    return e;
}

void followers_remove(struct followers *fs, struct follower *f)
{
    follower_index_remove(&fs->index, f);
}

void followers_read_stats(struct followers *f, struct followers_stats *ret)
{
    ret->judged = atomic_load_explicit(&f->judged, memory_order_relaxed);
    ret->replays = atomic_load_explicit(&f->replays, memory_order_relaxed);
    ret->settle_failures = atomic_load_explicit(&f->settle_failures, memory_order_relaxed);
    ret->count = atomic_load_explicit(&f->stat_count, memory_order_relaxed);
    ret->behind = atomic_load_explicit(&f->stat_behind, memory_order_relaxed);
}
