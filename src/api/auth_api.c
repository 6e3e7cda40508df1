/* Registration, login and what a user does with its own account. */
#include "api/app.h"
#include "api/cached_answer.h"
#include "api/handlers.h"
#include "api/service_call.h"
#include "api/tokens_json.h"
#include "api/users_json.h"
#include "codec/json_write.h"
#include "service/auth_accounts.h"
#include "service/auth_service.h"

#include <stdio.h>

enum { TEXT_MAX = 1024 };

static void answer_done(struct api_call *c, const char *message)
{
    json_write_open(c->body, '{');
    json_write_member_bool(c->body, "success", true);
    json_write_member_text(c->body, "message", message);
    json_write_close(c->body, '}');
    api_ok(c, 200);
}

/* A text that must be there. */
static struct bytes required(struct api_fields *f, const char *name)
{
    struct bytes text = api_field_text(f, name, TEXT_MAX);
    if (!service_call_has_value(f, name)) api_field_error(f, name, "is required");
    return text;
}

/* The body as an object whose shape is right so far; false: answered. */
static bool open_body(struct api_call *c, struct api_fields *f)
{
    struct cJSON *json;
    if (!api_json(c, &json)) return false;
    api_fields_open(f, c, json);
    return true;
}

/* Closes the shape's errors and opens the rules' ones. False: answered. */
static bool shape_is_good(struct api_fields *f)
{
    struct api_call *c = f->call;
    const struct cJSON *object = f->object;
    if (!api_fields_close(f)) return false;
    api_fields_open(f, c, object);
    return true;
}

/* --- in and out ------------------------------------------------------------------------------- */

void auth_api_register(struct api_call *c)
{
    struct api_fields f;
    struct auth_tokens tokens;
    if (!open_body(c, &f)) return;
    const struct auth_registration given = {
        .username = required(&f, "username"),
        .email = required(&f, "email"),
        .password = required(&f, "password"),
        .first_name = api_field_text(&f, "firstName", TEXT_MAX),
        .last_name = api_field_text(&f, "lastName", TEXT_MAX),
        .organization = api_field_text(&f, "organizationName", TEXT_MAX),
    };
    if (!shape_is_good(&f)) return;
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = auth_accounts_register(c->app->auth, &given, &actor, c->arena, &tokens, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "account");
        return;
    }
    buf_done(&f.errors);
    tokens_json_answer(c, &tokens);
}

void auth_api_login(struct api_call *c)
{
    struct api_fields f;
    struct auth_tokens tokens;
    if (!open_body(c, &f)) return;
    bool by_email = !api_field_has(&f, "username") && api_field_has(&f, "email");
    struct bytes login = required(&f, by_email ? "email" : "username");
    struct bytes password = required(&f, "password");
    bool remember = api_field_bool(&f, "rememberMe", false);
    if (!shape_is_good(&f)) return;
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = auth_service_login(c->app->auth, bytes_trim(login), password, remember, &actor,
                                    c->arena, &tokens, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "account");
        return;
    }
    buf_done(&f.errors);
    tokens_json_answer(c, &tokens);
}

void auth_api_refresh(struct api_call *c)
{
    struct api_fields f;
    struct auth_tokens tokens;
    if (!open_body(c, &f)) return;
    struct bytes token = api_field_text(&f, "refreshToken", JWT_TEXT_MAX);
    if (!service_call_has_value(&f, "refreshToken")) {
        api_field_error(&f, "refreshToken", "is required");
    }
    if (!shape_is_good(&f)) return;
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = auth_service_refresh(c->app->auth, token, &actor, c->arena, &tokens, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "account");
        return;
    }
    buf_done(&f.errors);
    tokens_json_answer(c, &tokens);
}

void auth_api_logout(struct api_call *c)
{
    struct actor actor = service_call_actor(c);
    enum err e = auth_service_logout(c->app->auth, &actor);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    tokens_json_cookie(c, "", 0);
    answer_done(c, "You are logged out.");
}

/* --- one's own account ------------------------------------------------------------------------ */

static enum err make_me(void *call, struct buf *out)
{
    struct api_call *c = call;
    struct user u;
    struct organization o;
    enum err e = auth_accounts_find(c->app->auth, c->who.org, c->who.user, c->arena, &u, &o);
    if (!e) users_json_write(out, &u, &o, false);
    return e;
}

static void answer_me(struct api_call *c)
{
    char name[32];
    int n = snprintf(name, sizeof name, "me%lld", (long long)c->who.user);
    enum err e = cached_answer(c, CACHE_USERS, c->who.org, bytes_of(name, (size_t)n), make_me, c);
    if (e)
        api_fail(c, e, NULL);
    else
        service_call_cacheable(c);
}

void auth_api_me(struct api_call *c)
{
    answer_me(c);
}

void auth_api_preferences(struct api_call *c)
{
    struct api_fields f;
    if (!open_body(c, &f)) return;
    const struct auth_preferences given = {
        .theme = api_field_text(&f, "themePreference", TEXT_MAX),
        .first_name = api_field_text(&f, "firstName", TEXT_MAX),
        .last_name = api_field_text(&f, "lastName", TEXT_MAX),
    };
    if (!shape_is_good(&f)) return;
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = auth_accounts_set_preferences(c->app->auth, &actor, &given, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "account");
        return;
    }
    buf_done(&f.errors);
    answer_me(c);
}

void auth_api_change_password(struct api_call *c)
{
    struct api_fields f;
    struct auth_tokens tokens;
    if (!open_body(c, &f)) return;
    struct bytes current = required(&f, "currentPassword");
    struct bytes fresh = required(&f, "newPassword");
    if (!shape_is_good(&f)) return;
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = auth_accounts_change_password(c->app->auth, &actor, current, fresh, c->arena,
                                               &tokens, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "account");
        return;
    }
    buf_done(&f.errors);
    tokens_json_answer(c, &tokens);
}

/* --- forgotten -------------------------------------------------------------------------------- */

void auth_api_forgot_password(struct api_call *c)
{
    struct api_fields f;
    if (!open_body(c, &f)) return;
    struct bytes email = required(&f, "email");
    if (!shape_is_good(&f)) return;
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = auth_accounts_forgot_password(c->app->auth, bytes_trim(email), &actor, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "account");
        return;
    }
    buf_done(&f.errors);
    answer_done(c, "If there is an account for this address, a way to a new password was made. "
                   "Ask your administrator when no mail arrives.");
}

void auth_api_reset_password(struct api_call *c)
{
    struct api_fields f;
    if (!open_body(c, &f)) return;
    struct bytes token = required(&f, "token");
    struct bytes fresh =
        required(&f, api_field_has(&f, "newPassword") ? "newPassword" : "password");
    if (!shape_is_good(&f)) return;
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = auth_accounts_reset_password(c->app->auth, token, fresh, &actor, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "account");
        return;
    }
    buf_done(&f.errors);
    answer_done(c, "The password was replaced; log in with the new one.");
}
