/* PostgreSQL for tests (see postgres_server.h). */
#include "postgres_server.h"

#include "base/err.h"

#include <libpq-fe.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { START_TRIES = 600 }; /* of 50 ms: a deadline that tells a hang from slowness */

/* Where Debian installs it, or where `make` unpacks it. */
static const char *find_bin(void)
{
    static const char *const places[] = {
        "build/tools/postgresql-15/usr/lib/postgresql/15/bin",
        "../../build/tools/postgresql-15/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/15/bin"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/postgres", places[i]);
        if (access(path, X_OK) == 0) return places[i];
    }
    return NULL;
}

static void become_somebody(void)
{
    const struct passwd *nobody = geteuid() == 0 ? getpwnam("nobody") : NULL;
    if (nobody && (setgid(nobody->pw_gid) || setuid(nobody->pw_uid))) _exit(126);
}

static pid_t spawn(char *const argv[], const char *log)
{
    pid_t pid = fork();
    bug_if(pid < 0);
    if (pid) return pid;
    become_somebody();
    if (!freopen("/dev/null", "r", stdin) || !freopen("/dev/null", "w", stdout)) _exit(126);
    if (!freopen(log, "w", stderr)) _exit(126);
    execv(argv[0], argv);
    _exit(127);
}

static void run(char *const argv[])
{
    int status = 0;
    pid_t pid = spawn(argv, "/dev/null");
    bug_if(waitpid(pid, &status, 0) != pid || status != 0);
}

static void wait_ready(const struct postgres_server *s)
{
    for (int i = 0; i < START_TRIES; i++) {
        if (PQping(s->url) == PQPING_OK) return;
        usleep(50000);
    }
    fprintf(stderr, "PostgreSQL did not start in %s\n", s->dir.path);
    abort();
}

static void start(struct postgres_server *s)
{
    char path[256], data[128], sockets[128];
    snprintf(path, sizeof path, "%s/postgres", find_bin());
    snprintf(data, sizeof data, "%s/data", s->dir.path);
    snprintf(sockets, sizeof sockets, "unix_socket_directories=%s", s->dir.path);
    /* what is durable is not what these tests look at; R9 runs with fsync on */
    char *argv[64] = {path,
                      "-D",
                      data,
                      "-c",
                      "listen_addresses=",
                      "-c",
                      sockets,
                      "-c",
                      "fsync=off",
                      "-c",
                      "shared_buffers=64MB",
                      "-c",
                      "max_connections=60",
                      "-c",
                      "max_wal_size=1GB",
                      NULL};
    size_t n = 15;
    for (size_t i = 0; s->settings && s->settings[i]; i++) {
        bug_if(n + 3 > sizeof argv / sizeof *argv);
        argv[n++] = "-c";
        argv[n++] = (char *)s->settings[i];
    }
    s->log[0] = 0;
    if (s->settings) snprintf(s->log, sizeof s->log, "%.100s/log", s->dir.path);
    s->pid = spawn(argv, s->settings ? s->log : "/dev/null");
    wait_ready(s);
}

static void there_is_no_postgresql(void **state)
{
    (void)state;
    skip();
}

int postgres_server_skip(const char *suite)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(there_is_no_postgresql)};
    return cmocka_run_group_tests_name(suite, tests, NULL, NULL);
}

bool postgres_server_start(struct postgres_server *s)
{
    const char *bin = find_bin();
    if (!bin) {
        printf("skipped: there is no PostgreSQL 15 here (package postgresql-15)\n");
        return false;
    }
    const struct passwd *nobody = geteuid() == 0 ? getpwnam("nobody") : NULL;
    char path[256], data[128];
    temp_dir_make(&s->dir);
    if (nobody) bug_if(chown(s->dir.path, nobody->pw_uid, nobody->pw_gid) != 0);
    snprintf(path, sizeof path, "%s/initdb", bin);
    snprintf(data, sizeof data, "%s/data", s->dir.path);
    char *const argv[] = {path,    "-D",        data, "-U",   "sensorvision", "-A",
                          "trust", "--no-sync", "-E", "UTF8", "--locale=C",   NULL};
    run(argv);
    snprintf(s->url, sizeof s->url, "postgres://sensorvision@/postgres?host=%s", s->dir.path);
    start(s);
    return true;
}

void postgres_server_wipe(struct postgres_server *s)
{
    PGconn *pg = PQconnectdb(s->url);
    PGresult *r = PQexec(pg, "SET client_min_messages = error; DROP SCHEMA public CASCADE; "
                             "CREATE SCHEMA public");
    bug_if(PQresultStatus(r) != PGRES_COMMAND_OK);
    PQclear(r);
    PQfinish(pg);
}

static void end(struct postgres_server *s, int sig)
{
    kill(s->pid, sig);
    while (waitpid(s->pid, NULL, 0) < 0) continue;
}

void postgres_server_crash(struct postgres_server *s)
{
    end(s, SIGQUIT);
    start(s);
}

void postgres_server_stop(struct postgres_server *s)
{
    end(s, SIGINT);
    temp_dir_remove(&s->dir);
}
