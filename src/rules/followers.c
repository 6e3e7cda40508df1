/* Every durable reading to whoever follows it (see followers.h). */
#include "rules/followers.h"

#include "base/mem.h"
#include "model/alias.h"
#include "model/record.h"
#include "rules/follower_ring.h"
#include "sys/lock.h"

enum { CHANGES_MAX = 1024 };
#define RETRY_NS (200 * NS_PER_MS)
#define ROUND_NS (100 * NS_PER_MS) /* new credit, unless the tap's queue has drained before */
#define TURN_NS  (50 * NS_PER_MS)  /* between slices of the store while it does not drain */

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
    int64_t saved_ns, round_ns, turn_ns; /* monotonic */
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
    f->saved_ns = f->round_ns = f->turn_ns = clock_mono_ns(opts->clock);
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

/* *ret_done false: the credit of its organisation was used up before the end of the range. */
static enum err replay(struct followers *fs, struct follower *f, int64_t from_ns, int64_t to_ns,
                       bool *ret_done)
{
    const struct sample *samples;
    size_t n, i = 0;
    struct scan_cursor *c;
    const struct scan_range range = {f->org, f->device, f->series, from_ns, to_ns, false};
    enum err e = telemetry_scan_open(fs->opts.telemetry, &range, &c);
    if (e) return e;
    atomic_fetch_add_explicit(&fs->replays, 1, memory_order_relaxed);
    f->share->credit -= FOLLOWER_SHARES_READ;
    int64_t received_ns = clock_wall_ns(fs->opts.clock);
    bool has_credit = true;
    while (has_credit && !(e = telemetry_scan_next(c, &samples, &n)) && !fs->gave_up) {
        for (i = 0; i < n && has_credit; i++) {
            judge(f, samples[i].ts_ns, samples[i].value, received_ns, true);
            has_credit = (f->share->credit -= FOLLOWER_SHARES_REPLAYED) > 0;
        }
        atomic_fetch_add_explicit(&fs->judged, i, memory_order_relaxed);
        settle(fs, false);
    }
    telemetry_scan_close(c);
    *ret_done = e == ERR_END;
    return e == ERR_END ? ERR_OK : e;
}

/* Reads what it may have missed; the position says how far it came. */
static enum err catch_up(struct followers *fs, struct follower *f, bool *ret_done)
{
    struct sample newest;
    const struct event_time_gaps gaps = event_time_unjudged(&f->time);
    *ret_done = true;
    enum err e = telemetry_latest(fs->opts.telemetry, f->org, &f->series, 1, &newest);
    if (e || newest.ts_ns <= f->time.position_ns) return e;
    if (gaps.before_from_ns < gaps.before_to_ns)
        e = replay(fs, f, gaps.before_from_ns, gaps.before_to_ns, ret_done);
    return e || !*ret_done ? e : replay(fs, f, gaps.from_ns, INT64_MAX, ret_done);
}

/* As far as its credit goes. False: the store cannot be read, whoever it was for goes to the end
 * of the line. */
static bool take_slice(struct followers *fs, struct follower_share *s)
{
    struct follower_shares *shares = &fs->index.shares;
    while (s->first && s->credit > 0 && !fs->gave_up) {
        struct follower *f = s->first;
        bool done;
        follower_shares_catch_up(shares, f);
        s->credit -= FOLLOWER_SHARES_LOOKED;
        enum err e = catch_up(fs, f, &done);
        if (e || !done) follower_shares_fall_behind(shares, f); /* keeps A3 */
        if (e) return false;
    }
    return true;
}

/* Organisation by organisation, a slice's worth of them in all. True: it came on, and some are
 * still behind. Otherwise they are tried again with the next set or second. */
static bool take_turn(struct followers *fs)
{
    int64_t left = FOLLOWER_SHARES_CREDIT;
    bool came_on = false;
    if (atomic_load(&fs->stopping)) return false; /* the next start goes on */
    while (left > 0 && fs->index.shares.behind && !fs->gave_up) {
        struct follower_share *s = follower_shares_turn(&fs->index.shares);
        if (take_slice(fs, s))
            came_on = true;
        else
            left -= FOLLOWER_SHARES_FAILED;
        left -= FOLLOWER_SHARES_CREDIT - s->credit;
    }
    fs->turn_ns = clock_mono_ns(fs->opts.clock);
    return came_on && fs->index.shares.behind;
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
        if (last) return;
    }
}

/* A set on its way through, and where its organisation stands. */
enum { SET_ASIDE = 256 };
struct passing {
    struct follower_ring ring;
    int64_t received_ns;
    struct follower_share *share;
    int64_t aside[SET_ASIDE]; /* by series modulo SET_ASIDE: all who follow it are behind */
};

/* Those that are not shown this reading read it from the store (keeps A1). */
static void judge_point(struct followers *fs, struct passing *p, struct follower *f, int64_t ts_ns,
                        double value)
{
    struct follower_share *share = p->share;
    int64_t looked = 0;
    for (; f && share->credit > 0; f = f->next, looked++)
        if (!f->behind) judge(f, ts_ns, value, p->received_ns, false); /* keeps F2 */
    for (; f; f = f->next, looked++)
        if (!f->behind) follower_shares_fall_behind(&fs->index.shares, f);
    share->credit -= looked;
}

/* True: all who follow it were found to be behind already, in this set. */
static bool is_aside(struct passing *p, int64_t series)
{
    if (p->share->credit > 0) return false;
    bool aside = p->aside[series % SET_ASIDE] == series;
    p->aside[series % SET_ASIDE] = series;
    return aside;
}

static void judge_record(struct followers *fs, struct passing *p, const struct record *r)
{
    struct waiting_device *w = follower_index_waiting(&fs->index, r->device);
    if (w) look_for_variables(fs, w);
    if (!p->share || p->share->org != (uint64_t)r->org)
        p->share = follower_shares_find(&fs->index.shares, r->org);
    if (!p->share) return;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct point *point = &p->ring.set->points[r->first + i];
        struct follower *f = follower_ring_take(&p->ring, &fs->index, r->first + i);
        if (f && !is_aside(p, point->series)) judge_point(fs, p, f, r->ts_ns, point->value);
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

/* While the tap's queue does not drain. */
static void note_time(struct followers *f)
{
    int64_t now_ns = clock_mono_ns(f->opts.clock);
    if (now_ns - f->round_ns >= ROUND_NS) {
        f->round_ns = now_ns;
        f->index.shares.round++;
    }
    if (f->index.shares.behind && now_ns - f->turn_ns >= TURN_NS) take_turn(f);
}

static void note_stats(struct followers *f)
{
    atomic_store_explicit(&f->stat_count, f->index.count, memory_order_relaxed);
    atomic_store_explicit(&f->stat_behind, f->index.shares.behind, memory_order_relaxed);
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
    apply_changes(f);
    note_time(f);
    if (f->gave_up) return;
    struct passing p = {.ring = {.set = set}, .received_ns = clock_wall_ns(f->opts.clock)};
    for (size_t i = 0; i < set->record_count; i++) judge_record(f, &p, &set->records[i]);
    atomic_fetch_add_explicit(&f->judged, set->point_count, memory_order_relaxed);
    /* those that have just found their variable, as far as the credit goes */
    if (p.share && !atomic_load(&f->stopping)) take_slice(f, p.share);
    settle(f, false);
    note_stats(f);
}

void followers_on_gap(void *followers)
{
    struct followers *fs = followers;
    for (struct follower *f = fs->index.newest; f; f = f->older) {
        struct waiting_device *w = f->series ? NULL : follower_index_waiting(&fs->index, f->device);
        if (w) look_for_variables(fs, w); /* its first reading may have been dropped */
        follower_shares_fall_behind(&fs->index.shares, f);
    }
}

void followers_on_idle(void *followers)
{
    struct followers *f = followers;
    if (!follow_lead(f)) {
        note_stats(f);
        return;
    }
    apply_changes(f);
    bool stopping = atomic_load(&f->stopping);
    int64_t now_ns = clock_mono_ns(f->opts.clock);
    f->index.shares.round++; /* nobody waits: credit for all */
    f->round_ns = now_ns;
    if (take_turn(f) && f->wake) f->wake(f->wake_ctx);
    if (!followers_settle(f)) return;
    note_stats(f);
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
    return follower_index_add(&fs->index, f);
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
