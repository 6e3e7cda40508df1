/* The PostgreSQL of the index proofs, and what it says of plans (see index_world.h). */
#include "index_world.h"

#include "base/mem.h"
#include "store/migrations.h"
#include "store/postgres/postgres_sql.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOG_BYTES = 1 << 22 };

static const char *const settings[] = {"session_preload_libraries=auto_explain",
                                       "auto_explain.log_min_duration=0",
                                       "auto_explain.log_format=json",
                                       "auto_explain.log_nested_statements=on",
                                       "shared_buffers=1GB",
                                       "work_mem=16MB",
                                       "max_wal_size=8GB",
                                       "checkpoint_timeout=1h",
                                       "autovacuum=off", /* plans do not change under a test */
                                       "jit=off",
                                       NULL};

void index_world_tell(struct index_world *w, const char *sql)
{
    PGresult *r = PQexec(w->pg, sql);
    ExecStatusType s = PQresultStatus(r);
    if (s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK) {
        fprintf(stderr, "%s\n%.300s\n", PQerrorMessage(w->pg), sql);
        abort();
    }
    PQclear(r);
}

void index_world_ask(struct index_world *w, const char *sql, char *ret, size_t n)
{
    PGresult *r = PQexec(w->pg, sql);
    bug_if(PQresultStatus(r) != PGRES_TUPLES_OK);
    snprintf(ret, n, "%s", PQntuples(r) ? PQgetvalue(r, 0, 0) : "");
    PQclear(r);
}

static void open_store(struct index_world *w)
{
    const struct postgres_opts opts = {
        .url = w->server.url, .max = 4, .connect_timeout_ns = 30 * NS_PER_S, .clock = clock_real()};
    struct why why = {""};
    enum err e = postgres_pool_new(&w->pool, &opts, &why);
    if (!e) e = postgres_sql_new(&w->db, w->pool);
    if (!e) e = migrate_run(w->db, migrations_catalog, migrations_catalog_count, 1, &why);
    const struct postgres_store_opts store = {w->pool, w->db, clock_real(), 1};
    if (!e) e = postgres_store_open(&w->telemetry, &store, &why);
    if (e) fprintf(stderr, "%s\n", why.text);
    bug_if(e);
}

bool index_world_open(struct index_world *w, const struct index_size *size)
{
    *w = (struct index_world){.server.settings = settings};
    if (!postgres_server_start(&w->server)) return false;
    w->pg = PQconnectdb(w->server.url);
    bug_if(PQstatus(w->pg) != CONNECTION_OK);
    index_world_tell(w, "SET auto_explain.log_min_duration = -1; SET client_min_messages = error; "
                        "SET maintenance_work_mem = '256MB'");
    open_store(w);
    index_seed_fill(w, size);
    w->log = open(w->server.log, O_RDONLY | O_CLOEXEC);
    bug_if(w->log < 0);
    return true;
}

void index_world_close(struct index_world *w)
{
    telemetry_close(w->telemetry);
    w->db->ops->close(w->db);
    postgres_pool_free(w->pool);
    PQfinish(w->pg);
    close(w->log);
    postgres_server_stop(&w->server);
}

/* --- plans ------------------------------------------------------------------------------------ */

static char *read_log(struct index_world *w)
{
    char *text = mem_alloc(LOG_BYTES);
    size_t n = 0;
    bug_if(!text);
    for (ssize_t got; (got = read(w->log, text + n, LOG_BYTES - 1 - n)) > 0;) n += (size_t)got;
    text[n] = 0;
    return text;
}

/* The names that stand for the index in a plan: its own, or those of its partitions. */
static bool plan_uses(struct index_world *w, const char *index, const char *plan, size_t n)
{
    char sql[512], names[4096], quoted[128];
    snprintf(sql, sizeof sql,
             "SELECT string_agg(c.relname, ' ') || ' ' FROM pg_class c WHERE c.relname = '%s' "
             "OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = '%s'::regclass)",
             index, index);
    index_world_ask(w, sql, names, sizeof names);
    for (char *name = names, *end; (end = strchr(name, ' ')); name = end + 1) {
        *end = 0;
        snprintf(quoted, sizeof quoted, "\"Index Name\": \"%.64s\"", name);
        if (memmem(plan, n, quoted, strlen(quoted))) return true;
    }
    return false;
}

/* One entry of the log: "duration: N ms  plan:", then lines that begin with a tab. */
static const char *next_entry(const char *at, double *ret_ms, const char **ret_plan, size_t *ret_n)
{
    static const char words[] = "LOG:  duration: ";
    at = strstr(at, words);
    if (!at) return NULL;
    at += sizeof words - 1;
    *ret_ms = strtod(at, NULL);
    *ret_plan = at;
    do {
        at = strchr(at, '\n');
        if (at) at++;
    } while (at && *at == '\t');
    *ret_n = at ? (size_t)(at - *ret_plan) : strlen(*ret_plan);
    return at ? at : *ret_plan + *ret_n;
}

static void text_of(const char *plan, size_t n, char *ret, size_t cap)
{
    static const char words[] = "\"Query Text\": \"";
    const char *from = memmem(plan, n, words, sizeof words - 1);
    size_t k = 0;
    if (from)
        for (from += sizeof words - 1; *from != '"' && k + 2 < cap; from++) {
            if (*from == '\\') ret[k++] = *from++;
            ret[k++] = *from;
        }
    ret[k] = 0;
}

void index_world_run(struct index_world *w, const struct index_case *c, const char *text,
                     struct index_run *ret)
{
    const char *plan;
    size_t n;
    double ms;
    *ret = (struct index_run){.used = false};
    lseek(w->log, 0, SEEK_END);
    arena_init(&w->arena, 1 << 28);
    c->run(w);
    arena_done(&w->arena);
    char *log = read_log(w);
    struct index_run *seen = mem_zalloc(sizeof *seen);
    bug_if(!seen);
    for (const char *at = log; (at = next_entry(at, &ms, &plan, &n));) {
        text_of(plan, n, seen->text, sizeof seen->text);
        seen->ms = ms;
        seen->used = plan_uses(w, c->index, plan, n);
        bool wanted = text ? strcmp(text, seen->text) == 0 : seen->used || !ret->used;
        if (wanted) *ret = *seen;
    }
    mem_free(seen);
    mem_free(log);
}

void index_world_show(struct index_world *w, const char *index, bool seen)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "UPDATE pg_index SET indisvalid = %s WHERE indexrelid = '%s'::regclass OR indexrelid "
             "IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = '%s'::regclass)",
             seen ? "true" : "false", index, index);
    index_world_tell(w, sql);
}
