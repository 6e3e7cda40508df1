/* Credentials of the command line (see client_session.h). */
#include "app/client_session.h"

#include "app/ask.h"
#include "codec/json_write.h"

#include <stdlib.h>

enum { BEARER_BYTES = 4000 };

/* A POST that must answer 2xx; else ERR_INVALID and the server's sentence. */
static enum err post(struct http_client *c, const char *path, struct bytes json,
                     struct http_answer *ret, struct why *why)
{
    struct http_request request = {
        .method = "POST", .path = path, .content_type = "application/json", .body = json};
    enum err e = http_client_send(c, &request, ret, why);
    if (!e && (ret->status < 200 || ret->status > 299)) {
        http_client_explain(ret, why);
        e = ERR_INVALID;
    }
    return e;
}

/* The access token of an answer becomes a header. */
static enum err take_token(struct http_client *c, const struct http_answer *answer, struct why *why)
{
    char bearer[BEARER_BYTES];
    cJSON *root = cJSON_ParseWithLength(answer->body.p, answer->body.n);
    const char *token = ask_text(root, "accessToken");
    int n = snprintf(bearer, sizeof bearer, "Bearer %s", token);
    enum err e = *token && n < BEARER_BYTES ? http_client_set_header(c, "Authorization", bearer)
                                            : why_say(why, ERR_INVALID,
                                                      "the server's login answer has "
                                                      "no accessToken");
    cJSON_Delete(root);
    return e;
}

static enum err log_in(struct http_client *c, const char *user, const char *password,
                       struct why *why)
{
    struct buf body;
    struct http_answer answer;
    buf_init(&body, 1 << 16);
    json_write_open(&body, '{');
    json_write_member_text(&body, "username", user);
    json_write_member_text(&body, "password", password);
    json_write_close(&body, '}');
    enum err e = body.err;
    if (!e) e = post(c, "/api/v1/auth/login", buf_bytes(&body), &answer, why);
    if (!e) e = take_token(c, &answer, why);
    buf_done(&body);
    return e;
}

static int open_named(struct cli *cli, const char *url, const char *token, const char *user,
                      struct http_client **ret)
{
    char buffer[256];
    const char *password = user ? ask_password(cli, buffer, sizeof buffer) : "";
    if (!password) return CLI_USAGE;
    struct why why = {""};
    struct http_client *c = NULL;
    enum err e = http_client_open(&c, url, &why);
    if (!e)
        e = user ? log_in(c, user, password, &why) : http_client_set_header(c, "X-API-Key", token);
    if (!e) {
        *ret = c;
        return CLI_DONE;
    }
    http_client_close(c);
    return cli_fail(cli, "%s", why.text[0] ? why.text : err_sentence(e));
}

static void keep_number(const cJSON *answer, const char *name, char ret[24])
{
    snprintf(ret, 24, "%lld", (long long)ask_integer(answer, name));
}

/* A verb of the server that is spoken to: by the socket, or here. */
static int ask(struct cli *cli, const struct client_session *s, const char *verb,
               const struct ask_pair *pairs, size_t n, cJSON **ret)
{
    if (!s->server) return ask_run(cli, ASK_SERVER, verb, pairs, n, ret);
    return ask_run_in(cli, local_server_admin(s->server), verb, pairs, n, ret);
}

/* A key of the server of --data, for its owner. */
static int open_owned(struct cli *cli, struct client_session *s)
{
    const struct ask_pair pairs[] = {{"org", cli_value(cli, "org", NULL)}};
    struct why why = {""};
    cJSON *answer = NULL;
    int code = ask(cli, s, "client.open", pairs, 1, &answer);
    if (code) return code;
    keep_number(answer, "keyId", s->key_id);
    keep_number(answer, "userId", s->user_id);
    keep_number(answer, "organizationId", s->org_id);
    enum err e = http_client_open(&s->client, ask_text(answer, "url"), &why);
    if (!e) e = http_client_set_header(s->client, "X-API-Key", ask_text(answer, "key"));
    cJSON_Delete(answer);
    return e ? cli_fail(cli, "%s", why.text[0] ? why.text : err_sentence(e)) : CLI_DONE;
}

int client_session_open(struct cli *cli, struct client_session *ret)
{
    const char *token = cli_value(cli, "token", getenv("SENSORVISION_TOKEN"));
    const char *user = cli_value(cli, "user", NULL), *url = cli_value(cli, "url", NULL);
    char running[128];
    *ret = (struct client_session){.client = NULL};
    if (cli_has(cli, "token") && user) return cli_usage(cli, "either --token or --user");
    if (url && !token && !user) return cli_usage(cli, "--url needs --token, or --user");
    int code = CLI_DONE;
    if (!url && ask_server_url(cli, running, sizeof running)) {
        url = running;
    } else if (!url && (token || user) && !cli_has(cli, "data") && !local_server_possible(cli)) {
        url = "http://127.0.0.1:8080"; /* somebody who keeps no data here */
    } else if (!url) {
        code = local_server_start(cli, &ret->server);
        url = code ? NULL : local_server_url(ret->server);
    }
    if (!code && (token || user)) code = open_named(cli, url, token, user, &ret->client);
    if (!code && !token && !user) code = open_owned(cli, ret);
    if (code) client_session_close(cli, ret);
    return code;
}

void client_session_close(struct cli *cli, struct client_session *s)
{
    http_client_close(s->client);
    s->client = NULL;
    const struct ask_pair pairs[] = {
        {"keyId", s->key_id}, {"userId", s->user_id}, {"organizationId", s->org_id}};
    cJSON *answer = NULL;
    /* a server that stopped meanwhile forgets the key within a day */
    if (s->key_id[0] && ask(cli, s, "client.close", pairs, 3, &answer) == CLI_DONE)
        cJSON_Delete(answer);
    s->key_id[0] = 0;
    local_server_stop(s->server);
    s->server = NULL;
}
