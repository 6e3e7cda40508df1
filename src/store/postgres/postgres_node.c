/* One server on a database (see postgres_node.h). */
#include "store/postgres/postgres_node.h"

#include "base/mem.h"
#include "sys/thread.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Any number that no other program uses for an advisory lock of this database. */
#define NODE_LOCK "7310585431987123457"
enum { RETRY_MS = 100, LOOK_MS = 1000 };

struct postgres_node {
    struct postgres_node_opts opts;
    PGconn *pg; /* of the thread, once it runs; NULL: broken */
    pthread_t thread;
    int wake; /* eventfd: closing */
    _Atomic bool closing;
};

static PGconn *connect_node(const struct postgres_node *n, struct why *why)
{
    char host[40] = "", name[80];
    (void)gethostname(host, sizeof host - 1);
    snprintf(name, sizeof name, "sensorvision %s %ld", host, (long)getpid());
    PGconn *pg = postgres_pool_connect(n->opts.pool, name, why);
    /* a machine that vanished gives its lock back within half a minute */
    if (pg)
        PQclear(PQexec(pg, "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; "
                           "SET tcp_keepalives_count = 3; SET idle_session_timeout = 0"));
    return pg;
}

static enum err try_lock(PGconn *pg, struct why *why)
{
    PGresult *r = PQexec(pg, "SELECT pg_try_advisory_lock(" NODE_LOCK ")");
    enum err e = ERR_LOCKED;
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        e = why_say(why, ERR_IO, "PostgreSQL: %.200s", PQerrorMessage(pg));
    else if (PQgetvalue(r, 0, 0)[0] == 't')
        e = ERR_OK;
    PQclear(r);
    return e;
}

/* Who has it, as their connection is called: "sensorvision HOST PID". */
static enum err name_other(PGconn *pg, struct why *why)
{
    PGresult *r = PQexec(pg, "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a "
                             "ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.granted "
                             "AND (l.classid::bigint << 32) + l.objid::bigint = " NODE_LOCK
                             " AND l.database = (SELECT oid FROM pg_database "
                             "WHERE datname = current_database())");
    const char *name =
        PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) ? PQgetvalue(r, 0, 0) : "unknown";
    enum err e =
        why_say(why, ERR_LOCKED,
                "another server or command works on this database (%.64s: host and process "
                "id); one at a time can: stop that one first",
                name[0] ? name : "unknown");
    PQclear(r);
    return e;
}

static enum err lock_patiently(struct postgres_node *n, struct why *why)
{
    enum err e = ERR_LOCKED;
    for (int64_t left = n->opts.patience_ns; e == ERR_LOCKED; left -= RETRY_MS * NS_PER_MS) {
        e = try_lock(n->pg, why);
        if (e != ERR_LOCKED) return e;
        if (left <= 0) return name_other(n->pg, why);
        poll(NULL, 0, RETRY_MS);
    }
    return e;
}

/* --- keeping it ------------------------------------------------------------------------------- */

/* Until something comes from the server, closing begins, or a second has passed. */
static void wait_for_word(struct postgres_node *n, int timeout_ms)
{
    struct pollfd fds[2] = {{.fd = n->wake, .events = POLLIN},
                            {.fd = n->pg ? PQsocket(n->pg) : -1, .events = POLLIN}};
    (void)poll(fds, 2, timeout_ms);
}

static void note_break(struct postgres_node *n)
{
    if (!n->pg || (PQconsumeInput(n->pg) && PQstatus(n->pg) == CONNECTION_OK)) return;
    PQfinish(n->pg);
    n->pg = NULL;
}

/* After a restart of PostgreSQL. False: somebody else has it now. */
static bool take_again(struct postgres_node *n, struct why *why)
{
    n->pg = connect_node(n, why);
    if (!n->pg) return true; /* still away */
    enum err e = lock_patiently(n, why);
    if (!e) return true;
    PQfinish(n->pg);
    n->pg = NULL;
    return e != ERR_LOCKED;
}

static void *run(void *arg)
{
    struct postgres_node *n = arg;
    struct why why = {""};
    while (!atomic_load(&n->closing)) {
        wait_for_word(n, n->pg ? LOOK_MS : RETRY_MS);
        if (atomic_load(&n->closing)) break;
        note_break(n);
        if (n->pg || take_again(n, &why)) continue;
        if (n->opts.lost) n->opts.lost(n->opts.ctx, why.text);
        break;
    }
    return NULL;
}

enum err postgres_node_take(struct postgres_node **ret, const struct postgres_node_opts *opts,
                            struct why *why)
{
    struct postgres_node *n = mem_zalloc(sizeof *n);
    if (!n) return why_say(why, ERR_NOMEM, "%s", err_sentence(ERR_NOMEM));
    n->opts = *opts;
    n->wake = eventfd(0, EFD_CLOEXEC);
    enum err e = n->wake < 0 ? err_from_errno(errno) : ERR_OK;
    if (!e && !(n->pg = connect_node(n, why))) e = ERR_IO;
    if (!e) e = lock_patiently(n, why);
    if (!e) e = thread_start(&n->thread, run, n, "postgres-node", 0);
    if (e) {
        PQfinish(n->pg);
        if (n->wake >= 0) close(n->wake);
        mem_free(n);
        if (why && !why->text[0]) (void)why_say(why, e, "%s", err_sentence(e));
        return e;
    }
    *ret = n;
    return ERR_OK;
}

void postgres_node_free(struct postgres_node *n)
{
    if (!n) return;
    atomic_store(&n->closing, true);
    (void)eventfd_write(n->wake, 1);
    pthread_join(n->thread, NULL);
    PQfinish(n->pg);
    close(n->wake);
    mem_free(n);
}
