/* API keys of the caller. The key itself is in exactly one answer. */
#include "api/app.h"
#include "api/handlers.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "service/auth_keys.h"

enum { GRACE_DEFAULT_MINUTES = 24 * 60, GRACE_MAX_MINUTES = 7 * 24 * 60, TEXT_MAX = 1024 };

/* key: NULL except in the one answer. */
static void write_key(struct buf *b, const struct api_key *k, const char *key)
{
    char masked[32];
    size_t n = 0;
    struct bytes ends[] = {k->display_prefix, BYTES("..."), k->display_suffix};
    for (int i = 0; i < 3; i++) {
        if (n + ends[i].n > sizeof masked) break;
        if (ends[i].n) memcpy(masked + n, ends[i].p, ends[i].n);
        n += ends[i].n;
    }
    json_write_open(b, '{');
    json_write_member_i64(b, "id", k->id);
    json_write_member_str(b, "name", k->name);
    json_write_member_str(b, "description", k->description);
    json_write_member_str(b, "maskedKey", bytes_of(masked, n));
    if (key) json_write_member_text(b, "key", key);
    if (key) json_write_member_text(b, "apiKey", key);
    service_call_time(b, "createdAt", k->created_ns);
    service_call_time(b, "lastUsedAt", k->last_used_ns);
    service_call_time(b, "expiresAt", k->expires_ns);
    json_write_close(b, '}');
}

void api_keys_api_list(struct api_call *c)
{
    struct api_key *keys = NULL;
    size_t n = 0;
    struct actor actor = service_call_actor(c);
    enum err e = auth_keys_list(c->app->auth, &actor, c->arena, &keys, &n);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    json_write_open(c->body, '[');
    for (size_t i = 0; i < n; i++) write_key(c->body, &keys[i], NULL);
    json_write_close(c->body, ']');
    service_call_cacheable(c);
}

void api_keys_api_create(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct api_key k;
    char key[TOKENS_KEY_TEXT + 1];
    int64_t expires = 0;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    struct bytes name = api_field_text(&f, "name", TEXT_MAX);
    struct bytes description = api_field_text(&f, "description", TEXT_MAX);
    service_call_field_time(&f, "expiresAt", &expires);
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = auth_keys_create(c->app->auth, &actor, name, description, expires, c->arena, &k,
                                  key, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "API key");
        return;
    }
    buf_done(&f.errors);
    write_key(c->body, &k, key);
    api_ok(c, 201);
}

/* The body may be missing. False: answered. */
static bool read_grace(struct api_call *c, int64_t *ret_ns)
{
    struct cJSON *json;
    struct api_fields f;
    double minutes = GRACE_DEFAULT_MINUTES;
    if (c->request_body.n) {
        if (!api_json(c, &json)) return false;
        api_fields_open(&f, c, json);
        api_field_number(&f, "gracePeriodMinutes", &minutes);
        if (minutes < 0 || minutes > GRACE_MAX_MINUTES) {
            api_field_error(&f, "gracePeriodMinutes", "must be between 0 and 10080");
        }
        if (!api_fields_close(&f)) return false;
    }
    *ret_ns = (int64_t)(minutes * (double)NS_PER_MINUTE);
    return true;
}

void api_keys_api_rotate(struct api_call *c)
{
    int64_t id = 0, grace = 0;
    struct api_key k;
    char key[TOKENS_KEY_TEXT + 1];
    struct refusal refusal = {.fields = 0};
    if (!read_grace(c, &grace)) return;
    enum err e = ERR_NOTFOUND;
    struct actor actor = service_call_actor(c);
    if (service_call_id(c->params[0], &id)) {
        e = auth_keys_rotate(c->app->auth, &actor, id, grace, c->arena, &k, key, &refusal);
    }
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "API key");
        return;
    }
    write_key(c->body, &k, key);
    api_ok(c, 200);
}

void api_keys_api_revoke(struct api_call *c)
{
    int64_t id = 0;
    struct refusal refusal = {.fields = 0};
    struct actor actor = service_call_actor(c);
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id)) {
        e = auth_keys_revoke(c->app->auth, &actor, id, &refusal);
    }
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "API key");
        return;
    }
    api_answer(c, 204, NULL);
}
