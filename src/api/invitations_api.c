/* Invitations: by an organisation's administrators, and for whoever holds a token. */
#include "api/app.h"
#include "api/handlers_people.h"
#include "api/paging.h"
#include "api/service_call.h"
#include "api/tokens_json.h"
#include "api/users_json.h"
#include "codec/json_write.h"
#include "service/auth_invitations.h"

enum { TEXT_MAX = 1024 };

static void write_members(struct api_call *c, const struct invitation *i)
{
    struct buf *b = c->body;
    int64_t now = clock_wall_ns(c->app->clock);
    json_write_member_i64(b, "id", i->id);
    json_write_member_str(b, "email", i->email);
    users_json_roles(b, i->roles);
    json_write_member_text(b, "status", invitation_status_name(invitation_status_of(i, now)));
    json_write_member_str(b, "invitedBy", i->inviter);
    service_call_time(b, "createdAt", i->created_ns);
    service_call_time(b, "expiresAt", i->expires_ns);
    service_call_time(b, "acceptedAt", i->accepted_ns);
}

static void answer_made(struct api_call *c, int status, const struct auth_invitation_made *m)
{
    json_write_open(c->body, '{');
    write_members(c, &m->invitation);
    json_write_member_bool(c->body, "sent", m->sent);
    if (m->token.p) json_write_member_str(c->body, "token", m->token);
    if (m->url.p) json_write_member_str(c->body, "acceptUrl", m->url);
    json_write_close(c->body, '}');
    api_ok(c, status);
}

/* An installation's administrator invites into an organisation by naming it. */
static struct auth_reach reach_of(struct api_call *c, int64_t org)
{
    return (struct auth_reach){.org = org, .roles = c->who.roles};
}

void invitations_api_list(struct api_call *c)
{
    struct paging p;
    struct invitation *list = NULL;
    struct catalog_listing listing;
    struct why why = {""};
    int64_t org = 0;
    if (!users_json_organization(c, &org) || !paging_read(c, &p)) return;
    enum err e = auth_invitations_list(c->app->auth, org, &p.page, c->arena, &list, &listing, &why);
    if (e) {
        api_fail(c, e, &why);
        return;
    }
    paging_open(c, &p);
    for (size_t i = 0; i < listing.count; i++) {
        json_write_open(c->body, '{');
        write_members(c, &list[i]);
        json_write_close(c->body, '}');
    }
    paging_close(c, &p, &listing);
    service_call_cacheable(c);
}

void invitations_api_create(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct auth_invitation_made made;
    unsigned roles = 0;
    int64_t org = 0;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    struct bytes email = api_field_text(&f, "email", TEXT_MAX);
    if (!service_call_has_value(&f, "email")) api_field_error(&f, "email", "is required");
    users_json_read_roles(&f, &roles);
    if (!api_fields_close(&f) || !users_json_organization(c, &org)) return;
    api_fields_open(&f, c, json);
    struct auth_reach reach = reach_of(c, org);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = auth_invitations_create(c->app->auth, &reach, email, roles, &actor, c->arena,
                                         &made, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "organization");
        return;
    }
    buf_done(&f.errors);
    answer_made(c, 201, &made);
}

void invitations_api_resend(struct api_call *c)
{
    struct auth_invitation_made made;
    struct refusal refusal = {.fields = 0};
    int64_t org = 0, id = 0;
    if (!users_json_organization(c, &org)) return;
    struct auth_reach reach = reach_of(c, org);
    struct actor actor = service_call_actor(c);
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id)) {
        e = auth_invitations_resend(c->app->auth, &reach, id, &actor, c->arena, &made, &refusal);
    }
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "invitation");
        return;
    }
    answer_made(c, 200, &made);
}

void invitations_api_revoke(struct api_call *c)
{
    struct refusal refusal = {.fields = 0};
    int64_t org = 0, id = 0;
    if (!users_json_organization(c, &org)) return;
    struct actor actor = service_call_actor(c);
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id)) {
        e = auth_invitations_revoke(c->app->auth, org, id, &actor, c->arena, &refusal);
    }
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "invitation");
        return;
    }
    api_answer(c, 204, NULL);
}

/* --- for whoever holds a token ---------------------------------------------------------------- */

static struct bytes required(struct api_fields *f, const char *name)
{
    struct bytes text = api_field_text(f, name, TEXT_MAX);
    if (!service_call_has_value(f, name)) api_field_error(f, name, "is required");
    return text;
}

void invitations_api_look(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct invitation i;
    struct organization o;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    struct bytes token = required(&f, "token");
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = auth_invitations_look(c->app->auth, token, &actor, c->arena, &i, &o, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "invitation");
        return;
    }
    buf_done(&f.errors);
    json_write_open(c->body, '{');
    json_write_member_str(c->body, "email", i.email);
    json_write_member_str(c->body, "organizationName", o.name);
    users_json_roles(c->body, i.roles);
    service_call_time(c->body, "expiresAt", i.expires_ns);
    json_write_close(c->body, '}');
    api_ok(c, 200);
}

void invitations_api_accept(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct auth_tokens tokens;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    struct bytes token = required(&f, "token");
    const struct auth_registration given = {
        .username = required(&f, "username"),
        .password = required(&f, "password"),
        .first_name = api_field_text(&f, "firstName", TEXT_MAX),
        .last_name = api_field_text(&f, "lastName", TEXT_MAX),
    };
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e =
        auth_invitations_accept(c->app->auth, token, &given, &actor, c->arena, &tokens, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "invitation");
        return;
    }
    buf_done(&f.errors);
    tokens_json_answer(c, &tokens);
}
