/* Copying beside the server's work (see mover.h). */
#include "app/mover.h"

#include "app/move_job.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "sys/lock.h"
#include "sys/thread.h"

enum { URL_MAX = 2048, STACK_BYTES = 1 << 20, PAUSE_FACTOR = 4 };
#define PAUSE_LEAST_NS NS_PER_S

enum mover_state { MOVER_IDLE, MOVER_COPYING, MOVER_FOLLOWING, MOVER_FAILED };

struct mover {
    struct mover_opts opts;
    struct lock lock; /* guards what follows, up to `to` */
    struct cond wake;
    enum mover_state state;
    bool closing, has_thread;
    char url[URL_MAX + 1];
    struct why why; /* of a failure */
    uint64_t passes, pass_points;
    int64_t pass_ns; /* how long the last one took */
    pthread_t thread;

    struct store_side to; /* the thread's */
    struct move_job job;
};

static void note(struct mover *m, enum mover_state state)
{
    lock_take(&m->lock);
    m->state = state;
    m->why = m->job.why;
    lock_release(&m->lock);
}

/* False: it is to end. */
static bool pause_after(struct mover *m, int64_t took_ns)
{
    int64_t pause_ns = took_ns * PAUSE_FACTOR;
    int64_t until_ns =
        clock_mono_ns(clock_real()) + (pause_ns < PAUSE_LEAST_NS ? PAUSE_LEAST_NS : pause_ns);
    lock_take(&m->lock);
    m->passes++;
    m->pass_points = atomic_load(&m->job.points);
    m->pass_ns = took_ns;
    m->state = MOVER_FOLLOWING;
    while (!m->closing) {
        int64_t left_ns = until_ns - clock_mono_ns(clock_real());
        if (left_ns <= 0) break;
        cond_wait_for(&m->wake, &m->lock, left_ns);
    }
    bool go_on = !m->closing;
    lock_release(&m->lock);
    return go_on;
}

static enum err follow(struct mover *m)
{
    enum err e;
    int64_t start_ns, took_ns;
    do {
        start_ns = clock_mono_ns(clock_real());
        e = move_job_catch_up(&m->job);
        took_ns = clock_mono_ns(clock_real()) - start_ns;
    } while (!e && pause_after(m, took_ns));
    return e;
}

static enum err open_target(struct mover *m, char source[TAKEOVER_SOURCE_MAX + 1])
{
    struct store_side here = {.store.db = m->opts.db}; /* only asked who it is */
    struct why *why = &m->job.why;
    enum err e = store_side_parse(&m->to, m->opts.settings, m->url, why);
    if (!e) e = store_side_identity(&here, source, TAKEOVER_SOURCE_MAX + 1, why);
    return e ? e : store_side_open(&m->to, true, why);
}

static void *run(void *arg)
{
    struct mover *m = arg;
    char source[TAKEOVER_SOURCE_MAX + 1] = "";
    m->job.from = m->opts.telemetry;
    m->job.catalog = m->opts.db;
    m->job.to = &m->to;
    enum err e = open_target(m, source);
    if (!e) e = move_job_begin(&m->job, source);
    if (!e) e = move_job_copy(&m->job);
    if (!e) e = follow(m);
    store_side_close(&m->to);
    if (e && !m->job.why.text[0]) (void)why_say(&m->job.why, e, "%s", err_sentence(e));
    note(m, e ? MOVER_FAILED : MOVER_IDLE);
    return NULL;
}

enum err mover_new(struct mover **ret, const struct mover_opts *opts)
{
    struct mover *m = mem_zalloc(sizeof *m);
    if (!m) return ERR_NOMEM;
    m->opts = *opts;
    m->to.dir.lock = m->to.store_dir.lock = FILE_CLOSED;
    lock_init(&m->lock, LOCK_RANK_EXECUTOR);
    cond_init(&m->wake);
    *ret = m;
    return ERR_OK;
}

static void stop_thread(struct mover *m)
{
    lock_take(&m->lock);
    m->closing = true;
    cond_broadcast(&m->wake);
    lock_release(&m->lock);
    atomic_store(&m->job.stop, true);
    if (m->has_thread) pthread_join(m->thread, NULL);
    m->has_thread = false;
}

void mover_free(struct mover *m)
{
    if (!m) return;
    stop_thread(m);
    cond_done(&m->wake);
    lock_done(&m->lock);
    mem_free(m);
}

/* A try that failed makes room for the next. */
static enum err begin(struct mover *m, struct bytes url, struct why *why)
{
    if (m->has_thread) stop_thread(m);
    if (url.n > URL_MAX) return why_say(why, ERR_TOOLARGE, "the address is too long");
    memcpy(m->url, url.p, url.n);
    m->url[url.n] = 0;
    memset(&m->job, 0, sizeof m->job);
    m->closing = false;
    m->state = MOVER_COPYING;
    m->passes = 0;
    m->why.text[0] = 0;
    enum err e = thread_start(&m->thread, run, m, "mover", STACK_BYTES);
    m->has_thread = !e;
    return e;
}

enum err mover_start(struct mover *m, struct bytes url, struct why *why)
{
    lock_take(&m->lock);
    bool busy = m->state == MOVER_COPYING || m->state == MOVER_FOLLOWING;
    bool same = bytes_is(url, m->url);
    lock_release(&m->lock);
    if (busy && !same)
        return why_say(why, ERR_CONFLICT, "the server is moving to another place already");
    return busy ? ERR_OK : begin(m, url, why);
}

void mover_write_status(struct mover *m, struct buf *answer)
{
    static const char *const states[] = {"idle", "copying", "following", "failed"};
    lock_take(&m->lock);
    enum mover_state state = m->state;
    uint64_t passes = m->passes, points = m->pass_points;
    double seconds = (double)m->pass_ns / (double)NS_PER_S;
    struct why why = m->why;
    lock_release(&m->lock);
    json_write_member_text(answer, "state", states[state]);
    json_write_member_u64(answer, "devices", atomic_load(&m->job.devices));
    json_write_member_u64(answer, "passes", passes);
    json_write_member_u64(answer, "points", points);
    json_write_member_number(answer, "seconds", seconds);
    json_write_member_text(answer, "error", state == MOVER_FAILED ? why.text : NULL);
}
