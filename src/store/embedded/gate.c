/* One thread at a time, over I/O (see gate.h). */
#include "store/embedded/gate.h"

void gate_init(struct gate *g, enum lock_rank rank)
{
    lock_init(&g->lock, rank);
    cond_init(&g->left);
    g->taken = false;
}

void gate_done(struct gate *g)
{
    cond_done(&g->left);
    lock_done(&g->lock);
}

void gate_enter(struct gate *g)
{
    lock_take(&g->lock);
    while (g->taken) cond_wait(&g->left, &g->lock);
    g->taken = true;
    lock_release(&g->lock);
}

bool gate_try(struct gate *g)
{
    lock_take(&g->lock);
    bool entered = !g->taken;
    g->taken = true;
    lock_release(&g->lock);
    return entered;
}

void gate_leave(struct gate *g)
{
    lock_take(&g->lock);
    g->taken = false;
    cond_signal(&g->left);
    lock_release(&g->lock);
}
