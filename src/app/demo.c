/* The demo organisation (see demo.h). Its password and its simulator's token are made at the first
 * start and kept in the catalog's settings, so that a restart shows the same login. */
#include "app/demo.h"

#include "api/app.h"
#include "app/demo_parts.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/json_write.h"
#include "ingest/retention.h"
#include "pilot/quota.h"
#include "security/tokens.h"
#include "store/catalog_settings.h"
#include "sys/thread.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#define DEMO_USER    "demo"
#define POINTS_A_DAY INT64_C(1000000000)

static enum err read_setting(struct app *app, const char *key, char *ret, size_t n)
{
    struct arena arena;
    arena_init(&arena, 1 << 16);
    struct sql_tx *tx;
    struct setting s = {0};
    enum err e = sql_begin(app->db, SQL_READ, &tx);
    if (!e) {
        e = catalog_settings_get(tx, bytes_str(key), &arena, &s);
        sql_rollback(tx);
    }
    if (!e) snprintf(ret, n, "%.*s", (int)s.value.n, s.value.p);
    arena_done(&arena);
    return e;
}

static enum err write_setting(struct app *app, const char *key, const char *value)
{
    struct sql_tx *tx;
    enum err e = sql_begin(app->db, SQL_WRITE, &tx);
    if (e) return e;
    const struct setting s = {bytes_str(key), bytes_str(value), BYTES("system"),
                              clock_wall_ns(app->clock)};
    return sql_end(tx, catalog_settings_put(tx, &s));
}

/* The kept secret of that name; `made` when there is none yet. */
static enum err keep_setting(struct app *app, const char *key, const char *made, char *ret,
                             size_t n)
{
    enum err e = read_setting(app, key, ret, n);
    if (e != ERR_NOTFOUND) return e;
    snprintf(ret, n, "%s", made);
    return write_setting(app, key, made);
}

enum err demo_send(struct http_client *c, const char *method, const char *path, const char *body,
                   int *ret_status, struct cJSON **ret_json, struct why *why)
{
    const struct http_request request = {
        .method = method,
        .path = path,
        .content_type = body ? "application/json" : NULL,
        .body = bytes_str(body),
    };
    struct http_answer answer;
    enum err e = http_client_send(c, &request, &answer, why);
    if (e) return e;
    *ret_status = answer.status;
    if (ret_json) *ret_json = cJSON_ParseWithLength(answer.body.p, answer.body.n);
    if (answer.status >= 400 && answer.status != 409) {
        http_client_explain(&answer, why);
        return ERR_INVALID;
    }
    return ERR_OK;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

/* Uses the access token of an answer from now on; *ret_org its organisation. */
static enum err take_access(struct http_client *c, const cJSON *json, int64_t *ret_org)
{
    char header[4096];
    const cJSON *org = cJSON_GetObjectItemCaseSensitive(json, "organizationId");
    snprintf(header, sizeof header, "Bearer %s", text_of(json, "accessToken"));
    *ret_org = cJSON_IsNumber(org) ? (int64_t)org->valuedouble : 0;
    return http_client_set_header(c, "Authorization", header);
}

static enum err log_in(struct demo *d, struct http_client *c, struct why *why)
{
    char body[512];
    cJSON *json = NULL;
    int status = 0;
    snprintf(
        body, sizeof body,
        "{\"username\":\"" DEMO_USER "\",\"email\":\"demo@localhost.localdomain\",\"password\":"
        "\"%s\",\"firstName\":\"Demo\",\"lastName\":\"Visitor\",\"organizationName\":\"Demo\"}",
        d->login.password);
    enum err e = demo_send(c, "POST", "/api/v1/auth/register", body, &status, &json, why);
    if (status == 409 || e == ERR_INVALID) { /* there already */
        cJSON_Delete(json);
        json = NULL;
        snprintf(body, sizeof body, "{\"username\":\"" DEMO_USER "\",\"password\":\"%s\"}",
                 d->login.password);
        e = demo_send(c, "POST", "/api/v1/auth/login", body, &status, &json, why);
    }
    if (!e) e = take_access(c, json, &d->org);
    cJSON_Delete(json);
    return e;
}

/* The organisation keeps its points for ever: the recordings are years old. */
static enum err keep_for_ever(struct demo *d)
{
    char key[64];
    snprintf(key, sizeof key, "retention.%lld", (long long)d->org);
    enum err e = write_setting(d->opts.app, key, "0");
    return e ? e : retention_set(d->opts.app->retention, d->org, 0);
}

/* The recordings alone are some days of a pilot; the machines send 1.7 million points a day. */
static enum err raise_limits(struct demo *d)
{
    struct app *app = d->opts.app;
    struct sql_tx *tx;
    enum err e = sql_begin(app->db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx,
                limits_set_own(tx, d->org, LIMIT_POINTS, POINTS_A_DAY, clock_wall_ns(app->clock)));
    if (!e) quota_changed(app->quota, d->org);
    return e;
}

enum err demo_make_device(struct http_client *c, const char *id, const char *name,
                          const char *location, char ret_token[64], bool *ret_made, struct why *why)
{
    char body[512];
    snprintf(body, sizeof body, "{\"externalId\":\"%s\",\"name\":\"%s\",\"location\":\"%s\"}", id,
             name, location);
    int status = 0;
    cJSON *json = NULL;
    enum err e = demo_send(c, "POST", "/api/v1/devices", body, &status, &json, why);
    *ret_made = !e && status == 201;
    if (*ret_made) snprintf(ret_token, 64, "%s", text_of(json, "apiToken"));
    cJSON_Delete(json);
    return e;
}

static enum err prepare(struct demo *d, struct http_client *c, struct why *why)
{
    char made[TOKENS_RANDOM_TEXT + 1], token[64] = "";
    tokens_make_random(d->opts.app->rnd, made);
    made[20] = 0; /* 120 bits */
    bool fresh = false;
    snprintf(d->login.username, sizeof d->login.username, DEMO_USER);
    enum err e = keep_setting(d->opts.app, "demo.password", made, d->login.password,
                              sizeof d->login.password);
    if (!e) e = log_in(d, c, why);
    if (!e) e = keep_for_ever(d);
    if (!e) e = raise_limits(d);
    if (!e) e = demo_make_device(c, "pump-1", "Pump 1", "Hall A", token, &fresh, why);
    if (!e && fresh) e = write_setting(d->opts.app, "demo.token", token);
    if (!e) e = read_setting(d->opts.app, "demo.token", d->login.token, sizeof d->login.token);
    return e;
}

static void *run(void *arg)
{
    struct demo *d = arg;
    struct why why = {""};
    if (demo_import_recordings(d, d->client, &why))
        LOG(LOG_WARN, "demo_recordings_not_shown", LOG_S("why", why.text));
    demo_simulate(d);
    return NULL;
}

enum err demo_start(struct demo **ret, const struct demo_opts *opts, struct demo_login *ret_login,
                    struct why *why)
{
    char base[64];
    struct demo *d = mem_zalloc(sizeof *d);
    if (!d) return why_say(why, ERR_NOMEM, "out of memory");
    d->opts = *opts;
    lock_init(&d->lock, LOCK_RANK_EXECUTOR);
    cond_init(&d->wake);
    snprintf(base, sizeof base, "http://127.0.0.1:%u", opts->port);
    enum err e = http_client_open(&d->client, base, why);
    if (!e) e = prepare(d, d->client, why);
    if (!e) e = thread_start(&d->thread, run, d, "demo", 1 << 20);
    d->running = !e;
    if (e) {
        demo_stop(d);
        return e;
    }
    *ret_login = d->login;
    *ret = d;
    return ERR_OK;
}

bool demo_wait(struct demo *d, int64_t ns)
{
    lock_take(&d->lock);
    if (!d->closing) cond_wait_for(&d->wake, &d->lock, ns);
    bool go_on = !d->closing;
    lock_release(&d->lock);
    return go_on;
}

void demo_stop(struct demo *d)
{
    if (!d) return;
    lock_take(&d->lock);
    d->closing = true;
    cond_signal(&d->wake);
    lock_release(&d->lock);
    if (d->running) pthread_join(d->thread, NULL);
    http_client_close(d->client);
    cond_done(&d->wake);
    lock_done(&d->lock);
    mem_free(d);
}
