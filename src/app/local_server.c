/* A server for one command (see local_server.h). */
#include "app/local_server.h"

#include "app/boot.h"
#include "app/conf_tables.h"
#include "base/mem.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

struct local_server {
    struct boot boot;
    char url[64];
};

static volatile sig_atomic_t interrupted;

static void note_signal(int number)
{
    (void)number;
    interrupted = 1;
}

bool local_server_possible(const struct cli *cli)
{
    char path[1100];
    snprintf(path, sizeof path, "%s/lock", cli_value(cli, "data", "./var"));
    return access(path, F_OK) == 0;
}

bool local_server_interrupted(void)
{
    return interrupted;
}

/* The server's threads are started with these signals blocked, so that they come to this one. */
static void block_signals(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(how, &set, NULL);
}

static void catch_signals(void)
{
    const struct sigaction note = {.sa_handler = note_signal};
    sigaction(SIGINT, &note, NULL);
    sigaction(SIGTERM, &note, NULL);
    signal(SIGPIPE, SIG_IGN); /* a pipe that closes ends an export by its error */
}

int local_server_start(struct cli *cli, struct local_server **ret)
{
    const char *sets[CLI_VALUES_MAX];
    size_t n = cli_each(cli, "set", sets);
    struct why why = {""};
    struct conf *conf;
    struct settings unused;
    struct local_server *s = mem_zalloc(sizeof *s);
    if (!s) return cli_fail(cli, "%s", err_sentence(ERR_NOMEM));
    if (conf_tables_load(&conf, &unused, cli_value(cli, "config", NULL), sets, n, &why)) {
        mem_free(s);
        return cli_usage(cli, "%s", why.text);
    }
    block_signals(SIG_BLOCK);
    catch_signals();
    enum err e = boot_start_for_command(&s->boot, conf, cli_value(cli, "data", "./var"), &why);
    block_signals(SIG_UNBLOCK);
    if (e) {
        mem_free(s);
        return cli_fail(cli, "%s", why.text);
    }
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", http_server_port(s->boot.app.server));
    *ret = s;
    return CLI_DONE;
}

struct admin *local_server_admin(const struct local_server *s)
{
    return s->boot.admin;
}

const char *local_server_url(const struct local_server *s)
{
    return s->url;
}

void local_server_stop(struct local_server *s)
{
    if (!s) return;
    boot_stop(&s->boot);
    mem_free(s);
}
