/* Links to dashboards: what owners do with them, and what visitors see. */
#include "api/app.h"
#include "api/dashboards_json.h"
#include "api/handlers_dashboards.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "service/dashboard_shares.h"

enum { PASSWORD_TEXT = 2048 }; /* characters; the service has the exact rule */

/* token: NULL except in the one answer. */
static void write_share(struct buf *b, const struct dashboard_share *s, const char *token)
{
    json_write_open(b, '{');
    json_write_member_i64(b, "id", s->id);
    json_write_member_i64(b, "dashboardId", s->dashboard);
    json_write_member_str(b, "name", s->name);
    json_write_member_bool(b, "passwordProtected", s->password_hash.n > 0);
    service_call_time(b, "expiresAt", s->expires_ns);
    json_write_member_i64(b, "createdBy", s->created_by);
    service_call_time(b, "createdAt", s->created_ns);
    if (token) {
        json_write_member_text(b, "token", token);
        json_write_key(b, "shareUrl");
        buf_printf(b, "\"/public/dashboards/%s\"", token);
    }
    json_write_close(b, '}');
}

void shares_api_list(struct api_call *c)
{
    int64_t id;
    struct dashboard_share *list = NULL;
    size_t n = 0;
    struct refusal refusal = {.fields = 0};
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id))
        e = dashboard_shares_list(c->app->dashboards, c->who.org, id, c->arena, &list, &n);
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "dashboard");
        return;
    }
    json_write_open(c->body, '[');
    for (size_t i = 0; i < n; i++) write_share(c->body, &list[i], NULL);
    json_write_close(c->body, ']');
    service_call_cacheable(c);
}

void shares_api_create(struct api_call *c)
{
    int64_t id;
    struct cJSON *json;
    struct api_fields f;
    struct dashboard_share share;
    char token[TOKENS_RANDOM_TEXT + 1];
    struct share_request given = {.expires_ns = 0};
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    given.name = api_field_text(&f, "name", DASHBOARD_NAME_MAX);
    given.password = api_field_text(&f, "password", PASSWORD_TEXT);
    service_call_field_time(&f, "expiresAt", &given.expires_ns);
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id))
        e = dashboard_shares_create(c->app->dashboards, &actor, id, &given, c->arena, &share, token,
                                    &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "dashboard");
        return;
    }
    buf_done(&f.errors);
    write_share(c->body, &share, token);
    api_ok(c, 201);
}

void shares_api_revoke(struct api_call *c)
{
    int64_t dashboard, id = 0;
    struct actor actor = service_call_actor(c);
    struct refusal refusal = {.missing = "dashboard"};
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &dashboard)) {
        refusal.missing = NULL;
        if (!service_call_id(c->params[1], &id)) id = 0; /* which no share has */
        e = dashboard_shares_revoke(c->app->dashboards, &actor, dashboard, id, c->arena, &refusal);
    }
    if (e)
        service_call_refuse(c, NULL, e, &refusal, "share");
    else
        api_answer(c, 204, NULL);
}

/* --- visitors --------------------------------------------------------------------------------- */

/* A body is optional: a link without a password asks for none. False: answered. */
static bool read_password(struct api_call *c, struct bytes *ret)
{
    struct cJSON *json;
    struct api_fields f;
    if (!c->request_body.n) return true;
    if (!api_json(c, &json)) return false;
    api_fields_open(&f, c, json);
    *ret = api_field_text(&f, "password", PASSWORD_TEXT);
    return api_fields_close(&f);
}

void shares_api_open(struct api_call *c)
{
    struct share_ticket ticket;
    struct bytes password = {NULL, 0};
    struct refusal refusal = {.fields = 0};
    struct actor actor = service_call_actor(c);
    if (!read_password(c, &password)) return;
    enum err e = dashboard_shares_open(c->app->dashboards, c->params[0], password, &actor, c->arena,
                                       &ticket, &refusal);
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "shared dashboard");
        return;
    }
    json_write_open(c->body, '{');
    json_write_member_text(c->body, "ticket", ticket.text[0] ? ticket.text : NULL);
    service_call_time(c->body, "expiresAt", ticket.expires_ns);
    json_write_close(c->body, '}');
    api_ok(c, 200);
}

bool shares_api_read(struct api_call *c, struct dashboard *ret, struct dashboard_share *ret_share)
{
    struct refusal refusal = {.fields = 0};
    enum err e = dashboard_shares_view(c->app->dashboards, c->params[0],
                                       http_header(c->exchange, "X-Share-Ticket"), c->arena, ret,
                                       ret_share, &refusal);
    if (e) service_call_refuse(c, NULL, e, &refusal, "shared dashboard");
    return !e;
}

void shares_api_view(struct api_call *c)
{
    struct dashboard d;
    struct dashboard_share share;
    if (!shares_api_read(c, &d, &share)) return;
    dashboards_json_shared(c->body, &d, share.expires_ns);
    service_call_cacheable(c);
}
