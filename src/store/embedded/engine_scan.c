/* Reading: samples of one series, and the newest of many. */
#include "base/mem.h"
#include "store/embedded/engine_state.h"

struct engine_cursor {
    struct scan_cursor base;
    struct engine *engine;
    struct view *view; /* a reference: keeps the files */
    struct cursor *cursor;
};

enum err engine_scan_open(struct telemetry *t, const struct scan_range *range,
                          struct scan_cursor **ret)
{
    struct engine *e = engine_of(t);
    struct sample *head = NULL;
    size_t head_count = 0;
    struct engine_cursor *c = mem_zalloc(sizeof *c);
    if (!c) return ERR_NOMEM;
    /* Heads first: what is flushed in between is then seen twice, the other way round not at
     * all. */
    enum err result = head_copy(e->head, range->org, range->device, range->series, range->from_ns,
                                range->to_ns, &head, &head_count);
    if (!result) {
        c->view = view_now(&e->views);
        result = cursor_open(&c->cursor, c->view, range, head, head_count);
    }
    if (result) {
        view_unref(&e->views, c->view);
        mem_free(c);
        return result;
    }
    c->base.ops = t->ops;
    c->engine = e;
    *ret = &c->base;
    return ERR_OK;
}

enum err engine_scan_next(struct scan_cursor *base, const struct sample **ret, size_t *ret_n)
{
    return cursor_next(((struct engine_cursor *)base)->cursor, ret, ret_n);
}

void engine_scan_close(struct scan_cursor *base)
{
    struct engine_cursor *c = (struct engine_cursor *)base;
    cursor_close(c->cursor);
    view_unref(&c->engine->views, c->view);
    mem_free(c);
}

enum err engine_latest(struct telemetry *t, int64_t org, const int64_t *series, size_t n,
                       struct sample *ret)
{
    struct engine *e = engine_of(t);
    struct view *v = view_now(&e->views);
    int64_t cutoff = view_cutoff(v, org).raw_cutoff_ns;
    view_unref(&e->views, v);
    for (size_t i = 0; i < n; i++) {
        ret[i] = head_latest(e->head, org, series[i]);
        if (ret[i].ts_ns < cutoff) ret[i] = (struct sample){INT64_MIN, 0};
    }
    return ERR_OK;
}
