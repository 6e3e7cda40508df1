/* Taking over what another store kept: the hours that outlive their raw points. They become a
 * rollup file of their own; below the raw edge no raw point contradicts it. */
#include "base/mem.h"
#include "store/embedded/engine_state.h"

enum err engine_edges(struct telemetry *t, int64_t org, int64_t *ret_raw_ns, int64_t *ret_rollup_ns)
{
    struct engine *e = engine_of(t);
    struct view *v = view_now(&e->views);
    struct manifest_cutoff cutoff = view_cutoff(v, org);
    view_unref(&e->views, v);
    *ret_raw_ns = cutoff.raw_cutoff_ns;
    *ret_rollup_ns = cutoff.rollup_cutoff_ns;
    return ERR_OK;
}

static enum err write_hours(struct block_out *out, const struct telemetry_hour *hours, size_t n)
{
    struct block_rollup_row *rows = mem_array(n, sizeof *rows);
    enum err e = rows ? ERR_OK : ERR_NOMEM;
    for (size_t at = 0, end; at < n && !e; at = end) {
        for (end = at;
             end < n && hours[end].org == hours[at].org && hours[end].device == hours[at].device;
             end++)
            rows[end - at] = (struct block_rollup_row){hours[end].series, hours[end].rollup};
        e = block_out_rollups(out, hours[at].org, hours[at].device, rows, end - at);
    }
    mem_free(rows);
    return e;
}

static enum err adopt_inside_job_gate(struct engine *e, const struct telemetry_hour *hours,
                                      size_t n)
{
    struct view_change change = {.replay_lsn = 0};
    struct block_out out;
    struct segment_info info;
    bool any = false;
    enum err result =
        block_out_init(&out, e->opts.fs, e->dir, view_take_file_id(&e->views), SEGMENT_ROLLUP);
    if (!result) result = write_hours(&out, hours, n);
    if (!result) result = block_out_finish(&out, &info, &any);
    if (!result && any) result = view_open_file(&e->views, &info, &change.added[0]);
    block_out_done(&out);
    if (result || !any) return result;
    return view_commit(&e->views, &change);
}

enum err engine_adopt(struct telemetry *t, const struct telemetry_hour *hours, size_t n)
{
    struct engine *e = engine_of(t);
    if (!n) return ERR_OK;
    gate_enter(&e->job_gate);
    enum err result = adopt_inside_job_gate(e, hours, n);
    gate_leave(&e->job_gate);
    return result;
}
