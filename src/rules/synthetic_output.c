/* Results on their way (see synthetic_output.h). */
#include "rules/synthetic_output.h"

#include "base/clock.h"
#include "base/mem.h"
#include "sys/lock.h"

#define RETRY_NS (5 * NS_PER_MS)

enum slot_state { SLOT_FREE, SLOT_GATHERS, SLOT_AWAY, SLOT_FAILED };

struct slot {
    struct synthetic_set set; /* first: done() finds the slot by it */
    struct synthetic_output *output;
    struct record records[OUTPUT_RECORDS];
    struct point points[OUTPUT_POINTS];
    enum slot_state state; /* under the lock */
    int64_t org;
    uint64_t seq;
};

struct synthetic_output {
    struct synthetic_output_opts opts;
    struct slot *slots[OUTPUT_SETS]; /* made as they are needed, by the one thread */
    struct slot *gathers;            /* the one of the last result; NULL: none */
    uint64_t seq;

    struct lock lock; /* guards the slots' states and stops */
    struct cond came_back;
    bool stops;
};

enum err synthetic_output_new(struct synthetic_output **ret,
                              const struct synthetic_output_opts *opts)
{
    struct synthetic_output *o = mem_zalloc(sizeof *o);
    if (!o) return ERR_NOMEM;
    o->opts = *opts;
    lock_init(&o->lock, LOCK_RANK_HUB);
    cond_init(&o->came_back);
    *ret = o;
    return ERR_OK;
}

void synthetic_output_free(struct synthetic_output *o)
{
    if (!o) return;
    for (size_t i = 0; i < OUTPUT_SETS; i++) mem_free(o->slots[i]);
    cond_done(&o->came_back);
    lock_done(&o->lock);
    mem_free(o);
}

static enum slot_state state_of(struct synthetic_output *o, const struct slot *s)
{
    lock_take(&o->lock);
    enum slot_state state = s->state;
    lock_release(&o->lock);
    return state;
}

static void set_state(struct synthetic_output *o, struct slot *s, enum slot_state state)
{
    lock_take(&o->lock);
    s->state = state;
    cond_broadcast(&o->came_back);
    lock_release(&o->lock);
}

static void on_done(struct synthetic_set *set, enum err e)
{
    struct slot *s = (struct slot *)(void *)set;
    set_state(s->output, s, e ? SLOT_FAILED : SLOT_FREE);
}

static void tell_failed(struct synthetic_output *o, struct slot *s)
{
    for (size_t i = 0; i < s->set.set.record_count; i++)
        o->opts.failed(o->opts.failed_ctx, &s->records[i]);
    set_state(o, s, SLOT_FREE);
}

void synthetic_output_collect(struct synthetic_output *o)
{
    for (size_t i = 0; i < OUTPUT_SETS; i++)
        if (o->slots[i] && state_of(o, o->slots[i]) == SLOT_FAILED) tell_failed(o, o->slots[i]);
}

/* --- gathering -------------------------------------------------------------------------------- */

static struct slot *find_free(struct synthetic_output *o)
{
    for (size_t i = 0; i < OUTPUT_SETS; i++) {
        struct slot *s = o->slots[i];
        if (s && state_of(o, s) == SLOT_FREE) return s;
        if (s) continue;
        if (!(s = o->slots[i] = mem_zalloc(sizeof *s))) return NULL;
        s->output = o;
        s->set.done = on_done;
        return s;
    }
    return NULL;
}

/* False: stopped. */
static bool wait_a_moment(struct synthetic_output *o)
{
    lock_take(&o->lock);
    if (!o->stops) cond_wait_for(&o->came_back, &o->lock, RETRY_NS);
    bool go_on = !o->stops;
    lock_release(&o->lock);
    return go_on;
}

/* NULL without memory for even one, or stopped. When all gather or are away, all go away. */
static struct slot *take_slot(struct synthetic_output *o, int64_t org)
{
    struct slot *s = NULL;
    do {
        synthetic_output_collect(o);
        if (!(s = find_free(o))) synthetic_output_flush(o);
    } while (!s && o->slots[0] && wait_a_moment(o));
    if (!s) return NULL;
    s->set.set = (struct record_set){.records = s->records, .points = s->points};
    s->org = org;
    set_state(o, s, SLOT_GATHERS);
    return s;
}

static struct slot *find_gathering(struct synthetic_output *o, int64_t org)
{
    if (o->gathers && o->gathers->org == org) return o->gathers;
    for (size_t i = 0; i < OUTPUT_SETS && o->slots[i]; i++)
        if (o->slots[i]->org == org && state_of(o, o->slots[i]) == SLOT_GATHERS) return o->slots[i];
    return NULL;
}

static void hand_on(struct synthetic_output *o, struct slot *s)
{
    enum err e;
    if (o->gathers == s) o->gathers = NULL;
    s->seq = ++o->seq;
    set_state(o, s, SLOT_AWAY);
    do {
        e = o->opts.write(o->opts.write_ctx, &s->set);
    } while (e == ERR_FULL && wait_a_moment(o));
    if (e) tell_failed(o, s);
}

void synthetic_output_flush(struct synthetic_output *o)
{
    for (size_t i = 0; i < OUTPUT_SETS && o->slots[i]; i++)
        if (state_of(o, o->slots[i]) == SLOT_GATHERS) hand_on(o, o->slots[i]);
}

enum err synthetic_output_add(struct synthetic_output *o, int64_t org, int64_t device,
                              int64_t ts_ns, struct point point)
{
    struct slot *s = find_gathering(o, org);
    struct record_set *set = s ? &s->set.set : NULL;
    struct record *r = set && set->record_count ? &s->records[set->record_count - 1] : NULL;
    bool begins = !r || r->device != device || r->ts_ns != ts_ns;
    if (s &&
        (set->point_count == OUTPUT_POINTS || (begins && set->record_count == OUTPUT_RECORDS))) {
        hand_on(o, s);
        s = NULL;
        begins = true;
    }
    if (!s) s = take_slot(o, org);
    if (!s) return ERR_NOMEM;
    o->gathers = s;
    set = &s->set.set;
    if (begins)
        set->records[set->record_count++] =
            (struct record){org, device, ts_ns, (uint32_t)set->point_count, 0};
    set->records[set->record_count - 1].count++;
    set->points[set->point_count++] = point;
    return ERR_OK;
}

/* --- what is back ----------------------------------------------------------------------------- */

uint64_t synthetic_output_seq(const struct synthetic_output *o)
{
    return o->seq;
}

bool synthetic_output_settled(struct synthetic_output *o, uint64_t seq)
{
    synthetic_output_collect(o);
    for (size_t i = 0; i < OUTPUT_SETS; i++) {
        const struct slot *s = o->slots[i];
        if (s && s->seq <= seq && state_of(o, s) > SLOT_GATHERS) return false;
    }
    return true;
}

void synthetic_output_drain(struct synthetic_output *o)
{
    synthetic_output_flush(o);
    while (!synthetic_output_settled(o, o->seq) && wait_a_moment(o)) continue;
}

void synthetic_output_stop(struct synthetic_output *o)
{
    lock_take(&o->lock);
    o->stops = true;
    cond_broadcast(&o->came_back);
    lock_release(&o->lock);
}
