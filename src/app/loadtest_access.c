/* Who the load test is: an administrator, by --user or --token at --url, or by the control socket
 * of --data, whose owner needs neither (see loadtest.h). */
#include "app/ask.h"
#include "app/loadtest_jobs.h"
#include "codec/json_write.h"

#include <stdlib.h>

static enum err log_in(struct loadtest *t, const char *user, const char *password)
{
    struct buf body;
    cJSON *json = NULL;
    buf_init(&body, 1 << 16);
    json_write_open(&body, '{');
    json_write_member_text(&body, "username", user);
    json_write_member_text(&body, "password", password);
    json_write_close(&body, '}');
    enum err e = loadtest_jobs_one(t, "POST", "/api/v1/auth/login", NULL, buf_bytes(&body), &json);
    if (!e)
        snprintf(t->admin, sizeof t->admin, "Authorization: Bearer %s",
                 ask_text(json, "accessToken"));
    cJSON_Delete(json);
    buf_done(&body);
    return e;
}

/* Whose credential it is must be an administrator's: it makes organisations and ends them. */
static enum err check_role(struct loadtest *t)
{
    cJSON *json = NULL;
    enum err e = loadtest_jobs_one(t, "GET", "/api/v1/auth/me", t->admin, bytes_str(NULL), &json);
    const cJSON *role, *roles = e ? NULL : cJSON_GetObjectItemCaseSensitive(json, "roles");
    bool admin = false;
    cJSON_ArrayForEach(role, roles)
    {
        const char *name = cJSON_GetStringValue(role);
        admin = admin || (name && strcmp(name, "ROLE_ADMIN") == 0);
    }
    cJSON_Delete(json);
    if (!e && !admin)
        e = why_say(&t->why, ERR_FORBIDDEN,
                    "the load test needs an administrator of the installation (ROLE_ADMIN)");
    return e;
}

static enum err open_named(struct loadtest *t)
{
    struct cli *cli = t->cli;
    const char *token = cli_value(cli, "token", getenv("SENSORVISION_TOKEN"));
    const char *user = cli_value(cli, "user", NULL);
    char buffer[256];
    if (user) {
        const char *password = ask_password(cli, buffer, sizeof buffer);
        if (!password) return why_say(&t->why, ERR_UNAUTHENTICATED, "no password for --user");
        return log_in(t, user, password);
    }
    if (!token)
        return why_say(&t->why, ERR_UNAUTHENTICATED,
                       "--url needs --user with --password, or --token: an administrator's");
    snprintf(t->admin, sizeof t->admin, "X-API-Key: %s", token);
    return ERR_OK;
}

/* A key of the running server of --data. Failures have been said. */
static enum err open_owned(struct loadtest *t)
{
    const struct ask_pair pairs[] = {{"administrator", "yes"}};
    cJSON *answer = NULL;
    if (ask_run(t->cli, ASK_SERVER, "client.open", pairs, 1, &answer)) return ERR_FORBIDDEN;
    snprintf(t->key_id, sizeof t->key_id, "%lld", (long long)ask_integer(answer, "keyId"));
    snprintf(t->key_user, sizeof t->key_user, "%lld", (long long)ask_integer(answer, "userId"));
    snprintf(t->key_org, sizeof t->key_org, "%lld",
             (long long)ask_integer(answer, "organizationId"));
    snprintf(t->admin, sizeof t->admin, "X-API-Key: %s", ask_text(answer, "key"));
    enum err e = loadtest_net_init(&t->net, &t->loop, ask_text(answer, "url"), &t->why);
    cJSON_Delete(answer);
    return e;
}

enum err loadtest_access_open(struct loadtest *t)
{
    enum err e = ERR_OK;
    if (t->opts.url) {
        e = loadtest_net_init(&t->net, &t->loop, t->opts.url, &t->why);
        if (!e) e = open_named(t);
    } else {
        e = open_owned(t);
    }
    return e ? e : check_role(t);
}

void loadtest_access_close(struct loadtest *t)
{
    const struct ask_pair pairs[] = {
        {"keyId", t->key_id}, {"userId", t->key_user}, {"organizationId", t->key_org}};
    cJSON *answer = NULL;
    if (!t->key_id[0]) return;
    (void)ask_run(t->cli, ASK_SERVER, "client.close", pairs, 3, &answer);
    cJSON_Delete(answer);
}
