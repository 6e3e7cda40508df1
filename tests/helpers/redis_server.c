/* A real Redis of one test program (see redis_server.h). */
#include "redis_server.h"

#include "base/clock.h"
#include "base/err.h"
#include "cache/redis_link.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char program[] = "/usr/bin/redis-check-rdb"; /* which is the server by another name */

static void run(struct redis_server *s)
{
    fflush(stdout);
    s->pid = fork();
    bug_if(s->pid < 0);
    if (s->pid) return;
    if (!freopen("/dev/null", "w", stdout)) _exit(126);
    execl(program, "redis-server", "--port", "0", "--unixsocket", s->socket, "--save", "",
          "--appendonly", "no", "--dir", s->dir.path, "--maxmemory", "64mb", (char *)NULL);
    _exit(127);
}

static void wait_until_it_answers(struct redis_server *s)
{
    struct redis_place place = {.port = 0};
    const struct bytes ping = BYTES("PING");
    snprintf(place.host, sizeof place.host, "%s", s->socket);
    for (int64_t until = clock_mono_ns(clock_real()) + 20 * NS_PER_S;;) {
        struct redis_link *l;
        struct redis_reply r;
        bool up = !redis_link_open(&l, &place, NS_PER_S);
        bool answers = up && !redis_link_ask(l, &ping, 1, &r) && bytes_is(r.text, "PONG");
        if (up) redis_link_close(l);
        if (answers) return;
        bug_if(clock_mono_ns(clock_real()) > until);
        usleep(2000);
    }
}

bool redis_server_start(struct redis_server *s)
{
    *s = (struct redis_server){.pid = 0};
    if (access(program, X_OK) != 0) {
        printf("skipped: there is no redis-server here (Debian: redis-tools)\n");
        return false;
    }
    signal(SIGPIPE, SIG_IGN);
    temp_dir_make(&s->dir);
    snprintf(s->socket, sizeof s->socket, "%.140s/redis", s->dir.path);
    redis_server_again(s);
    return true;
}

void redis_server_again(struct redis_server *s)
{
    run(s);
    wait_until_it_answers(s);
}

void redis_server_kill(struct redis_server *s)
{
    if (!s->pid) return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    unlink(s->socket);
    s->pid = 0;
}

void redis_server_pause(struct redis_server *s)
{
    kill(s->pid, SIGSTOP);
}

void redis_server_resume(struct redis_server *s)
{
    kill(s->pid, SIGCONT);
}

void redis_server_stop(struct redis_server *s)
{
    redis_server_kill(s);
    temp_dir_remove(&s->dir);
}
