/* What happens behind the writer's back: flushing, spare log segments, going on after a failure. */
#include "store/embedded/engine_state.h"
#include "sys/thread.h"

#define RETRY_NS NS_PER_S /* between attempts while something fails */

void engine_wake(struct engine *e)
{
    lock_take(&e->lock);
    e->wake = true;
    cond_broadcast(&e->changed);
    lock_release(&e->lock);
}

static bool is_frozen(struct engine *e)
{
    lock_take(&e->lock);
    bool frozen = e->frozen;
    lock_release(&e->lock);
    return frozen;
}

/* Is there anything in memory, or in the log, that blocks do not have? */
static bool is_sealed(struct engine *e)
{
    struct view *v = view_now(&e->views);
    uint64_t replay_lsn = v->manifest.replay_lsn;
    view_unref(&e->views, v);
    return !head_figures(e->head).active_points && replay_lsn >= wal_next_lsn(e->wal);
}

/* Flushes what is frozen already, then freezes and flushes the rest. */
static enum err seal_inside_job_gate(struct engine *e)
{
    for (bool frozen_all = false; !frozen_all;) {
        enum err result = engine_flush_frozen(e);
        if (result) return result;
        gate_enter(&e->write_gate);
        frozen_all = !is_frozen(e); /* else a writer froze what it had, but not all there is */
        if (frozen_all && !is_sealed(e)) engine_freeze(e);
        gate_leave(&e->write_gate);
    }
    return engine_flush_frozen(e);
}

/* The log's last sync failed: which of its pages are on disk nobody knows, and asking the page
 * cache would be believing it. What was acknowledged is in memory, so it is made durable as
 * blocks, under a manifest that passes over the failed group; then nothing depends on the old
 * segment. */
static enum err recover(struct engine *e)
{
    struct why why = {""};
    if (!wal_broken(e->wal, NULL)) return ERR_OK;
    gate_enter(&e->job_gate);
    enum err result = ERR_OK;
    if (wal_broken(e->wal, NULL)) {
        result = seal_inside_job_gate(e);
        if (!result) {
            gate_enter(&e->write_gate);
            result = wal_restart(e->wal, &why);
            if (!result) {
                struct view *v = view_now(&e->views);
                wal_trim(e->wal, v->manifest.replay_lsn);
                view_unref(&e->views, v);
            }
            gate_leave(&e->write_gate);
        }
    }
    gate_leave(&e->job_gate);
    return result;
}

enum err engine_seal(struct telemetry *t)
{
    struct engine *e = engine_of(t);
    if (wal_broken(e->wal, NULL)) return recover(e);
    gate_enter(&e->job_gate);
    enum err result = seal_inside_job_gate(e);
    gate_leave(&e->job_gate);
    return result;
}

/* ERR_OK when nothing is left that should be tried again. */
enum err engine_work(struct engine *e)
{
    enum err result = ERR_OK;
    if (is_frozen(e)) {
        gate_enter(&e->job_gate);
        result = engine_flush_frozen(e);
        gate_leave(&e->job_gate);
    }
    enum err recovered = recover(e);
    if (!result) result = recovered;
    /* A spare that can not be made is asked for again by the next write. */
    if (wal_wants_spare(e->wal) && wal_prepare(e->wal) && !result) result = ERR_NOSPACE;
    if (!result) {
        lock_take(&e->lock);
        e->refused = ERR_OK;
        lock_release(&e->lock);
    }
    return result;
}

static void *run(void *arg)
{
    struct engine *e = arg;
    enum err result = ERR_OK;
    lock_take(&e->lock);
    while (!e->stopping) {
        if (result)
            cond_wait_for(&e->changed, &e->lock, RETRY_NS);
        else if (!e->wake)
            cond_wait(&e->changed, &e->lock);
        if (e->stopping) break;
        int64_t now = clock_mono_ns(clock_real());
        /* While something fails, writers that come back often do not make this spin. */
        if (result && now - e->tried_ns < RETRY_NS) continue;
        if (!result && !e->wake) continue;
        e->wake = false;
        e->tried_ns = now;
        lock_release(&e->lock);
        result = engine_work(e);
        lock_take(&e->lock);
    }
    lock_release(&e->lock);
    return NULL;
}

enum err engine_start_thread(struct engine *e)
{
    enum err result = thread_start(&e->thread, run, e, "engine-flush", 0);
    e->has_thread = !result;
    return result;
}

void engine_stop_thread(struct engine *e)
{
    lock_take(&e->lock);
    e->stopping = true;
    cond_broadcast(&e->changed);
    lock_release(&e->lock);
    if (e->has_thread) pthread_join(e->thread, NULL);
    e->has_thread = false;
}
