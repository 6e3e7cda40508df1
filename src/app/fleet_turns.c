/* Rounds of fleet rules (see fleet_turns.h). */
#include "app/fleet_turns.h"

#include "base/mem.h"

#include <stdatomic.h>

struct fleet_turns {
    struct work work; /* first */
    struct fleet_engine *engine;
    struct executor *executor;
    _Atomic bool under_way; /* set before the work is given away, cleared as its last step */
    _Atomic int failed;     /* enum err of the last round; written before under_way is cleared */
};

static void run_round(struct work *w)
{
    struct fleet_turns *t = (struct fleet_turns *)w;
    struct why why = {""};
    size_t n = 0;
    enum err e = fleet_engine_run(t->engine, &n, &why);
    atomic_store(&t->failed, (int)e);
    atomic_store(&t->under_way, false);
}

enum err fleet_turns_kick(struct fleet_turns *t)
{
    if (atomic_load(&t->under_way)) return ERR_OK;
    enum err before = (enum err)atomic_exchange(&t->failed, ERR_OK);
    atomic_store(&t->under_way, true);
    if (executor_submit(t->executor, &t->work)) atomic_store(&t->under_way, false);
    return before;
}

enum err fleet_turns_new(struct fleet_turns **ret, struct fleet_engine *engine,
                         struct executor *executor)
{
    struct fleet_turns *t = mem_zalloc(sizeof *t);
    if (!t) return ERR_NOMEM;
    t->work.run = run_round;
    t->engine = engine;
    t->executor = executor;
    *ret = t;
    return ERR_OK;
}

void fleet_turns_free(struct fleet_turns *t)
{
    mem_free(t);
}
