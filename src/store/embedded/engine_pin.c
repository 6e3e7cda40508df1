/* The store of one instant, for a backup: sealed, so that files alone are all of it, and kept, so
 * that no merge takes one of them away meanwhile. */
#include "base/mem.h"
#include "store/embedded/engine_state.h"

struct engine_pin {
    struct engine *engine;
    struct view *view;
};

enum err engine_pin_new(struct engine_pin **ret, struct telemetry *t)
{
    bug_if(t->ops->over || t->ops->remote); /* a store over this one is none of ours */
    struct engine_pin *p = mem_alloc(sizeof *p);
    if (!p) return ERR_NOMEM;
    enum err e = engine_seal(t);
    if (e) {
        mem_free(p);
        return e;
    }
    /* A view holds exactly the groups below its replay position: the log adds nothing to it but
     * what came later. */
    p->engine = engine_of(t);
    p->view = view_now(&p->engine->views);
    *ret = p;
    return ERR_OK;
}

const struct manifest *engine_pin_manifest(const struct engine_pin *p)
{
    return &p->view->manifest;
}

void engine_pin_free(struct engine_pin *p)
{
    if (!p) return;
    view_unref(&p->engine->views, p->view);
    mem_free(p);
}
