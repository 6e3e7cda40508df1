/* One group: room in memory, the log, then the heads (T1: in this order). */
#include "base/mem.h"
#include "store/embedded/engine_state.h"

/* Of the memory given, three eighths each for the active and the frozen heads; the last quarter is
 * for what a flush, a merge and the cursors decode. */
uint64_t engine_head_limit(const struct engine *e)
{
    return e->opts.memory_bytes / 8 * 3;
}

void engine_freeze(struct engine *e)
{
    lock_take(&e->lock);
    bool waits = e->frozen;
    lock_release(&e->lock);
    if (waits) return;
    /* Inside the write gate: everything below the next lsn is applied, or failed. */
    uint64_t lsn = e->wal ? wal_next_lsn(e->wal) : e->frozen_lsn;
    head_freeze(e->head);
    lock_take(&e->lock);
    e->frozen = true;
    e->frozen_lsn = lsn;
    lock_release(&e->lock);
}

static size_t count_points(const struct record_set *const *sets, size_t n)
{
    size_t points = 0;
    for (size_t i = 0; i < n; i++) points += sets[i]->point_count;
    return points;
}

static bool has_room(struct engine *e, uint64_t need)
{
    struct head_figures figures = head_figures(e->head);
    return figures.active_points == 0 || figures.active_bytes + need <= engine_head_limit(e);
}

/* Waits until frozen heads are gone, or it takes too long, or flushing fails. */
static enum err wait_for_flush(struct engine *e, struct why *why)
{
    int64_t until = clock_mono_ns(clock_real()) + ENGINE_GROUP_WAIT_NS;
    enum err result = ERR_OK;
    lock_take(&e->lock);
    while (e->frozen && !result) {
        int64_t left = until - clock_mono_ns(clock_real());
        result = e->flush_err ? e->flush_err : e->stopping ? ERR_CLOSED : ERR_OK;
        if (!result && left <= 0) result = ERR_FULL;
        if (!result) cond_wait_for(&e->changed, &e->lock, left);
    }
    lock_release(&e->lock);
    if (result == ERR_FULL)
        why_say(why, result, "memory for new points is full and sealing it does not keep up");
    else if (result)
        why_say(why, result, "memory for new points is full and can not be sealed: %s",
                err_sentence(result));
    return result;
}

/* Makes room for a group; freezing is quick, so only the second time in a row waits. */
static enum err make_room(struct engine *e, uint64_t need, struct why *why)
{
    if (need > e->opts.memory_bytes / 2)
        return why_say(why, ERR_TOOLARGE, "%llu bytes of points at once, %llu are allowed",
                       (unsigned long long)need, (unsigned long long)e->opts.memory_bytes / 2);
    while (!has_room(e, need)) {
        enum err result = wait_for_flush(e, why);
        if (result) return result;
        gate_enter(&e->write_gate);
        if (!has_room(e, need)) engine_freeze(e);
        gate_leave(&e->write_gate);
        engine_wake(e);
    }
    return ERR_OK;
}

enum err engine_apply(struct engine *e, const struct record_set *const *sets, size_t n,
                      struct why *why)
{
    enum err result = head_reserve(e->head, sets, n, why);
    if (!result) head_apply(e->head, sets, n);
    return result;
}

static enum err log_and_apply(struct engine *e, const struct record_set *const *sets, size_t n,
                              struct why *why)
{
    uint64_t lsn;
    enum err result = wal_broken(e->wal, why);
    if (!result) result = head_reserve(e->head, sets, n, why);
    if (result) return result;
    result = wal_append(e->wal, sets, n, &lsn, why);
    if (result)
        head_cancel(e->head, sets, n);
    else
        head_apply(e->head, sets, n);
    return result;
}

/* Remembers why the disk refuses, for whoever reads the figures. */
static void note(struct engine *e, enum err result, const struct why *why)
{
    bool disk = result == ERR_IO || result == ERR_NOSPACE || result == ERR_READONLY ||
                result == ERR_CORRUPT;
    if (result && !disk) return;
    lock_take(&e->lock);
    e->refused = result;
    if (result) e->refused_why = *why;
    lock_release(&e->lock);
}

static void count(struct engine *e, const struct record_set *const *sets, size_t n, size_t points)
{
    size_t records = 0;
    for (size_t i = 0; i < n; i++) records += sets[i]->record_count;
    atomic_fetch_add_explicit(&e->points_written, points, memory_order_relaxed);
    atomic_fetch_add_explicit(&e->records_written, records, memory_order_relaxed);
    atomic_fetch_add_explicit(&e->groups_written, 1, memory_order_relaxed);
}

enum err engine_write(struct telemetry *t, const struct record_set *const *sets, size_t n,
                      struct why *why)
{
    struct engine *e = engine_of(t);
    struct why reason = {""};
    size_t points = count_points(sets, n);
    if (!points) return ERR_OK;
    enum err result = make_room(e, points * sizeof(struct sample), &reason);
    if (!result) {
        gate_enter(&e->write_gate);
        result = log_and_apply(e, sets, n, &reason);
        gate_leave(&e->write_gate);
    }
    note(e, result, &reason);
    if (result) {
        if (why) *why = reason;
        engine_wake(e); /* it tries to go on */
        return result;
    }
    count(e, sets, n, points);
    if (wal_wants_spare(e->wal)) engine_wake(e);
    return ERR_OK;
}
