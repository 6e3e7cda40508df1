/* sensorvision serve: builds the server, says where it is, waits for signals, takes it down. */
#include "api/mqtt_api.h"
#include "app/boot.h"
#include "app/commands.h"
#include "app/conf_report.h"
#include "app/conf_tables.h"
#include "app/demo.h"
#include "app/service_manager.h"
#include "base/log.h"
#include "build_info.h"

#include <signal.h>
#include <string.h>

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
    if (b->app.mqtt)
        cli_say(cli, "MQTT on %s:%u", b->settings.mqtt_address, mqtt_api_port(b->app.mqtt));
    if (b->app.mqtt && mqtt_api_tls_port(b->app.mqtt))
        cli_say(cli, "MQTT over TLS on %s:%u", b->settings.mqtt_address,
                mqtt_api_tls_port(b->app.mqtt));
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

/* --http or --mqtt HOST:PORT as two --set. */
static bool split_address(const char *text, const char *section, char *host, char *port, size_t n)
{
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text) return false;
    snprintf(host, n, "%s.address=%.*s", section, (int)(colon - text), text);
    snprintf(port, n, "%s.port=%s", section, colon + 1);
    return true;
}

struct sets {
    const char *list[CLI_VALUES_MAX + 5];
    size_t n;
    char text[4][128];
};

/* --http and --mqtt stand behind the --set that were given; false: one is no address. */
static bool gather_sets(struct cli *cli, struct sets *s)
{
    s->n = cli_each(cli, "set", s->list);
    if (cli_has(cli, "http")) {
        if (!split_address(cli_value(cli, "http", ""), "server", s->text[0], s->text[1], 128))
            return false;
        s->list[s->n++] = s->text[0];
        s->list[s->n++] = s->text[1];
    }
    if (cli_has(cli, "mqtt")) {
        if (!split_address(cli_value(cli, "mqtt", ""), "mqtt", s->text[2], s->text[3], 128))
            return false;
        s->list[s->n++] = "mqtt.enabled=true";
        s->list[s->n++] = s->text[2];
        s->list[s->n++] = s->text[3];
    }
    return true;
}

int cmd_serve(struct cli *cli)
{
    struct sets sets;
    if (!gather_sets(cli, &sets))
        return cli_usage(cli, "--http and --mqtt take HOST:PORT, as 127.0.0.1:8080");
    struct why why = {""};
    struct conf *conf;
    struct settings unused;
    if (conf_tables_load(&conf, &unused, cli_value(cli, "config", NULL), sets.list, sets.n, &why))
        return cli_usage(cli, "%s", why.text);
    sigset_t signals = block_signals();
    static struct boot b;
    if (boot_start(&b, conf, cli_value(cli, "data", "var"), &why))
        return cli_fail(cli, "%s", why.text);
    conf_report_log(b.conf);
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
