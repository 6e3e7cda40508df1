/* The engine as a whole: start, stop and figures. The work is in engine_*.c, one idea each. */
#include "store/embedded/engine.h"

#include "base/mem.h"
#include "store/embedded/engine_state.h"

#define DEFAULT_MEMORY_BYTES      (UINT64_C(64) << 20)
#define DEFAULT_WAL_SEGMENT_BYTES (UINT64_C(16) << 20)
#define LEAST_MEMORY_BYTES        (UINT64_C(1) << 20)
#define LEAST_WAL_SEGMENT_BYTES   (UINT64_C(64) << 10)

static uint64_t sum_bytes(const struct view *v, enum segment_kind kind)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < v->manifest.file_count; i++)
        if (v->manifest.files[i].kind == kind) bytes += v->manifest.files[i].bytes;
    return bytes;
}

static void describe_writable(struct engine *e, struct telemetry_stats *s)
{
    struct why why = {""};
    enum err broken = wal_broken(e->wal, &why);
    lock_take(&e->lock);
    if (!broken && e->refused) {
        broken = e->refused;
        why = e->refused_why;
    }
    lock_release(&e->lock);
    s->writable = !broken;
    size_t n = broken ? strnlen(why.text, sizeof s->unwritable_why - 1) : 0;
    memcpy(s->unwritable_why, why.text, n);
    s->unwritable_why[n] = 0;
}

static void read_stats(struct telemetry *t, struct telemetry_stats *ret)
{
    struct engine *e = engine_of(t);
    struct head_figures heads = head_figures(e->head);
    struct view *v = view_now(&e->views);
    struct telemetry_stats s = {
        .points_written = atomic_load_explicit(&e->points_written, memory_order_relaxed),
        .records_written = atomic_load_explicit(&e->records_written, memory_order_relaxed),
        .groups_written = atomic_load_explicit(&e->groups_written, memory_order_relaxed),
        .wal_bytes = wal_bytes(e->wal),
        .raw_bytes = sum_bytes(v, SEGMENT_RAW),
        .rollup_bytes = sum_bytes(v, SEGMENT_ROLLUP),
        .head_points = heads.active_points + heads.frozen_points,
        .head_bytes = heads.active_bytes + heads.frozen_bytes + heads.slot_bytes,
        .files = v->manifest.file_count,
        .flushes = atomic_load_explicit(&e->flushes, memory_order_relaxed),
        .merges = atomic_load_explicit(&e->merges, memory_order_relaxed),
        .points_dropped_by_retention =
            atomic_load_explicit(&e->points_dropped, memory_order_relaxed),
    };
    for (size_t i = 0; i < v->manifest.file_count; i++) {
        size_t n;
        segment_blocks(v->files[i]->segment, &n);
        s.blocks += n;
    }
    view_unref(&e->views, v);
    describe_writable(e, &s);
    *ret = s;
}

static void engine_free(struct engine *e, bool discard_log)
{
    wal_close(e->wal, discard_log);
    view_set_close(&e->views);
    head_free(e->head);
    cond_done(&e->changed);
    lock_done(&e->lock);
    gate_done(&e->merge_gate);
    gate_done(&e->job_gate);
    gate_done(&e->write_gate);
    mem_free(e->dir);
    mem_free(e);
}

static void engine_close(struct telemetry *t)
{
    if (!t) return;
    struct engine *e = engine_of(t);
    engine_stop_thread(e);
    /* What can not be sealed stays in the log and is replayed by the next start. */
    engine_free(e, engine_seal(t) == ERR_OK);
}

static const struct telemetry_ops ops = {
    .name = "embedded",
    .writers = 1,
    .write = engine_write,
    .scan_open = engine_scan_open,
    .scan_next = engine_scan_next,
    .scan_close = engine_scan_close,
    .latest = engine_latest,
    .rollups = engine_rollups,
    .retain = engine_retain,
    .purge_device = engine_purge_device,
    .seal = engine_seal,
    .maintain = engine_maintain,
    .read_stats = read_stats,
    .close = engine_close,
    .edges = engine_edges,
    .adopt = engine_adopt,
};

static uint64_t within(uint64_t value, uint64_t fallback, uint64_t least)
{
    if (!value) return fallback;
    return value < least ? least : value;
}

/* The directory, its name in its parent made durable: each time, because the start that made it may
 * have failed before. A parent that we may not read was there before us. */
static enum err make_dir(const struct engine *e, struct why *why)
{
    char *slash = strrchr(e->dir, '/'), *parent = NULL;
    size_t n = slash ? (size_t)(slash - e->dir) : 0;
    enum err result = fs_mkdir(e->opts.fs, e->dir);
    if (!result && !(parent = mem_copy(n ? e->dir : slash ? "/" : ".", n ? n : 1)))
        result = ERR_NOMEM;
    if (!result) result = fs_sync_dir(e->opts.fs, parent);
    if (parent && result == ERR_READONLY) result = ERR_OK;
    mem_free(parent);
    if (result)
        why_say(why, result, "the directory %s can not be made: %s", e->dir, err_sentence(result));
    return result;
}

enum err engine_open(struct telemetry **ret, const struct engine_opts *opts, struct why *why)
{
    struct engine *e = mem_zalloc(sizeof *e);
    if (!e) return why_say(why, ERR_NOMEM, "no memory to open %s", opts->dir);
    e->base.ops = &ops;
    e->opts = *opts;
    e->opts.memory_bytes = within(opts->memory_bytes, DEFAULT_MEMORY_BYTES, LEAST_MEMORY_BYTES);
    e->opts.wal_segment_bytes =
        within(opts->wal_segment_bytes, DEFAULT_WAL_SEGMENT_BYTES, LEAST_WAL_SEGMENT_BYTES);
    gate_init(&e->merge_gate, LOCK_RANK_STORE);
    gate_init(&e->job_gate, LOCK_RANK_STORE);
    gate_init(&e->write_gate, LOCK_RANK_STORE);
    lock_init(&e->lock, LOCK_RANK_STORE);
    cond_init(&e->changed);
    why_say(why, ERR_NOMEM, "no memory to open %s", opts->dir);
    enum err result = (e->dir = mem_copy_str(opts->dir)) ? ERR_OK : ERR_NOMEM;
    if (!result) result = head_new(&e->head);
    if (!result) result = make_dir(e, why);
    if (!result) result = view_set_open(&e->views, e->opts.fs, e->dir, false, why);
    if (!result) result = engine_load(e, why);
    if (!result) {
        result = engine_start_thread(e);
        if (result) why_say(why, result, "the engine's thread can not be started");
    }
    if (result) {
        engine_free(e, false);
        return result;
    }
    *ret = &e->base;
    return ERR_OK;
}
