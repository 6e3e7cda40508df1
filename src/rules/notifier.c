/* The threads that send (see notifier.h). */
#include "rules/notifier.h"

#include "base/mem.h"
#include "rules/notify_alertmanager.h"
#include "store/catalog_notifications.h"
#include "sys/lock.h"
#include "sys/thread.h"

#include <stdatomic.h>
#include <stdio.h>

enum { ARENA_BYTES = 4 << 20, STACK_BYTES = 512 * 1024, TARGET_TEXT = 320 };

/* The clock of the machine may be set: nobody sleeps past a minute without looking again. */
#define SLEEP_MAX_NS NS_PER_MINUTE
#define AGAIN_NS     NS_PER_S /* after the catalog failed */

struct slot {
    struct notifier *notifier;
    pthread_t thread;
    bool started, busy;
    int64_t org;
    char target[TARGET_TEXT];
};

struct notifier {
    struct notifier_opts opts;
    struct lock lock; /* guards everything below */
    struct cond wake;
    bool paused;
    bool closing, looking; /* looking: one thread reads the outbox */
    int64_t look_at_ns;    /* monotonic: not before that, unless woken */
    int64_t resend_at_ns;  /* monotonic: when an Alertmanager hears of all again */
    struct slot slots[NOTIFIER_THREADS_MAX];
    struct notifier_try *first, *last; /* waiting */
    size_t tries;                      /* that wait or run */
    int64_t try_orgs[NOTIFIER_TRIES_MAX];
    _Atomic uint64_t delivered, retried, failed;
};

static void report(struct notifier *f, const struct notification *n, const char *why)
{
    if (f->opts.report) f->opts.report(f->opts.report_ctx, n, why);
}

static void count(struct notifier *f, const struct notification *n)
{
    _Atomic uint64_t *to = n->state == NOTIFICATION_SENT     ? &f->delivered
                           : n->state == NOTIFICATION_FAILED ? &f->failed
                                                             : &f->retried;
    atomic_fetch_add_explicit(to, 1, memory_order_relaxed);
    if (n->state == NOTIFICATION_FAILED) report(f, n, "given up");
}

/* --- one of the outbox ------------------------------------------------------------------------ */

static enum err settle_in(struct notifier *f, struct sql_tx *tx, const struct notification *n)
{
    enum err e = n->state == NOTIFICATION_PENDING ? catalog_notifications_again(tx, n)
                                                  : catalog_notifications_end(tx, n);
    if (e == ERR_NOTFOUND) return ERR_OK; /* taken away meanwhile: there is nothing to mark */
    /* F2: what failed once will not go better for the next delivery to the same receiver */
    if (!e && n->state == NOTIFICATION_PENDING)
        e = catalog_notifications_delay(tx, n->org, n->target, n->next_ns);
    return e ? e : notify_outbox_ended(f->opts.outbox, tx, n);
}

static bool is_closing(struct notifier *f)
{
    lock_take(&f->lock);
    bool closing = f->closing;
    lock_release(&f->lock);
    return closing;
}

/* Until it is written, or the server stops: keeps F1. */
static void mark(struct notifier *f, const struct notification *n)
{
    for (bool told = false;; told = true) {
        struct sql_tx *tx;
        enum err e = sql_begin(f->opts.db, SQL_WRITE, &tx);
        if (!e) e = sql_end(tx, settle_in(f, tx, n));
        if (!e) return;
        if (!told) report(f, NULL, err_sentence(e));
        lock_take(&f->lock);
        if (!f->closing) cond_wait_for(&f->wake, &f->lock, AGAIN_NS);
        bool closing = f->closing;
        lock_release(&f->lock);
        if (closing) return;
    }
}

static void deliver(struct notifier *f, struct notification *n)
{
    struct notify_answer answer;
    struct notify_outbox *o = f->opts.outbox;
    if (clock_wall_ns(o->clock) - n->created_ns >= NOTIFY_AGE_MAX_NS) {
        answer = (struct notify_answer){.verdict = NOTIFY_GIVE_UP, .why = "older than a day"};
        if (n->error.n)
            snprintf(answer.why, sizeof answer.why, "older than a day; at last: %.*s",
                     (int)n->error.n, n->error.p);
        n->attempts--; /* settling counts one that was not made */
    } else {
        notify_send(o, f->opts.db, &f->opts.transport, n, &answer);
    }
    if (answer.verdict == NOTIFY_TRY_AGAIN && is_closing(f)) return; /* cut short by the stop */
    notify_send_settle(o, n, &answer, clock_wall_ns(o->clock));
    count(f, n);
    mark(f, n);
}

/* Under the lock: what is being sent, and whose share is used up. */
static void list_busy(struct notifier *f, struct catalog_busy *busy)
{
    unsigned share = f->opts.threads / 2 ? f->opts.threads / 2 : 1;
    *busy = (struct catalog_busy){0};
    for (unsigned i = 0; i < f->opts.threads; i++) {
        const struct slot *s = &f->slots[i];
        unsigned same = 0, before = 0;
        if (!s->busy) continue;
        busy->targets[busy->target_count++] = bytes_str(s->target);
        for (unsigned j = 0; j < f->opts.threads; j++) {
            bool equal = f->slots[j].busy && f->slots[j].org == s->org;
            same += equal;
            before += equal && j < i;
        }
        if (same >= share && !before) busy->orgs[busy->org_count++] = s->org;
    }
}

static enum err find_due(struct notifier *f, const struct catalog_busy *busy, struct arena *a,
                         struct notification *ret, int64_t *ret_wait_ns)
{
    struct sql_tx *tx;
    *ret_wait_ns = SLEEP_MAX_NS;
    enum err e = sql_begin(f->opts.db, SQL_READ, &tx);
    if (!e) e = sql_end(tx, catalog_notifications_next(tx, busy, a, ret));
    if (e) return e;
    int64_t ahead = ret->next_ns - clock_wall_ns(f->opts.outbox->clock);
    /* further ahead than any wait can be: the clock was set back */
    if (ahead <= 0 || ahead > NOTIFY_WAIT_MAX_NS) return ERR_OK;
    if (ahead < SLEEP_MAX_NS) *ret_wait_ns = ahead;
    return ERR_NOTFOUND;
}

/* Called and left with the lock held. */
static void look(struct notifier *f, struct slot *s)
{
    struct catalog_busy busy;
    struct notification n;
    struct arena a;
    int64_t wait_ns = 0;
    char targets[NOTIFIER_THREADS_MAX][TARGET_TEXT];
    list_busy(f, &busy);
    for (size_t i = 0; i < busy.target_count; i++) { /* slots change once the lock is open */
        memcpy(targets[i], busy.targets[i].p, busy.targets[i].n);
        busy.targets[i].p = targets[i];
    }
    f->looking = true;
    f->look_at_ns = INT64_MAX; /* whoever wakes us from here on is noticed below */
    lock_release(&f->lock);
    arena_init(&a, ARENA_BYTES);
    enum err e = find_due(f, &busy, &a, &n, &wait_ns);
    if (e && e != ERR_NOTFOUND) {
        report(f, NULL, err_sentence(e));
        wait_ns = AGAIN_NS;
    }
    lock_take(&f->lock);
    f->looking = false;
    if (e) {
        int64_t at = clock_mono_ns(f->opts.outbox->clock) + wait_ns;
        if (at < f->look_at_ns) f->look_at_ns = at;
    } else {
        s->busy = true;
        s->org = n.org;
        snprintf(s->target, sizeof s->target, "%.*s", (int)n.target.n, n.target.p);
        f->look_at_ns = 0; /* there may be more: the next thread looks */
        cond_broadcast(&f->wake);
        lock_release(&f->lock);
        deliver(f, &n);
        lock_take(&f->lock);
        s->busy = false;
        f->look_at_ns = 0; /* the receiver is free again */
    }
    arena_done(&a);
}

/* --- an Alertmanager ------------------------------------------------------------------------- */

static bool is_target_busy(const struct notifier *f, const char *target)
{
    for (unsigned i = 0; i < f->opts.threads; i++)
        if (f->slots[i].busy && strcmp(f->slots[i].target, target) == 0) return true;
    return false;
}

/* Under the lock. How long until it is time; INT64_MAX: never, or when a delivery to it is over. */
static int64_t resend_ahead(const struct notifier *f)
{
    if (!f->opts.outbox->site.alertmanager_url[0]) return INT64_MAX;
    if (is_target_busy(f, NOTIFY_ALERTMANAGER_TARGET)) return INT64_MAX;
    return f->resend_at_ns - clock_mono_ns(f->opts.outbox->clock);
}

/* Called and left with the lock held. It counts as a delivery to that receiver, so that nothing is
 * told to be open after it was told to be resolved. */
static void resend(struct notifier *f, struct slot *s)
{
    struct notify_answer answer;
    s->busy = true;
    s->org = 0;
    snprintf(s->target, sizeof s->target, NOTIFY_ALERTMANAGER_TARGET);
    lock_release(&f->lock);
    enum err e =
        notify_alertmanager_resend(f->opts.outbox, f->opts.db, &f->opts.transport, &answer);
    if (e) report(f, NULL, err_sentence(e));
    lock_take(&f->lock);
    s->busy = false;
    f->look_at_ns = 0;
    f->resend_at_ns = clock_mono_ns(f->opts.outbox->clock) + f->opts.outbox->site.resend_ns;
}

/* --- tries ------------------------------------------------------------------------------------ */

static void write_try(struct notifier *f, struct notification *n,
                      const struct notify_answer *answer)
{
    struct sql_tx *tx;
    int64_t now = clock_wall_ns(f->opts.outbox->clock);
    bool sent = answer->verdict == NOTIFY_DELIVERED;
    n->attempts = 1;
    n->status = answer->status;
    n->state = sent ? NOTIFICATION_SENT : NOTIFICATION_FAILED;
    n->error = sent ? bytes_of(NULL, 0) : bytes_str(answer->why);
    n->next_ns = n->ended_ns = now;
    n->payload = bytes_of(NULL, 0);
    enum err e = sql_begin(f->opts.db, SQL_WRITE, &tx);
    if (!e) {
        e = catalog_notifications_insert(tx, n);
        e = sql_end(tx, e ? e : notify_outbox_ended(f->opts.outbox, tx, n));
    }
    if (e) report(f, NULL, err_sentence(e)); /* a try is not owed: only its line is missing */
}

/* Called and left with the lock held. */
static void run_try(struct notifier *f)
{
    struct notifier_try *t = f->first;
    struct notify_answer answer;
    int64_t org = t->n.org;
    f->first = t->next;
    if (!f->first) f->last = NULL;
    lock_release(&f->lock);
    notify_send(f->opts.outbox, f->opts.db, &f->opts.transport, &t->n, &answer);
    write_try(f, &t->n, &answer);
    t->done(t, &answer);
    lock_take(&f->lock);
    for (size_t i = 0; i < f->tries; i++) {
        if (f->try_orgs[i] != org) continue;
        f->try_orgs[i] = f->try_orgs[--f->tries];
        break;
    }
}

enum err notifier_try(struct notifier *f, struct notifier_try *t)
{
    size_t same = 0;
    enum err e = ERR_OK;
    lock_take(&f->lock);
    for (size_t i = 0; i < f->tries; i++) same += f->try_orgs[i] == t->n.org;
    if (f->closing) e = ERR_CLOSED;
    if (f->tries == NOTIFIER_TRIES_MAX || same == NOTIFIER_ORG_TRIES) e = ERR_FULL;
    if (!e) {
        f->try_orgs[f->tries++] = t->n.org;
        t->next = NULL;
        if (f->last)
            f->last->next = t;
        else
            f->first = t;
        f->last = t;
        cond_broadcast(&f->wake);
    }
    lock_release(&f->lock);
    return e;
}

/* --- life ------------------------------------------------------------------------------------- */

static void sleep_until(struct notifier *f, int64_t ahead)
{
    cond_wait_for(&f->wake, &f->lock, ahead < SLEEP_MAX_NS ? ahead : SLEEP_MAX_NS);
}

static void *run(void *arg)
{
    struct slot *s = arg;
    struct notifier *f = s->notifier;
    lock_take(&f->lock);
    while (!f->closing) {
        int64_t ahead = f->look_at_ns - clock_mono_ns(f->opts.outbox->clock);
        int64_t again = resend_ahead(f);
        if (f->looking || f->paused) ahead = SLEEP_MAX_NS;
        if (f->paused) again = SLEEP_MAX_NS;
        if (f->first)
            run_try(f);
        else if (ahead <= 0)
            look(f, s);
        else if (again <= 0)
            resend(f, s);
        else
            sleep_until(f, ahead < again ? ahead : again);
    }
    lock_release(&f->lock);
    return NULL;
}

enum err notifier_new(struct notifier **ret, const struct notifier_opts *opts)
{
    struct notifier *f = mem_zalloc(sizeof *f);
    if (!f) return ERR_NOMEM;
    f->opts = *opts;
    bug_if(!opts->threads || opts->threads > NOTIFIER_THREADS_MAX);
    lock_init(&f->lock, LOCK_RANK_NOTIFIER);
    cond_init(&f->wake);
    for (unsigned i = 0; i < opts->threads; i++) {
        char name[16];
        f->slots[i].notifier = f;
        snprintf(name, sizeof name, "notify-%u", (i + 1) % 100);
        enum err e = thread_start(&f->slots[i].thread, run, &f->slots[i], name, STACK_BYTES);
        if (e) {
            notifier_free(f);
            return e;
        }
        f->slots[i].started = true;
    }
    *ret = f;
    return ERR_OK;
}

void notifier_stop(struct notifier *f)
{
    if (!f) return;
    lock_take(&f->lock);
    f->closing = true; /* before the cut: what it ends is not counted as an attempt */
    cond_broadcast(&f->wake);
    lock_release(&f->lock);
    if (f->opts.transport.cut) f->opts.transport.cut(f->opts.transport.ctx);
    for (unsigned i = 0; i < f->opts.threads; i++) {
        if (f->slots[i].started) pthread_join(f->slots[i].thread, NULL);
        f->slots[i].started = false;
    }
    const struct notify_answer closed = {.verdict = NOTIFY_TRY_AGAIN,
                                         .why = "the server is stopping"};
    while (f->first) {
        struct notifier_try *t = f->first;
        f->first = t->next;
        t->done(t, &closed);
    }
}

void notifier_free(struct notifier *f)
{
    if (!f) return;
    notifier_stop(f);
    cond_done(&f->wake);
    lock_done(&f->lock);
    mem_free(f);
}

void notifier_wake(void *n)
{
    struct notifier *f = n;
    lock_take(&f->lock);
    f->look_at_ns = 0;
    cond_broadcast(&f->wake);
    lock_release(&f->lock);
}

void notifier_pause(struct notifier *f, bool pause)
{
    if (!f) return;
    lock_take(&f->lock);
    f->paused = pause;
    f->look_at_ns = 0;
    cond_broadcast(&f->wake);
    lock_release(&f->lock);
}

struct notifier_stats notifier_read_stats(struct notifier *f)
{
    if (!f) return (struct notifier_stats){0};
    return (struct notifier_stats){atomic_load(&f->delivered), atomic_load(&f->retried),
                                   atomic_load(&f->failed)};
}
