/* The connections (see postgres_pool.h). */
#include "store/postgres/postgres_pool.h"

#include "base/mem.h"
#include "sys/lock.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

struct postgres_pool {
    struct postgres_opts opts;
    char *url, *user, *password;
    struct lock lock; /* guards all below */
    struct cond given;
    struct postgres_conn *idle; /* newest first */
    struct postgres_conn *lent;
    unsigned open, idle_count; /* open: lent, idle and being opened */
    struct postgres_pool_stats stats;
};

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
static bool prepare_session(struct postgres_pool *p, PGconn *pg)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "SET standard_conforming_strings = on; SET timezone = 'UTC'; "
             "SET extra_float_digits = 3; SET statement_timeout = %lld",
             (long long)(p->opts.statement_timeout_ns / NS_PER_MS));
    PGresult *r = PQexec(pg, sql);
    bool fine = PQresultStatus(r) == PGRES_COMMAND_OK;
    PQclear(r);
    return fine;
}

static enum err open_conn(struct postgres_pool *p, struct postgres_conn **ret, struct why *why)
{
    char seconds[16];
    int64_t wait_s = p->opts.connect_timeout_ns / NS_PER_S;
    snprintf(seconds, sizeof seconds, "%lld", (long long)(wait_s < 2 ? 2 : wait_s));
    /* later ones win over what the url in `dbname` says */
    const char *keys[] = {"dbname",           "connect_timeout",
                          "application_name", "keepalives_idle",
                          "client_encoding",  "user",
                          "password",         NULL};
    const char *values[] = {p->url, seconds, "sensorvision", "30",
                            "UTF8", p->user, p->password,    NULL};
    struct postgres_conn *c = mem_zalloc(sizeof *c);
    if (!c) return why_say(why, ERR_NOMEM, "%s", err_sentence(ERR_NOMEM));
    c->pg = PQconnectdbParams(keys, values, 1);
    if (c->pg && PQstatus(c->pg) == CONNECTION_OK) {
        PQsetNoticeProcessor(c->pg, ignore_notice, NULL);
        if (prepare_session(p, c->pg)) {
            c->opened_ns = c->given_ns = clock_mono_ns(p->opts.clock);
            *ret = c;
            return ERR_OK;
        }
    }
    enum err e = why_say(why, ERR_IO, "PostgreSQL: %.200s",
                         c->pg ? PQerrorMessage(c->pg) : err_sentence(ERR_NOMEM));
    close_conn(c);
    return e;
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
    if (!parsed) {
        enum err e = why_say(why, ERR_INVALID, "store.url: %.200s", said ? said : "not understood");
        PQfreemem(said);
        return e;
    }
    PQconninfoFree(parsed);
    struct postgres_pool *p = mem_zalloc(sizeof *p);
    if (!p) return why_say(why, ERR_NOMEM, "%s", err_sentence(ERR_NOMEM));
    p->opts = *opts;
    p->url = mem_copy_str(opts->url);
    p->user = copy_or_null(opts->user);
    p->password = copy_or_null(opts->password);
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
    p->stats.lent++;
}

/* With the lock: an idle connection, or the right to open one (*ret NULL), or the time is over. */
static enum err wait_for_room(struct postgres_pool *p, struct postgres_conn **ret)
{
    int64_t until_ns = clock_mono_ns(p->opts.clock) + p->opts.connect_timeout_ns;
    while (!(*ret = pop_idle(p)) && p->open >= p->opts.max) {
        int64_t left_ns = until_ns - clock_mono_ns(p->opts.clock);
        if (left_ns <= 0) {
            p->stats.timeouts++;
            return ERR_TIMEOUT;
        }
        p->stats.waiting++;
        cond_wait_for(&p->given, &p->lock, left_ns);
        p->stats.waiting--;
    }
    if (!*ret) p->open++;
    return ERR_OK;
}

static void forget_one(struct postgres_pool *p, bool failed)
{
    lock_take(&p->lock);
    p->open--;
    p->stats.failed += failed;
    cond_signal(&p->given);
    lock_release(&p->lock);
}

enum err postgres_pool_take(struct postgres_pool *p, struct postgres_conn **ret, struct why *why)
{
    struct postgres_conn *c = NULL;
    lock_take(&p->lock);
    enum err e = wait_for_room(p, &c);
    lock_release(&p->lock);
    if (e)
        return why_say(why, e, "no PostgreSQL connection became free (%u are in use)", p->opts.max);
    bool opened = !c;
    if (!c && (e = open_conn(p, &c, why))) {
        forget_one(p, true);
        return e;
    }
    lock_take(&p->lock);
    p->stats.opened += opened;
    note_lent(p, c);
    lock_release(&p->lock);
    *ret = c;
    return ERR_OK;
}

void postgres_pool_give(struct postgres_pool *p, struct postgres_conn *c)
{
    int64_t now_ns = clock_mono_ns(p->opts.clock);
    bool keep = PQstatus(c->pg) == CONNECTION_OK && PQtransactionStatus(c->pg) == PQTRANS_IDLE &&
                !too_old(p, c, now_ns);
    lock_take(&p->lock);
    struct postgres_conn **at = &p->lent;
    while (*at && *at != c) at = &(*at)->next;
    bug_if(!*at);
    *at = c->next;
    p->stats.lent--;
    c->given_ns = now_ns;
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
