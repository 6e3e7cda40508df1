/* Who follows which series (see follower_index.h). */
#include "rules/follower_index.h"

#include "base/mem.h"

enum { PAGE = 1024 };

void follower_index_init(struct follower_index *x)
{
    memset(x, 0, sizeof *x);
    map_init(&x->waiting, 0);
    follower_shares_init(&x->shares);
}

void follower_index_done(struct follower_index *x)
{
    size_t at = 0;
    for (struct map_slot *s; (s = map_next(&x->waiting, &at));) mem_free(s->value);
    map_done(&x->waiting);
    follower_shares_done(&x->shares);
    for (size_t i = 0; i < x->page_count; i++) mem_free(x->pages[i]);
    mem_free(x->pages);
    x->pages = NULL;
    x->page_count = 0;
}

/* The list of a series; NULL without memory. */
static struct follower **list_of(struct follower_index *x, int64_t series)
{
    size_t page = (size_t)series / PAGE;
    if (page >= x->page_count) {
        size_t count = x->page_count * 2 > page + 1 ? x->page_count * 2 : page + 1;
        struct follower ***pages = mem_realloc(x->pages, count * sizeof *pages);
        if (!pages) return NULL;
        memset(pages + x->page_count, 0, (count - x->page_count) * sizeof *pages);
        x->pages = pages;
        x->page_count = count;
    }
    if (!x->pages[page]) x->pages[page] = mem_array(PAGE, sizeof **x->pages);
    return x->pages[page] ? &x->pages[page][series % PAGE] : NULL;
}

struct waiting_device *follower_index_waiting(const struct follower_index *x, int64_t device)
{
    uint64_t key = (uint64_t)device;
    return x->waiting.count ? map_get(&x->waiting, map_u64(&key)) : NULL;
}

static enum err add_waiting(struct follower_index *x, struct follower *f)
{
    struct waiting_device *w = follower_index_waiting(x, f->device);
    if (!w) {
        w = mem_zalloc(sizeof *w);
        if (!w) return ERR_NOMEM;
        w->device = (uint64_t)f->device;
        enum err e = map_put(&x->waiting, map_u64(&w->device), w);
        if (e) {
            mem_free(w);
            return e;
        }
    }
    w->variables = 0; /* look again, there is a new name to look for */
    f->next = w->first;
    w->first = f;
    return ERR_OK;
}

static enum err add_following(struct follower_index *x, struct follower *f)
{
    struct follower **list = list_of(x, f->series);
    if (!list) return ERR_NOMEM;
    f->next = *list;
    *list = f;
    return ERR_OK;
}

enum err follower_index_add(struct follower_index *x, struct follower *f)
{
    enum err e = follower_shares_join(&x->shares, f->org, &f->share);
    if (e) return e;
    e = f->series ? add_following(x, f) : add_waiting(x, f);
    if (e) {
        follower_shares_leave(&x->shares, f);
        return e;
    }
    follower_shares_fall_behind(&x->shares, f);
    f->older = x->newest;
    f->newer = NULL;
    if (x->newest) x->newest->newer = f;
    x->newest = f;
    x->count++;
    atomic_fetch_add(&x->orgs[f->org % FOLLOWER_ORGS], 1);
    return ERR_OK;
}

static void unlink_from(struct follower **list, const struct follower *f)
{
    while (*list && *list != f) list = &(*list)->next;
    if (*list) *list = f->next;
}

static void remove_waiting(struct follower_index *x, struct follower *f)
{
    struct waiting_device *w = follower_index_waiting(x, f->device);
    unlink_from(&w->first, f);
    if (w->first) return;
    map_remove(&x->waiting, map_u64(&w->device));
    mem_free(w);
}

void follower_index_remove(struct follower_index *x, struct follower *f)
{
    if (f->series)
        unlink_from(list_of(x, f->series), f);
    else
        remove_waiting(x, f);
    if (f->newer)
        f->newer->older = f->older;
    else
        x->newest = f->older;
    if (f->older) f->older->newer = f->newer;
    follower_shares_leave(&x->shares, f);
    x->count--;
    atomic_fetch_sub(&x->orgs[f->org % FOLLOWER_ORGS], 1);
}

enum err follower_index_attach(struct follower_index *x, struct follower *f, int64_t series)
{
    if (!list_of(x, series)) return ERR_NOMEM;
    remove_waiting(x, f);
    f->series = series;
    enum err e = add_following(x, f); /* has its list: cannot fail */
    follower_shares_fall_behind(&x->shares, f);
    return e;
}
