/* Parked calls in lists by device (see command_polls.h). The lock is held for the lists only: a
 * call that was taken out is ended, or handed to the executor, without it. */
#include "api/command_polls.h"

#include "base/mem.h"
#include "sys/lock.h"

enum { LISTS = 1024 }; /* four calls to a list when the table is full */

struct command_polls {
    struct lock lock;
    const struct clock *clock;
    struct command_parked *lists[LISTS];
    size_t count;
    bool closed;
};

enum err command_polls_new(struct command_polls **ret, const struct clock *clock)
{
    struct command_polls *p = mem_zalloc(sizeof *p);
    if (!p) return ERR_NOMEM;
    lock_init(&p->lock, LOCK_RANK_POLLS);
    p->clock = clock;
    *ret = p;
    return ERR_OK;
}

static struct command_parked **list_of(struct command_polls *p, int64_t device)
{
    return &p->lists[(uint64_t)device % LISTS];
}

static struct command_parked *take(struct command_polls *p, int64_t device)
{
    struct command_parked **at = list_of(p, device);
    while (*at && (*at)->device != device) at = &(*at)->next;
    struct command_parked *found = *at;
    if (!found) return NULL;
    *at = found->next;
    p->count--;
    return found;
}

static void end_empty(struct command_parked *parked)
{
    struct api_call *c = parked->call; /* parked lies in the call's arena: not looked at again */
    buf_add_str(c->body, "[]");
    api_ok(c, 200);
    api_end(c);
}

bool command_polls_park(struct command_polls *p, struct command_parked *parked)
{
    lock_take(&p->lock);
    struct command_parked *older = take(p, parked->device); /* keeps P1 */
    bool room = !p->closed && p->count < COMMAND_POLLS_MAX;
    if (room) {
        struct command_parked **list = list_of(p, parked->device);
        parked->call->waited = true;
        parked->next = *list;
        *list = parked;
        p->count++;
    }
    lock_release(&p->lock);
    if (older) end_empty(older);
    return room;
}

void command_polls_wake(struct command_polls *p, int64_t device)
{
    lock_take(&p->lock);
    struct command_parked *parked = take(p, device);
    lock_release(&p->lock);
    if (parked) api_offload(parked->call, ON_ASYNC);
}

static void committed(void *ctx, int64_t org, int64_t device)
{
    (void)org; /* ids of devices are unique in the installation */
    command_polls_wake(ctx, device);
}

struct command_watcher command_polls_watcher(struct command_polls *p)
{
    return (struct command_watcher){p, committed};
}

/* Takes out all that are due at now_ns, as a list. */
static struct command_parked *take_due(struct command_polls *p, int64_t now_ns)
{
    struct command_parked *due = NULL;
    for (size_t i = 0; p->count && i < LISTS; i++) {
        struct command_parked **at = &p->lists[i];
        while (*at) {
            struct command_parked *parked = *at;
            if (parked->deadline_ns > now_ns) {
                at = &parked->next;
                continue;
            }
            *at = parked->next;
            parked->next = due;
            due = parked;
            p->count--;
        }
    }
    return due;
}

static void end_due(struct command_polls *p, int64_t now_ns, bool closes)
{
    lock_take(&p->lock);
    p->closed = p->closed || closes;
    struct command_parked *due = take_due(p, now_ns);
    lock_release(&p->lock);
    while (due) {
        struct command_parked *next = due->next;
        end_empty(due);
        due = next;
    }
}

void command_polls_check(struct command_polls *p)
{
    end_due(p, clock_mono_ns(p->clock), false);
}

void command_polls_close(struct command_polls *p)
{
    if (p) end_due(p, INT64_MAX, true);
}

void command_polls_free(struct command_polls *p)
{
    if (!p) return;
    lock_done(&p->lock);
    mem_free(p);
}
