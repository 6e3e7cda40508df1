/* The arithmetic of a lease (see rate_lease.h). */
#include "pilot/rate_lease.h"

enum { CHUNK_PARTS = 16, LOW_PARTS = 4 };

static int64_t largest_chunk(const struct rate_lease *l)
{
    int64_t most = l->terms.size / CHUNK_PARTS;
    return most > 1 ? most : 1;
}

enum rate_verdict rate_lease_take(struct rate_lease *l, int64_t now_ns)
{
    if (l->left > 0 && now_ns < l->until_ns) {
        l->left--;
        l->spent++;
        l->used_ns = now_ns;
        return RATE_TAKEN;
    }
    return now_ns < l->empty_until_ns ? RATE_REFUSED : RATE_ASK;
}

bool rate_lease_is_low(const struct rate_lease *l)
{
    return l->chunk >= LOW_PARTS && l->left < l->chunk / LOW_PARTS && l->rest > 0;
}

/* Keeps E4: twice as much when the last answer did not last half a lease. */
static void adapt(struct rate_lease *l, int64_t now_ns)
{
    int64_t since_ns = now_ns - l->asked_ns;
    if (since_ns < RATE_LEASE_NS / 2)
        l->chunk *= 2;
    else if (since_ns > RATE_LEASE_NS)
        l->chunk = 1;
    if (l->chunk > largest_chunk(l)) l->chunk = largest_chunk(l);
    if (l->chunk < 1) l->chunk = 1;
    l->asked_ns = now_ns;
}

struct rate_question rate_lease_ask(struct rate_lease *l, int64_t now_ns)
{
    struct rate_question q = {.spent = l->spent};
    adapt(l, now_ns);
    if (now_ns >= l->until_ns) { /* too late to be used */
        q.unused = l->left;
        l->left = 0;
    }
    q.want = l->coming > l->chunk ? l->coming : l->chunk;
    l->spent = 0;
    l->coming = 0;
    return q;
}

bool rate_lease_rest(struct rate_lease *l, int64_t now_ns, struct rate_question *ret)
{
    if (!l->left || now_ns - l->used_ns < RATE_LEASE_IDLE_NS) return false;
    *ret = (struct rate_question){.spent = l->spent, .unused = l->left};
    l->left = l->spent = 0;
    l->chunk = 1;
    return true;
}

void rate_lease_answered(struct rate_lease *l, int64_t sent_ns, const struct rate_answer *a)
{
    l->left += a->granted;
    l->until_ns = sent_ns + RATE_LEASE_NS;
    l->used_ns = sent_ns;
    l->rest = a->rest;
    l->empty_until_ns = 0;
    if (a->rest > 0) return;
    l->next_ns = sent_ns + a->wait_ns;
    l->empty_until_ns = sent_ns + (a->wait_ns < RATE_EMPTY_NS ? a->wait_ns : RATE_EMPTY_NS);
}

void rate_lease_forget(struct rate_lease *l)
{
    l->left = l->spent = l->rest = 0;
    l->until_ns = l->empty_until_ns = 0;
    l->chunk = 1;
}
