/* The token of a device. Its text is in exactly one answer. */
#include "api/app.h"
#include "api/handlers.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "service/device_tokens.h"

static void open_answer(struct buf *b, const struct device *d)
{
    json_write_open(b, '{');
    json_write_member_str(b, "deviceId", d->external_id);
}

static void close_answer(struct api_call *c, const char *message, bool success)
{
    json_write_member_text(c->body, "message", message);
    json_write_member_bool(c->body, "success", success);
    json_write_close(c->body, '}');
    api_ok(c, 200);
}

/* False: answered. */
static bool make(struct api_call *c, struct device *d, char token[TOKENS_DEVICE_TEXT + 1])
{
    struct actor actor = service_call_actor(c);
    struct refusal refusal = {.fields = 0};
    enum err e = device_tokens_generate(c->app->devices, &actor, c->params[0], c->arena, d, token);
    if (e) service_call_refuse(c, NULL, e, &refusal, "device");
    return !e;
}

void device_tokens_api_generate(struct api_call *c)
{
    struct device d;
    char token[TOKENS_DEVICE_TEXT + 1];
    if (!make(c, &d, token)) return;
    open_answer(c->body, &d);
    json_write_member_text(c->body, "token", token);
    service_call_time(c->body, "tokenCreatedAt", d.token_created_ns);
    close_answer(c, "Keep this token: it is not shown again. An earlier one is refused now.", true);
}

void device_tokens_api_rotate_short(struct api_call *c)
{
    struct device d;
    char token[TOKENS_DEVICE_TEXT + 1];
    if (!make(c, &d, token)) return;
    json_write_open(c->body, '{');
    json_write_member_str(c->body, "deviceExternalId", d.external_id);
    json_write_member_text(c->body, "apiToken", token);
    json_write_close(c->body, '}');
    api_ok(c, 200);
}

void device_tokens_api_get(struct api_call *c)
{
    struct device d;
    struct refusal refusal = {.fields = 0};
    enum err e = device_service_find(c->app->devices, c->who.org, c->params[0], c->arena, &d);
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "device");
        return;
    }
    open_answer(c->body, &d);
    json_write_member_str(c->body, "maskedToken", d.has_token ? d.token_display : bytes_str(NULL));
    service_call_time(c->body, "tokenCreatedAt", d.token_created_ns);
    service_call_time(c->body, "tokenLastUsedAt", d.token_used_ns);
    close_answer(c, d.has_token ? "The device has a token." : "The device has no token.",
                 d.has_token);
}

void device_tokens_api_revoke(struct api_call *c)
{
    struct device d;
    struct actor actor = service_call_actor(c);
    struct refusal refusal = {.fields = 0};
    enum err e = device_tokens_revoke(c->app->devices, &actor, c->params[0], c->arena, &d);
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "device");
        return;
    }
    open_answer(c->body, &d);
    close_answer(c, "The token is refused from now on.", true);
}
