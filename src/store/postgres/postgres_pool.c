/* The connections (see postgres_pool.h). */
#include "store/postgres/postgres_pool.h"

#include "base/mem.h"
#include "sys/lock.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

struct postgres_pool {
    struct postgres_opts opts;
    char *url, *user, *password;
    char name[64];
    struct lock lock; /* guards all below */
    struct cond given;
    struct postgres_conn *idle; /* newest first */
    struct postgres_conn *lent;
    unsigned open, idle_count; /* open: lent, idle and being opened */
    struct postgres_pool_stats stats;
    int64_t away_since_ns, looked_ns; /* 0: it is not away; when somebody looked last */
};
enum { RETRY_MS = 50 };
#define LOOK_EVERY_NS (200 * NS_PER_MS)

/* --- one connection --------------------------------------------------------------------------- */

static void close_conn(struct postgres_conn *c)
{
    if (!c) return;
    PQfinish(c->pg);
    for (size_t i = 0; i < sizeof c->statements / sizeof *c->statements; i++)
        mem_free(c->statements[i].text);
    mem_free(c);
}

static void ignore_notice(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

/* What every session begins with: times and numbers do not depend on the server's settings. */
static bool prepare_session(const struct postgres_pool *p, PGconn *pg)
{
    char sql[448];
    /* what is answered is durable, whatever the role or the database is set to; and a statement is
     * planned for its values each time: a plan for any values does not know how short a LIMIT is,
     * nor that a partial index holds the row (docs/decisions/0031) */
    snprintf(sql, sizeof sql,
             "SET standard_conforming_strings = on; SET timezone = 'UTC'; "
             "SET extra_float_digits = 3; SET plan_cache_mode = force_custom_plan; "
             "SET statement_timeout = %lld; "
             "SELECT set_config('synchronous_commit', 'on', false) "
             "WHERE current_setting('synchronous_commit') = 'off'",
             (long long)(p->opts.statement_timeout_ns / NS_PER_MS));
    PGresult *r = PQexec(pg, sql);
    bool fine = PQresultStatus(r) == PGRES_TUPLES_OK;
    PQclear(r);
    return fine;
}

/* Its first line, without the newline that libpq ends it with. */
static void say_refusal(struct why *why, PGconn *pg)
{
    const char *text = pg ? PQerrorMessage(pg) : err_sentence(ERR_NOMEM);
    (void)why_say(why, ERR_IO, "PostgreSQL: %.*s", (int)strcspn(text, "\n"), text);
}

PGconn *postgres_pool_connect(const struct postgres_pool *p, const char *name, struct why *why)
{
    char seconds[16];
    int64_t wait_s = p->opts.connect_timeout_ns / NS_PER_S;
    snprintf(seconds, sizeof seconds, "%lld", (long long)(wait_s < 2 ? 2 : wait_s));
    /* later ones win over what the url in `dbname` says */
    const char *keys[] = {"dbname",           "connect_timeout",
                          "application_name", "keepalives_idle",
                          "client_encoding",  "user",
                          "password",         NULL};
    const char *values[] = {p->url, seconds, name, "30", "UTF8", p->user, p->password, NULL};
    PGconn *pg = PQconnectdbParams(keys, values, 1);
    if (pg && PQstatus(pg) == CONNECTION_OK) {
        PQsetNoticeProcessor(pg, ignore_notice, NULL);
        if (prepare_session(p, pg)) return pg;
    }
    say_refusal(why, pg);
    PQfinish(pg);
    return NULL;
}

static enum err open_conn(struct postgres_pool *p, struct postgres_conn **ret, struct why *why)
{
    struct postgres_conn *c = mem_zalloc(sizeof *c);
    if (!c) return why_say(why, ERR_NOMEM, "%s", err_sentence(ERR_NOMEM));
    c->pg = postgres_pool_connect(p, p->name, why);
    if (!c->pg) {
        mem_free(c);
        return ERR_IO;
    }
    c->opened_ns = c->given_ns = clock_mono_ns(p->opts.clock);
    *ret = c;
    return ERR_OK;
}

const char *postgres_pool_name(const struct postgres_pool *p)
{
    return p->name;
}

/* --- the pool --------------------------------------------------------------------------------- */

static char *copy_or_null(const char *s)
{
    return s && s[0] ? mem_copy_str(s) : NULL;
}

enum err postgres_pool_new(struct postgres_pool **ret, const struct postgres_opts *opts,
                           struct why *why)
{
    char *said = NULL;
    PQconninfoOption *parsed = PQconninfoParse(opts->url, &said);
    if (!parsed) { /* libpq's sentence repeats the url, and a password in it */
        PQfreemem(said);
        return why_say(why, ERR_INVALID,
                       "store.url is not an address of PostgreSQL: "
                       "postgres://USER:PASSWORD@HOST:PORT/DATABASE, special characters as %%XX");
    }
    PQconninfoFree(parsed);
    struct postgres_pool *p = mem_zalloc(sizeof *p);
    if (!p) return why_say(why, ERR_NOMEM, "%s", err_sentence(ERR_NOMEM));
    p->opts = *opts;
    p->url = mem_copy_str(opts->url);
    p->user = copy_or_null(opts->user);
    p->password = copy_or_null(opts->password);
    snprintf(p->name, sizeof p->name, "%s", opts->name ? opts->name : "sensorvision");
    lock_init(&p->lock, LOCK_RANK_SQL);
    cond_init(&p->given);
    *ret = p;
    return ERR_OK;
}

static bool too_old(const struct postgres_pool *p, const struct postgres_conn *c, int64_t now_ns)
{
    return p->opts.max_lifetime_ns && now_ns - c->opened_ns > p->opts.max_lifetime_ns;
}

/* With the lock. */
static struct postgres_conn *pop_idle(struct postgres_pool *p)
{
    struct postgres_conn *c = p->idle;
    if (!c) return NULL;
    p->idle = c->next;
    p->idle_count--;
    return c;
}

/* With the lock. */
static void note_lent(struct postgres_pool *p, struct postgres_conn *c)
{
    c->taken_ns = clock_mono_ns(p->opts.clock);
    c->leak_counted = false;
    c->next = p->lent;
    p->lent = c;
    if (++p->stats.lent > p->stats.peak) p->stats.peak = p->stats.lent;
}

/* With the lock: an idle connection, or the right to open one (*ret NULL), or the time is over. */
static enum err wait_for_room(struct postgres_pool *p, struct postgres_conn **ret)
{
    int64_t begun_ns = clock_mono_ns(p->opts.clock),
            until_ns = begun_ns + p->opts.connect_timeout_ns;
    bool waited = false;
    while (!(*ret = pop_idle(p)) && p->open >= p->opts.max) {
        int64_t left_ns = until_ns - clock_mono_ns(p->opts.clock);
        if (left_ns <= 0) {
            p->stats.timeouts++;
            return ERR_TIMEOUT;
        }
        waited = true;
        p->stats.waiting++;
        cond_wait_for(&p->given, &p->lock, left_ns);
        p->stats.waiting--;
    }
    if (waited) {
        p->stats.waits++;
        p->stats.waited_ns += (uint64_t)(clock_mono_ns(p->opts.clock) - begun_ns);
    }
    if (!*ret) p->open++;
    return ERR_OK;
}

/* The server has not said goodbye since it was given back: one look may find its last words, and
 * only the next one that it has hung up. */
static bool is_alive(struct postgres_conn *c)
{
    return PQconsumeInput(c->pg) && PQconsumeInput(c->pg) && PQstatus(c->pg) == CONNECTION_OK;
}

/* With the lock: the server is away, and it was looked for a moment ago. */
static bool is_hopeless(struct postgres_pool *p)
{
    int64_t now_ns = clock_mono_ns(p->opts.clock);
    if (!p->away_since_ns || now_ns - p->away_since_ns < POSTGRES_PATIENCE_NS) return false;
    if (now_ns - p->looked_ns < LOOK_EVERY_NS) return true;
    p->looked_ns = now_ns;
    return false;
}

/* Opening one failed; true: it is worth another attempt. */
static bool note_away(struct postgres_pool *p)
{
    int64_t now_ns = clock_mono_ns(p->opts.clock);
    lock_take(&p->lock);
    p->stats.failed++;
    if (!p->away_since_ns) p->away_since_ns = now_ns;
    bool again = now_ns - p->away_since_ns < POSTGRES_PATIENCE_NS;
    if (!again) {
        p->open--;
        cond_signal(&p->given);
    }
    lock_release(&p->lock);
    return again;
}

/* A new one, in the place that was made for it. */
static enum err open_in_place(struct postgres_pool *p, struct postgres_conn **ret, struct why *why)
{
    enum err e;
    while ((e = open_conn(p, ret, why))) {
        if (!note_away(p)) return e;
        poll(NULL, 0, RETRY_MS);
    }
    lock_take(&p->lock);
    p->away_since_ns = 0;
    p->stats.opened++;
    lock_release(&p->lock);
    return ERR_OK;
}

/* An idle one that lives, or room for a new one (*ret NULL). */
static enum err take_place(struct postgres_pool *p, struct postgres_conn **ret)
{
    for (;;) {
        lock_take(&p->lock);
        enum err e = is_hopeless(p) ? ERR_IO : wait_for_room(p, ret);
        lock_release(&p->lock);
        if (e || !*ret || is_alive(*ret)) return e;
        close_conn(*ret); /* died in its sleep */
        lock_take(&p->lock);
        p->open--;
        cond_signal(&p->given);
        lock_release(&p->lock);
    }
}

enum err postgres_pool_take(struct postgres_pool *p, struct postgres_conn **ret, struct why *why)
{
    struct postgres_conn *c = NULL;
    enum err e = take_place(p, &c);
    if (e == ERR_IO) return why_say(why, e, "PostgreSQL does not answer");
    if (e)
        return why_say(why, e, "no PostgreSQL connection became free (%u are in use)", p->opts.max);
    if (!c && (e = open_in_place(p, &c, why))) return e;
    lock_take(&p->lock);
    note_lent(p, c);
    lock_release(&p->lock);
    *ret = c;
    return ERR_OK;
}

/* With the lock. */
static void end_lending(struct postgres_pool *p, struct postgres_conn *c, int64_t now_ns)
{
    struct postgres_conn **at = &p->lent;
    while (*at && *at != c) at = &(*at)->next;
    bug_if(!*at);
    *at = c->next;
    p->stats.lent--;
    c->given_ns = now_ns;
}

void postgres_pool_give(struct postgres_pool *p, struct postgres_conn *c)
{
    int64_t now_ns = clock_mono_ns(p->opts.clock);
    bool keep = !c->broken && PQstatus(c->pg) == CONNECTION_OK &&
                PQtransactionStatus(c->pg) == PQTRANS_IDLE && !too_old(p, c, now_ns);
    lock_take(&p->lock);
    end_lending(p, c, now_ns);
    if (keep) {
        c->next = p->idle;
        p->idle = c;
        p->idle_count++;
    } else {
        p->open--;
    }
    cond_signal(&p->given);
    lock_release(&p->lock);
    if (!keep) close_conn(c);
}

/* With the lock: takes the idle ones that have to go out of the list. */
static struct postgres_conn *take_stale(struct postgres_pool *p, int64_t now_ns)
{
    struct postgres_conn *stale = NULL, **at = &p->idle;
    unsigned kept = 0;
    while (*at) {
        struct postgres_conn *c = *at;
        bool unused = p->opts.idle_timeout_ns && kept >= p->opts.min_idle &&
                      now_ns - c->given_ns > p->opts.idle_timeout_ns;
        if (!unused && !too_old(p, c, now_ns)) {
            kept++;
            at = &c->next;
            continue;
        }
        *at = c->next;
        c->next = stale;
        stale = c;
        p->idle_count--;
        p->open--;
    }
    return stale;
}

void postgres_pool_maintain(struct postgres_pool *p)
{
    int64_t now_ns = clock_mono_ns(p->opts.clock);
    lock_take(&p->lock);
    struct postgres_conn *stale = take_stale(p, now_ns);
    for (struct postgres_conn *c = p->lent; c && p->opts.leak_threshold_ns; c = c->next) {
        if (c->leak_counted || now_ns - c->taken_ns < p->opts.leak_threshold_ns) continue;
        c->leak_counted = true;
        p->stats.leaks++;
    }
    lock_release(&p->lock);
    while (stale) {
        struct postgres_conn *next = stale->next;
        close_conn(stale);
        stale = next;
    }
}

struct postgres_pool_stats postgres_pool_read_stats(struct postgres_pool *p)
{
    lock_take(&p->lock);
    struct postgres_pool_stats s = p->stats;
    s.open = p->open;
    s.away = p->away_since_ns != 0;
    lock_release(&p->lock);
    return s;
}

void postgres_pool_free(struct postgres_pool *p)
{
    if (!p) return;
    bug_if(p->lent);
    while (p->idle) close_conn(pop_idle(p));
    cond_done(&p->given);
    lock_done(&p->lock);
    mem_free(p->url);
    mem_free(p->user);
    mem_free(p->password);
    mem_free(p);
}
