/* The thread that asks Redis for tokens (see rate_share.h). */
#include "pilot/rate_share.h"

#include "base/mem.h"
#include "cache/breaker.h"
#include "sys/lock.h"
#include "sys/thread.h"

#include <stdio.h>

#define PROBE_NS (500 * NS_PER_MS)
#define SWEEP_NS (50 * NS_PER_MS)
#define QUIET_NS NS_PER_S

enum {
    AT_ONCE = 64,
    PROBES = 3,
    NAME_BYTES = 56,
    NUMBERS = 8,
    NUMBER_BYTES = 32,
    FIXED = 5,
    PARTS = 3
};

/* Times are microseconds since 2023-11-14, as doubles, which are exact to a 32nd of one then. `f`
 * is when the bucket will be full, every other field a node's lease: tokens:end. While tokens are
 * out the bucket does not refill beyond what is left without them (E2 of rate_lease.h). */
static const char script[] =
    "local t = redis.call('TIME')\n"
    "local now = (tonumber(t[1]) - 1700000000) * 1000000 + tonumber(t[2])\n"
    "local node, spent, unused, want = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), "
    "tonumber(ARGV[4])\n"
    "local step, room, own, nodes, life = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), "
    "tonumber(ARGV[8]), tonumber(ARGV[9])\n"
    "local all = redis.call('HGETALL', KEYS[1])\n"
    "local full, mine, others = nil, 0, 0\n"
    "for i = 1, #all, 2 do\n"
    "  if all[i] == 'f' then full = tonumber(all[i + 1])\n"
    "  else\n"
    "    local n, ends = string.match(all[i + 1], '(%d+):(%d+)')\n"
    "    if tonumber(ends) <= now then redis.call('HDEL', KEYS[1], all[i])\n"
    "    elseif all[i] == node then mine = tonumber(n)\n"
    "    else others = others + tonumber(n) end\n"
    "  end\n"
    "end\n"
    "if full then full = math.max(full, now + own) else full = now + own * nodes end\n"
    "full = math.max(math.min(full, now + room), now + (mine + others) * step)\n"
    "spent = math.min(spent, mine)\n"
    "unused = math.min(unused, mine - spent)\n"
    "full = full - unused * step\n"
    "local free = math.max(0, math.floor((now + room - full) / step + 0.000001))\n"
    "local grant = math.min(want, free)\n"
    "full = full + grant * step\n"
    "mine = mine - spent - unused + grant\n"
    "if mine > 0 then redis.call('HSET', KEYS[1], node, string.format('%d:%d', mine, now + life))\n"
    "else redis.call('HDEL', KEYS[1], node) end\n"
    "redis.call('HSET', KEYS[1], 'f', string.format('%.3f', full))\n"
    "local keep = math.ceil(math.max(full - now, life) / 1000) + 1000\n"
    "redis.call('PEXPIRE', KEYS[1], string.format('%d', math.min(keep, 2000000000)))\n"
    "local wait = math.ceil(math.max(0, full + step - room - now))\n"
    "return {string.format('%d', grant), string.format('%d', free - grant), "
    "string.format('%d', wait)}\n";

struct rate_share {
    struct rate_share_opts opts; /* immutable, as the next */
    char node[24];

    struct lock lock;                 /* guards the next block, and every place */
    struct cond wake, answered;       /* the thread; who waits */
    struct rate_place *first, **last; /* to be asked for */
    struct rate_place *listed;        /* with something on lease */
    uint64_t era;
    bool up, stopping;

    pthread_t thread;
    bool started;

    struct redis_link *link; /* the thread's, as the rest */
    struct breaker breaker;
    int64_t spoke_ns;
    char sha[64]; /* of the script, as Redis calls it */
};

/* --- taking ----------------------------------------------------------------------------------- */

/* With the lock. */
static void ask_for(struct rate_share *s, struct rate_place *p)
{
    if (p->asking) return;
    p->asking = true;
    p->next_asking = NULL;
    *s->last = p;
    s->last = &p->next_asking;
    cond_signal(&s->wake);
}

static enum err take_here(struct rate_share *s, struct rate_place *p, int64_t now_ns)
{
    enum rate_verdict v = rate_lease_take(&p->lease, now_ns);
    if (v == RATE_REFUSED) return ERR_RATE;
    if (v == RATE_ASK) return ERR_MORE;
    if (rate_lease_is_low(&p->lease)) ask_for(s, p);
    return ERR_OK;
}

static enum err wait_for(struct rate_share *s, struct rate_place *p, int64_t begin_ns)
{
    int64_t now_ns = begin_ns, most_ns = s->opts.ask_ns * 5 / 2;
    enum err e = ERR_MORE;
    while (e == ERR_MORE && s->up && now_ns - begin_ns < most_ns) {
        if (!p->asking) p->lease.coming++;
        ask_for(s, p);
        while (p->asking && s->up && now_ns - begin_ns < most_ns) {
            cond_wait_for(&s->answered, &s->lock, most_ns - (now_ns - begin_ns));
            now_ns = clock_mono_ns(s->opts.clock);
        }
        e = take_here(s, p, now_ns);
    }
    return e == ERR_MORE ? ERR_CLOSED : e;
}

enum err rate_share_take(struct rate_share *s, struct rate_place *p, const struct rate_terms *terms,
                         bool may_block, int64_t *ret_remaining, int64_t *ret_wait_ns)
{
    int64_t now_ns = clock_mono_ns(s->opts.clock);
    enum err e = ERR_CLOSED;
    lock_take(&s->lock);
    if (s->up) {
        if (p->era != s->era) rate_lease_forget(&p->lease);
        p->era = s->era;
        p->lease.terms = *terms;
        e = take_here(s, p, now_ns);
        if (e == ERR_MORE && may_block) e = wait_for(s, p, now_ns);
        if (e == ERR_MORE) {
            p->lease.coming++;
            ask_for(s, p);
        }
        *ret_remaining = p->lease.left + p->lease.rest;
        *ret_wait_ns = p->lease.next_ns > now_ns ? p->lease.next_ns - now_ns : 1;
    }
    lock_release(&s->lock);
    return e;
}

bool rate_share_is_up(struct rate_share *s)
{
    lock_take(&s->lock);
    bool up = s->up;
    lock_release(&s->lock);
    return up;
}

/* --- questions -------------------------------------------------------------------------------- */

struct turn {
    struct rate_place *places[AT_ONCE];
    struct rate_question questions[AT_ONCE];
    struct rate_terms terms[AT_ONCE];
    struct rate_answer answers[AT_ONCE];
    size_t n;
    int64_t sent_ns;
};

static void add(struct turn *t, struct rate_place *p, const struct rate_question *q)
{
    t->places[t->n] = p;
    t->questions[t->n] = *q;
    t->terms[t->n] = p->lease.terms;
    t->n++;
}

/* With the lock: who asks, and what rests. */
static void gather(struct rate_share *s, struct turn *t, bool all)
{
    int64_t now_ns = clock_mono_ns(s->opts.clock) + (all ? RATE_LEASE_IDLE_NS : 0);
    while (s->first && t->n < AT_ONCE) {
        struct rate_place *p = s->first;
        const struct rate_question q = rate_lease_ask(&p->lease, now_ns);
        s->first = p->next_asking;
        if (!s->first) s->last = &s->first;
        add(t, p, &q);
    }
    for (struct rate_place **at = &s->listed, *p; (p = *at) && t->n < AT_ONCE;) {
        struct rate_question q;
        bool rests = !p->asking && rate_lease_rest(&p->lease, now_ns, &q);
        if (rests) add(t, p, &q);
        if (p->lease.left) {
            at = &p->next_listed;
            continue;
        }
        *at = p->next_listed;
        p->listed = false;
    }
}

static enum err send_one(struct rate_share *s, const struct turn *t, size_t i)
{
    char name[NAME_BYTES], text[NUMBERS][NUMBER_BYTES];
    const struct rate_question *q = &t->questions[i];
    const struct rate_terms *m = &t->terms[i];
    double step_us = (double)m->step_ns / 1e3;
    const double numbers[NUMBERS] = {
        (double)q->spent,          (double)q->unused,       (double)q->want, step_us,
        step_us * (double)m->size, (double)m->own_ns / 1e3, m->nodes,        2e-3 * RATE_LEASE_NS};
    snprintf(name, sizeof name, "sv:%016llx:rate:%llx", (unsigned long long)s->opts.installation,
             (unsigned long long)t->places[i]->name);
    struct bytes args[FIXED + NUMBERS] = {BYTES("EVALSHA"), bytes_str(s->sha), BYTES("1"),
                                          bytes_str(name), bytes_str(s->node)};
    for (size_t k = 0; k < NUMBERS; k++) {
        snprintf(text[k], NUMBER_BYTES, "%.3f", numbers[k]);
        args[FIXED + k] = bytes_str(text[k]);
    }
    return redis_link_send(s->link, args, FIXED + NUMBERS);
}

static enum err receive_one(struct rate_share *s, struct rate_answer *ret)
{
    struct redis_reply reply;
    int64_t numbers[PARTS];
    enum err e = redis_link_receive(s->link, &reply);
    if (e) return e;
    if (reply.kind != REDIS_ARRAY || reply.n != PARTS) return ERR_CORRUPT;
    for (size_t i = 0; i < PARTS; i++) {
        const struct redis_reply part = redis_link_element(&reply, i);
        if (part.kind != REDIS_TEXT || !bytes_to_i64(part.text, &numbers[i])) return ERR_CORRUPT;
        if (numbers[i] < 0) return ERR_CORRUPT;
    }
    *ret = (struct rate_answer){numbers[0], numbers[1], numbers[2] * NS_PER_US};
    return ERR_OK;
}

/* Since then, in the measure of the breaker: RATE_SHARE_ASK_NS is as long as it may take. */
static int64_t took(const struct rate_share *s, int64_t begin_ns)
{
    double ns = (double)(clock_mono_ns(s->opts.clock) - begin_ns);
    return (int64_t)(ns * RATE_SHARE_ASK_NS / (double)s->opts.ask_ns);
}

/* What was granted but is more than was asked for is a lie. */
static enum err ask(struct rate_share *s, struct turn *t)
{
    enum err e = ERR_OK;
    t->sent_ns = s->spoke_ns = clock_mono_ns(s->opts.clock);
    for (size_t i = 0; i < t->n && !e; i++) e = send_one(s, t, i);
    for (size_t i = 0; i < t->n && !e; i++) {
        e = receive_one(s, &t->answers[i]);
        if (!e && t->answers[i].granted > t->questions[i].want) e = ERR_CORRUPT;
    }
    if (!e) breaker_answered(&s->breaker, took(s, t->sent_ns));
    return !e && s->breaker.open ? ERR_TIMEOUT : e;
}

static enum err ping(struct rate_share *s)
{
    const struct bytes word = BYTES("PING");
    struct redis_reply reply;
    s->spoke_ns = clock_mono_ns(s->opts.clock);
    enum err e = redis_link_ask(s->link, &word, 1, &reply);
    return !e && reply.kind != REDIS_TEXT ? ERR_CORRUPT : e;
}

/* With the lock. */
static void take_answers(struct rate_share *s, const struct turn *t)
{
    for (size_t i = 0; i < t->n; i++) {
        struct rate_place *p = t->places[i];
        rate_lease_answered(&p->lease, t->sent_ns, &t->answers[i]);
        if (t->questions[i].want) p->asking = false;
        if (!p->lease.left || p->listed) continue;
        p->listed = true;
        p->next_listed = s->listed;
        s->listed = p;
    }
}

/* --- away, and back --------------------------------------------------------------------------- */

/* With the lock: nobody waits for what does not come. */
static void give_up(struct rate_share *s, const struct turn *t)
{
    s->up = false;
    for (size_t i = 0; i < t->n; i++) t->places[i]->asking = false;
    for (struct rate_place *p = s->first; p; p = p->next_asking) p->asking = false;
    s->first = NULL;
    s->last = &s->first;
    for (struct rate_place *p = s->listed; p; p = p->next_listed) p->listed = false;
    s->listed = NULL;
}

static enum err load_script(struct rate_share *s)
{
    const struct bytes args[] = {BYTES("SCRIPT"), BYTES("LOAD"), bytes_str(script)};
    struct redis_reply reply;
    enum err e = redis_link_ask(s->link, args, 3, &reply);
    if (!e && (reply.kind != REDIS_TEXT || reply.text.n >= sizeof s->sha)) e = ERR_CORRUPT;
    if (!e) snprintf(s->sha, sizeof s->sha, "%.*s", (int)reply.text.n, reply.text.p);
    return e;
}

static enum err probe(struct rate_share *s)
{
    int64_t begin_ns = clock_mono_ns(s->opts.clock);
    enum err e = ping(s);
    return !e && took(s, begin_ns) > 2 * BREAKER_SLOW_NS ? ERR_TIMEOUT : e;
}

static void take_up(struct rate_share *s)
{
    if (redis_link_open(&s->link, &s->opts.place, s->opts.ask_ns)) return;
    enum err e = load_script(s);
    for (int i = 0; i < PROBES && !e; i++) e = probe(s);
    if (e) {
        redis_link_close(s->link);
        s->link = NULL;
        return;
    }
    breaker_close(&s->breaker);
    lock_take(&s->lock);
    s->era++;
    s->up = true;
    lock_release(&s->lock);
}

/* Waits for questions; false: stop. */
static bool rest(struct rate_share *s, struct turn *t)
{
    lock_take(&s->lock);
    if (s->link) gather(s, t, false);
    if (!t->n && !s->stopping) {
        cond_wait_for(&s->wake, &s->lock, !s->link ? PROBE_NS : s->listed ? SWEEP_NS : QUIET_NS);
        if (s->link) gather(s, t, false);
    }
    bool go_on = !s->stopping;
    lock_release(&s->lock);
    return go_on;
}

static void take_turn(struct rate_share *s, struct turn *t)
{
    enum err e = ERR_OK;
    if (t->n)
        e = ask(s, t);
    else if (clock_mono_ns(s->opts.clock) - s->spoke_ns > QUIET_NS)
        e = ping(s);
    lock_take(&s->lock);
    if (e)
        give_up(s, t);
    else
        take_answers(s, t);
    cond_broadcast(&s->answered);
    lock_release(&s->lock);
    if (!e) return;
    redis_link_close(s->link);
    s->link = NULL;
}

static void *run(void *share)
{
    struct rate_share *s = share;
    struct turn t;
    bool go_on = true;
    while (go_on) {
        t.n = 0;
        if (!s->link) take_up(s);
        go_on = rest(s, &t);
        if (s->link) take_turn(s, &t);
    }
    for (t.n = 1; t.n && s->link;) { /* all that is on lease goes back */
        t.n = 0;
        lock_take(&s->lock);
        gather(s, &t, true);
        lock_release(&s->lock);
        if (t.n) take_turn(s, &t);
    }
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------- */

enum err rate_share_new(struct rate_share **ret, const struct rate_share_opts *opts)
{
    struct rate_share *s = mem_zalloc(sizeof *s);
    if (!s) return ERR_NOMEM;
    s->opts = *opts;
    if (!s->opts.ask_ns) s->opts.ask_ns = RATE_SHARE_ASK_NS;
    s->last = &s->first;
    snprintf(s->node, sizeof s->node, "%016llx", (unsigned long long)rnd_u64(opts->rnd));
    lock_init(&s->lock, LOCK_RANK_QUOTA);
    cond_init(&s->wake);
    cond_init(&s->answered);
    enum err e = thread_start(&s->thread, run, s, "rates", 0);
    s->started = !e;
    if (e)
        rate_share_free(s);
    else
        *ret = s;
    return e;
}

void rate_share_free(struct rate_share *s)
{
    if (!s) return;
    lock_take(&s->lock);
    s->stopping = true;
    cond_signal(&s->wake);
    lock_release(&s->lock);
    if (s->started) pthread_join(s->thread, NULL);
    redis_link_close(s->link);
    cond_done(&s->answered);
    cond_done(&s->wake);
    lock_done(&s->lock);
    mem_free(s);
}
