/* Fair shares of the followers' thread (see follower_shares.h). */
#include "rules/follower_shares.h"

#include "base/mem.h"
#include "rules/follower_index.h"

void follower_shares_init(struct follower_shares *x)
{
    memset(x, 0, sizeof *x);
    map_init(&x->of, 0);
}

void follower_shares_done(struct follower_shares *x)
{
    size_t at = 0;
    for (struct map_slot *s; (s = map_next(&x->of, &at));) mem_free(s->value);
    map_done(&x->of);
}

static struct follower_share *find(const struct follower_shares *x, int64_t org)
{
    uint64_t key = (uint64_t)org;
    return map_get(&x->of, map_u64(&key));
}

enum err follower_shares_join(struct follower_shares *x, int64_t org, struct follower_share **ret)
{
    struct follower_share *s = find(x, org);
    if (!s) {
        s = mem_zalloc(sizeof *s);
        if (!s) return ERR_NOMEM;
        s->org = (uint64_t)org;
        s->round = x->round;
        s->credit = FOLLOWER_SHARES_CREDIT;
        enum err e = map_put(&x->of, map_u64(&s->org), s);
        if (e) {
            mem_free(s);
            return e;
        }
    }
    s->followers++;
    *ret = s;
    return ERR_OK;
}

struct follower_share *follower_shares_find(struct follower_shares *x, int64_t org)
{
    struct follower_share *s = find(x, org);
    if (s && s->round != x->round) {
        s->round = x->round;
        s->credit = FOLLOWER_SHARES_CREDIT;
    }
    return s;
}

/* --- the lines -------------------------------------------------------------------------------- */

static void line_up(struct follower_shares *x, struct follower_share *s)
{
    s->next = NULL;
    s->previous = x->last;
    if (x->last)
        x->last->next = s;
    else
        x->first = s;
    x->last = s;
}

static void step_out(struct follower_shares *x, struct follower_share *s)
{
    if (s->previous)
        s->previous->next = s->next;
    else
        x->first = s->next;
    if (s->next)
        s->next->previous = s->previous;
    else
        x->last = s->previous;
}

void follower_shares_fall_behind(struct follower_shares *x, struct follower *f)
{
    struct follower_share *s = f->share;
    f->behind = true;
    if (!f->series || f->in_line) return;
    if (!s->first) line_up(x, s);
    f->in_line = true;
    f->line_next = NULL;
    f->line_previous = s->last;
    if (s->last)
        s->last->line_next = f;
    else
        s->first = f;
    s->last = f;
    x->behind++;
}

void follower_shares_catch_up(struct follower_shares *x, struct follower *f)
{
    struct follower_share *s = f->share;
    f->behind = false;
    if (!f->in_line) return;
    f->in_line = false;
    if (f->line_previous)
        f->line_previous->line_next = f->line_next;
    else
        s->first = f->line_next;
    if (f->line_next)
        f->line_next->line_previous = f->line_previous;
    else
        s->last = f->line_previous;
    x->behind--;
    if (!s->first) step_out(x, s);
}

void follower_shares_leave(struct follower_shares *x, struct follower *f)
{
    struct follower_share *s = f->share;
    follower_shares_catch_up(x, f);
    if (--s->followers) return;
    map_remove(&x->of, map_u64(&s->org));
    mem_free(s);
}

struct follower_share *follower_shares_turn(struct follower_shares *x)
{
    struct follower_share *s = x->first;
    if (!s) return NULL;
    step_out(x, s);
    line_up(x, s);
    s->round = x->round;
    s->credit = FOLLOWER_SHARES_CREDIT;
    return s;
}
