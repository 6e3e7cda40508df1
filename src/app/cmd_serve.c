/* sensorvision serve: builds the server, says where it is, waits for signals, takes it down. */
#include "app/boot.h"
#include "app/commands.h"
#include "app/conf_tables.h"
#include "app/demo.h"
#include "app/service_manager.h"
#include "base/log.h"
#include "build_info.h"

#include <signal.h>
#include <string.h>

static void log_notes(struct conf *conf)
{
    static const char *const events[] = {
        [CONF_NOTE_PLANNED] = "config_planned", [CONF_NOTE_JVM] = "config_ignored_jvm",
        [CONF_NOTE_UNKNOWN] = "config_unknown", [CONF_NOTE_PROFILE] = "config_profile_missing",
        [CONF_NOTE_BAD] = "config_bad",
    };
    struct conf_note note;
    size_t at = 0;
    while (conf_next_note(conf, &at, &note)) {
        enum log_level level = note.kind == CONF_NOTE_JVM ? LOG_INFO : LOG_WARN;
        if (note.text[0])
            LOG(level, events[note.kind], LOG_S("key", note.key), LOG_S("note", note.text),
                LOG_S("from", note.origin.where));
        else
            LOG(level, events[note.kind], LOG_S("key", note.key), LOG_S("from", note.origin.where));
    }
}

static void say_first_start(struct cli *cli, const struct auth_bootstrap *first)
{
    if (!first->created) return;
    if (first->password[0])
        cli_say(cli, "first administrator: %s  password: %s  (shown once; change it)",
                first->username, first->password);
    else
        cli_say(cli, "first administrator: %s  (password from ADMIN_PASSWORD)", first->username);
    if (first->password_is_short)
        cli_say(cli, "WARNING: ADMIN_PASSWORD is shorter than 12 characters; change it now");
}

static void say_address(struct cli *cli, const struct boot *b)
{
    const char *host = b->settings.server_address;
    bool any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
    cli_say(cli, "sensorvision " BUILD_VERSION " serves http://%s:%u/  data in %s",
            any ? "localhost" : host, http_server_port(b->app.server), b->dir.path);
}

/* The demo's login, and three lines to paste into a shell. */
static struct demo *start_demo(struct cli *cli, struct boot *b)
{
    struct demo *demo;
    struct demo_login login;
    struct why why = {""};
    unsigned port = http_server_port(b->app.server);
    const struct demo_opts opts = {&b->app, port, NULL};
    if (demo_start(&demo, &opts, &login, &why)) {
        cli_say(cli, "the demo could not start: %s", why.text);
        return NULL;
    }
    cli_say(cli, "\n  open   http://localhost:%u/\n  login  %s\n  password  %s\n", port,
            login.username, login.password);
    cli_say(cli,
            "  curl -X POST http://localhost:%u/api/v1/ingest/pump-1 -H 'X-API-Key: %s' -H "
            "'Content-Type: application/json' -d '{\"temperature\":23.5}'\n"
            "  curl 'http://localhost:%u/api/v2/write?precision=s' -H 'Authorization: Token %s' "
            "--data-binary 'telemetry,device=my-first-device temperature=21.5'\n"
            "  curl http://localhost:%u/metrics\n",
            port, login.token, port, login.token, port);
    return demo;
}

/* Blocks SIGTERM, SIGINT and SIGHUP in every thread that starts from here on. */
static sigset_t block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return set;
}

static void wait_for_end(struct boot *b, const sigset_t *set)
{
    int number;
    while (sigwait(set, &number) == 0 && number == SIGHUP) boot_reload(b);
    LOG(LOG_INFO, "stopping", LOG_S("signal", strsignal(number)));
}

/* --http HOST:PORT as two --set. */
static bool split_address(const char *text, char *host, char *port, size_t n)
{
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text) return false;
    snprintf(host, n, "server.address=%.*s", (int)(colon - text), text);
    snprintf(port, n, "server.port=%s", colon + 1);
    return true;
}

int cmd_serve(struct cli *cli)
{
    const char *sets[CLI_VALUES_MAX + 2];
    size_t n = cli_each(cli, "set", sets);
    char host[128], port[128];
    if (cli_has(cli, "http")) {
        if (!split_address(cli_value(cli, "http", ""), host, port, sizeof host))
            return cli_usage(cli, "--http takes HOST:PORT, as 127.0.0.1:8080");
        sets[n++] = host;
        sets[n++] = port;
    }
    struct why why = {""};
    struct conf *conf;
    struct settings unused;
    if (conf_tables_load(&conf, &unused, cli_value(cli, "config", NULL), sets, n, &why))
        return cli_usage(cli, "%s", why.text);
    sigset_t signals = block_signals();
    static struct boot b;
    if (boot_start(&b, conf, cli_value(cli, "data", "var"), &why))
        return cli_fail(cli, "%s", why.text);
    log_notes(b.conf);
    if (cli_has(cli, "mqtt")) cli_say(cli, "--mqtt is planned: not built yet, not listening");
    say_first_start(cli, &b.first);
    say_address(cli, &b);
    struct demo *demo = cli_has(cli, "demo") ? start_demo(cli, &b) : NULL;
    service_manager_notify("READY=1");
    wait_for_end(&b, &signals);
    service_manager_notify("STOPPING=1");
    demo_stop(demo);
    boot_stop(&b);
    return CLI_DONE;
}
