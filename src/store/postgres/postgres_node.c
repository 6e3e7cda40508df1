/* One of the processes on a database (see postgres_node.h). What it hears and how it passes that
 * on: postgres_news.c. */
#include "store/postgres/postgres_node.h"

#include "base/mem.h"
#include "store/postgres/postgres_node_state.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Advisory locks: numbers that no other program uses in this database. */
#define VERSION_LOCK "7310585431987123457" /* exclusive: a server of before there were nodes */
#define JOIN_LOCK    "7310585431987123470" /* one at a time joins, and changes the schema */
#define LEAD_LOCK    "7310585431987123471" /* who has it leads */
#define NUMBER_LOCKS "1702260"             /* and the number of a node */

enum { RETRY_MS = 100, MOURN_MS = 100 };
#define LOOK_NS    NS_PER_S
#define ANSWER_NS  (10 * NS_PER_S) /* a database that is silent for so long is away */
#define WELCOME_NS (2 * NS_PER_S)
#define MOURN_NS   (30 * NS_PER_S)

/* --- the connection --------------------------------------------------------------------------- */

static int64_t now(void)
{
    return clock_mono_ns(clock_real());
}

static void break_off(struct postgres_node *n)
{
    PQfinish(n->pg);
    n->pg = NULL;
}

/* Until something comes from the server, closing begins, or the time has passed. */
static void wait_for_word(struct postgres_node *n, int64_t ns)
{
    struct pollfd fds[2] = {{.fd = n->wake, .events = POLLIN},
                            {.fd = n->pg ? PQsocket(n->pg) : -1, .events = POLLIN}};
    eventfd_t ignored;
    int64_t ms = ns <= 0 ? 0 : (ns + NS_PER_MS - 1) / NS_PER_MS;
    if (poll(fds, 2, (int)ms) > 0 && fds[0].revents) (void)eventfd_read(n->wake, &ignored);
}

/* NULL: the connection is none any more. */
static PGresult *ask(struct postgres_node *n, const char *sql, const char *text)
{
    int64_t until_ns = now() + ANSWER_NS;
    if (!n->pg) return NULL;
    bool fine = PQsendQueryParams(n->pg, sql, text ? 1 : 0, NULL, &text, NULL, NULL, 0);
    while (fine && PQisBusy(n->pg)) {
        wait_for_word(n, until_ns - now());
        fine = PQconsumeInput(n->pg) && now() < until_ns;
    }
    PGresult *r = fine ? PQgetResult(n->pg) : NULL, *more;
    while (fine && (more = PQgetResult(n->pg))) PQclear(more);
    ExecStatusType s = PQresultStatus(r);
    if (s == PGRES_TUPLES_OK || s == PGRES_COMMAND_OK) return r;
    PQclear(r);
    break_off(n);
    return NULL;
}

/* False: it did not come about. */
static bool say(struct postgres_node *n, const char *sql, const char *text)
{
    PGresult *r = ask(n, sql, text);
    PQclear(r);
    return r != NULL;
}

/* *ret: the answer is true. False: no answer. */
static bool is(struct postgres_node *n, const char *sql, bool *ret)
{
    PGresult *r = ask(n, sql, NULL);
    if (r) *ret = PQntuples(r) == 1 && PQgetvalue(r, 0, 0)[0] == 't';
    PQclear(r);
    return r != NULL;
}

static bool notify(struct postgres_node *n, const char *text)
{
    return say(n, "SELECT pg_notify('" POSTGRES_TELL_CHANNEL "', $1)", text);
}

static enum err connect_node(struct postgres_node *n, struct why *why)
{
    n->pg = postgres_pool_connect(n->opts.pool, postgres_pool_name(n->opts.pool), why);
    if (!n->pg) return ERR_IO;
    /* a machine that vanished gives its locks back within half a minute */
    PQclear(PQexec(n->pg, "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; "
                          "SET tcp_keepalives_count = 3; SET idle_session_timeout = 0"));
    return ERR_OK;
}

static enum err away(struct why *why)
{
    return why_say(why, ERR_IO, "PostgreSQL: the connection was lost");
}

/* Patiently: whoever has it may be just ending. */
static enum err lock(struct postgres_node *n, const char *sql, const char *said, struct why *why)
{
    for (int64_t until_ns = now() + n->opts.patience_ns;;) {
        bool locked = false;
        if (!is(n, sql, &locked)) return away(why);
        if (locked) return ERR_OK;
        if (now() >= until_ns) return why_say(why, ERR_LOCKED, "%s", said);
        poll(NULL, 0, RETRY_MS);
    }
}

/* --- who is there ----------------------------------------------------------------------------- */

static bool read_there(struct postgres_node *n, uint64_t *ret)
{
    PGresult *r = ask(n,
                      "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND "
                      "classid = " NUMBER_LOCKS " AND objsubid = 2 AND granted AND database = "
                      "(SELECT oid FROM pg_database WHERE datname = current_database())",
                      NULL);
    *ret = 0;
    for (int i = 0; r && i < PQntuples(r); i++) {
        long number = strtol(PQgetvalue(r, i, 0), NULL, 10);
        if (number >= 1 && number <= NODES_MAX) *ret |= UINT64_C(1) << (number - 1);
    }
    PQclear(r);
    return r != NULL;
}

/* Takes the lead if it is free, gives it back where it should. */
static bool look_for_lead(struct postgres_node *n)
{
    bool leads = atomic_load(&n->base.leads), resigns = atomic_load(&n->resigns);
    bool alone = nodes_alive(&n->base) == 1;
    bool may = alone || !(n->opts.yields || resigns);
    if (n->ended) return true;
    if (leads && !may) {
        atomic_store(&n->base.leads, false);
        postgres_news_tell_lead(n); /* before another one begins */
        return say(n, "SELECT pg_advisory_unlock(" LEAD_LOCK ")", NULL);
    }
    if (leads || !may || resigns) return true;
    if (!is(n, "SELECT pg_try_advisory_lock(" LEAD_LOCK ")", &leads)) return false;
    atomic_store(&n->base.leads, leads);
    return true;
}

/* Of a node that died something may still be committed: what it wrote is read when the last of its
 * connections has ended. */
static bool look_for_mourned(struct postgres_node *n)
{
    char name[64];
    if (!n->peers.mourned_count) return true;
    if (!n->mourn_until_ns) n->mourn_until_ns = now() + MOURN_NS;
    for (size_t i = n->peers.mourned_count; i-- > 0;) {
        snprintf(name, sizeof name, "sensorvision %s", n->peers.mourned[i]);
        PGresult *r =
            ask(n, "SELECT 1 FROM pg_stat_activity WHERE application_name = $1 LIMIT 1", name);
        if (!r) return false;
        if (!PQntuples(r) || now() > n->mourn_until_ns) {
            postgres_peers_forget(&n->peers, i);
            n->missed = true;
        }
        PQclear(r);
    }
    if (!n->peers.mourned_count) n->mourn_until_ns = 0;
    return true;
}

static bool look(struct postgres_node *n)
{
    uint64_t there;
    if (!read_there(n, &there)) return false;
    postgres_peers_present(&n->peers, there);
    n->there = there;
    int alive = __builtin_popcountll(there);
    atomic_store_explicit(&n->base.alive, alive ? (unsigned)alive : 1, memory_order_release);
    n->look_due_ns = now() + LOOK_NS;
    return look_for_lead(n) && look_for_mourned(n);
}

/* Whoever comes is told from now on: first counted, then welcomed (see postgres_news.c). */
bool postgres_node_welcome(struct postgres_node *n, const char *id)
{
    char text[160];
    if (!look(n)) return false;
    snprintf(text, sizeof text, "w%u:%s:%llu:%lld:%s", n->base.number, n->id,
             (unsigned long long)postgres_tell_mark(n->tell),
             (long long)atomic_load(&n->base.summed_below_ns), id);
    return notify(n, text);
}

/* --- joining ---------------------------------------------------------------------------------- */

static enum err take_number(struct postgres_node *n, struct why *why)
{
    PGresult *r = ask(n,
                      "SELECT i FROM generate_series(1, 64) AS i "
                      "WHERE pg_try_advisory_lock(" NUMBER_LOCKS ", i) LIMIT 1",
                      NULL);
    if (!r) return away(why);
    bool got = PQntuples(r) == 1;
    if (got) n->base.number = (unsigned)strtoul(PQgetvalue(r, 0, 0), NULL, 10);
    PQclear(r);
    return got ? ERR_OK
               : why_say(why, ERR_FULL, "%d servers work on this database already", NODES_MAX);
}

static bool is_welcome(const struct postgres_node *n, uint64_t there)
{
    for (unsigned i = 1; i <= NODES_MAX; i++)
        if (i != n->base.number && (there >> (i - 1) & 1) && !postgres_peers_know(&n->peers, i))
            return false;
    return true;
}

/* From the hello on nothing that is told is missed; what was written before the welcome is read. A
 * welcome that comes later than we wait for it makes us read again. */
static enum err say_hello(struct postgres_node *n, struct why *why)
{
    char text[96];
    snprintf(text, sizeof text, "h%u:%s:%llu", n->base.number, n->id,
             (unsigned long long)postgres_tell_mark(n->tell));
    if (!notify(n, text) || !look(n)) return away(why);
    uint64_t there = n->there;
    int64_t until_ns = now() + WELCOME_NS;
    while (postgres_news_read(n) && !is_welcome(n, there) && now() < until_ns)
        wait_for_word(n, until_ns - now());
    return n->pg ? ERR_OK : away(why);
}

static enum err enter(struct postgres_node *n, struct why *why)
{
    n->holds = true;
    n->peers = (struct postgres_peers){.mourned_count = 0};
    enum err e = say(n, "LISTEN " POSTGRES_TELL_CHANNEL, NULL) ? ERR_OK : away(why);
    if (!e) e = take_number(n, why);
    if (!e) e = say_hello(n, why);
    if (!e && !say(n, "SELECT pg_advisory_unlock(" JOIN_LOCK ")", NULL)) e = away(why);
    n->holds = false;
    n->missed = false;
    if (!e) atomic_store(&n->base.hears, true);
    return e;
}

static enum err take_locks(struct postgres_node *n, struct why *why)
{
    enum err e =
        lock(n, "SELECT pg_try_advisory_lock_shared(" VERSION_LOCK ")",
             "a server of an earlier version works on this database, alone; stop it first", why);
    if (e) return e;
    return lock(n, "SELECT pg_try_advisory_lock(" JOIN_LOCK ")",
                "another server or command is starting on this database and has not come to an "
                "end of it",
                why);
}

/* --- the thread ------------------------------------------------------------------------------- */

static void note_loss(struct postgres_node *n)
{
    atomic_store(&n->base.hears, false);
    atomic_store(&n->base.leads, false);
    n->deaf = true;
    postgres_news_tell_lead(n);
}

/* PostgreSQL is back, perhaps. */
static void enter_again(struct postgres_node *n)
{
    struct why why = {""};
    enum err e = connect_node(n, &why);
    if (!e) e = take_locks(n, &why);
    if (!e) e = enter(n, &why);
    if (e) {
        if (n->pg) break_off(n);
        return;
    }
    n->deaf = false;
    n->resync = true;
}

static void turn(struct postgres_node *n)
{
    int64_t look_ns = n->look_due_ns - now();
    int64_t mourn_ns = n->peers.mourned_count ? MOURN_MS * NS_PER_MS : INT64_MAX;
    int64_t again_ns = postgres_news_again_ns(n, now());
    int64_t ns = look_ns < mourn_ns ? look_ns : mourn_ns;
    if (again_ns < ns) ns = again_ns;
    if (n->waiting.first && n->told_any) ns = 0;
    wait_for_word(n, n->pg ? ns : RETRY_MS * NS_PER_MS);
    if (atomic_load(&n->closing)) return;
    if (!n->pg) enter_again(n);
    if (n->pg) (void)postgres_news_read(n);
    bool due = now() >= n->look_due_ns || n->peers.mourned_count || atomic_load(&n->resigns);
    if (n->pg && due && !look(n)) n->look_due_ns = 0;
    if (!n->pg && !n->deaf) note_loss(n);
    if (n->pg) postgres_news_tell(n);
}

static void *run(void *arg)
{
    struct postgres_node *n = arg;
    while (!atomic_load(&n->closing)) {
        turn(n);
        if (!atomic_load(&n->resigns)) continue;
        n->ended = true;
        lock_take(&n->lock);
        n->resigned = true;
        cond_broadcast(&n->called);
        lock_release(&n->lock);
    }
    return NULL;
}

/* --- life ------------------------------------------------------------------------------------- */

static struct postgres_node *node_of(struct nodes *n)
{
    return (struct postgres_node *)(void *)n;
}

static void wake_up(struct postgres_node *n)
{
    (void)eventfd_write(n->wake, 1);
}

static void ops_tell(struct nodes *base, enum nodes_topic topic, struct bytes text)
{
    postgres_tell_add(node_of(base)->tell, topic, text);
}

static void ops_tell_records(struct nodes *base, const struct record_set *set)
{
    postgres_tell_records(node_of(base)->tell, set);
}

static void ops_hear(struct nodes *base, const struct nodes_hearer *hearer)
{
    struct postgres_node *n = node_of(base);
    bug_if(n->hearer_count == NODES_HEARERS_MAX);
    n->hearers[n->hearer_count++] = *hearer;
}

static void ops_listen(struct nodes *base)
{
    struct postgres_node *n = node_of(base);
    lock_take(&n->lock);
    n->listening = true;
    lock_release(&n->lock);
    wake_up(n);
}

/* Others are there: one of them takes the lead over, and nothing is done twice. */
static void ops_mute(struct nodes *base)
{
    struct postgres_node *n = node_of(base);
    if (!n->started) return;
    atomic_store(&n->resigns, true);
    wake_up(n);
    lock_take(&n->lock);
    while (!n->resigned) cond_wait(&n->called, &n->lock);
    n->listening = false;
    while (n->calling) cond_wait(&n->called, &n->lock);
    lock_release(&n->lock);
}

/* On the node's thread; the next turn begins with it. */
static void ops_resync(struct nodes *base)
{
    node_of(base)->resync = true;
}

static const struct nodes_ops ops = {
    .tell = ops_tell,
    .tell_records = ops_tell_records,
    .hear = ops_hear,
    .listen = ops_listen,
    .mute = ops_mute,
    .resync = ops_resync,
};

enum err postgres_node_take(struct nodes **ret, const struct postgres_node_opts *opts,
                            struct why *why)
{
    struct postgres_node *n = mem_zalloc(sizeof *n);
    if (!n) return why_say(why, ERR_NOMEM, "%s", err_sentence(ERR_NOMEM));
    n->base.ops = &ops;
    atomic_store(&n->base.alive, 1);
    atomic_store(&n->base.summed_below_ns, INT64_MIN);
    n->opts = *opts;
    snprintf(n->id, sizeof n->id, "%s", opts->id);
    n->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    lock_init(&n->lock, LOCK_RANK_NODES);
    cond_init(&n->called);
    postgres_news_init(n);
    enum err e = n->wake < 0 ? err_from_errno(errno) : connect_node(n, why);
    if (!e) e = take_locks(n, why);
    if (!e) {
        *ret = &n->base;
        return ERR_OK;
    }
    postgres_node_free(&n->base);
    if (why && !why->text[0]) (void)why_say(why, e, "%s", err_sentence(e));
    return e;
}

enum err postgres_node_count(struct nodes *base, unsigned *ret, struct why *why)
{
    uint64_t there;
    if (!read_there(node_of(base), &there)) return away(why);
    *ret = (unsigned)__builtin_popcountll(there);
    return ERR_OK;
}

enum err postgres_node_join(struct nodes *base, struct why *why)
{
    struct postgres_node *n = node_of(base);
    enum err e = postgres_tell_new(&n->tell, n->opts.pool, n->id);
    if (!e) e = enter(n, why);
    if (!e) e = thread_start(&n->thread, run, n, "postgres-node", 0);
    n->started = !e;
    if (e && !why->text[0]) (void)why_say(why, e, "%s", err_sentence(e));
    return e;
}

void postgres_node_stand_aside(struct nodes *base)
{
    struct postgres_node *n = node_of(base);
    if (n->pg) PQclear(PQexec(n->pg, "SELECT pg_advisory_unlock(" JOIN_LOCK ")"));
}

/* The last page it tells has a number, so the others know whether they have heard it all. */
static void say_bye(struct postgres_node *n)
{
    char text[96];
    uint64_t last = postgres_tell_mark(n->tell);
    postgres_tell_free(n->tell);
    n->tell = NULL;
    snprintf(text, sizeof text, "b%s:%llu", n->id, (unsigned long long)last);
    if (n->pg) (void)notify(n, text);
}

void postgres_node_free(struct nodes *base)
{
    if (!base) return;
    struct postgres_node *n = node_of(base);
    atomic_store(&n->closing, true);
    if (n->wake >= 0) wake_up(n);
    if (n->started) pthread_join(n->thread, NULL);
    if (n->started) say_bye(n);
    postgres_tell_free(n->tell);
    PQfinish(n->pg);
    postgres_news_done(n);
    cond_done(&n->called);
    lock_done(&n->lock);
    if (n->wake >= 0) close(n->wake);
    mem_free(n);
}
