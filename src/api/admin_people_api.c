/* The administration pages of the old front end: the same people and organisations as /users and
 * /organizations, under /admin, for an installation's administrator; changes are answered as
 * {success,message,data}. */
#include "api/app.h"
#include "api/handlers_people.h"
#include "api/paging.h"
#include "api/service_call.h"
#include "api/users_json.h"
#include "codec/json_write.h"
#include "security/roles.h"
#include "service/auth_organizations.h"

enum { TEXT_MAX = 1024 };

/* --- read ------------------------------------------------------------------------------------- */

/* Names of organisations, each looked up once. */
static enum err organization_of(struct api_call *c, struct organization *seen, size_t *n,
                                int64_t org, const struct organization **ret)
{
    size_t i = 0;
    while (i < *n && seen[i].id != org) i++;
    *ret = &seen[i];
    if (i < *n) return ERR_OK;
    (*n)++;
    return auth_accounts_find_organization(c->app->auth, org, c->arena, &seen[i]);
}

static void answer_list(struct api_call *c, int64_t org)
{
    struct paging p;
    struct user *users = NULL;
    struct catalog_listing listing;
    const struct auth_reach reach = {.org = org, .roles = c->who.roles};
    size_t known = 0;
    if (!paging_read(c, &p)) return;
    enum err e = auth_users_list(c->app->auth, &reach, false, &p.page, c->arena, &users, &listing);
    struct organization *orgs = e ? NULL : arena_array(c->arena, listing.count + 1, sizeof *orgs);
    if (!e && !orgs) e = ERR_NOMEM;
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    paging_open(c, &p);
    for (size_t i = 0; !e && i < listing.count; i++) {
        const struct organization *o = NULL;
        e = organization_of(c, orgs, &known, users[i].org, &o);
        if (!e) users_json_write(c->body, &users[i], o, true);
    }
    if (e) {
        buf_clear(c->body);
        api_fail(c, e, NULL);
        return;
    }
    paging_close(c, &p, &listing);
    service_call_cacheable(c);
}

void admin_people_api_list(struct api_call *c)
{
    answer_list(c, 0);
}

void admin_people_api_of_organization(struct api_call *c)
{
    int64_t org = 0;
    struct organization o;
    struct refusal refusal = {.fields = 0};
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &org))
        e = auth_accounts_find_organization(c->app->auth, org, c->arena, &o);
    if (e)
        service_call_refuse(c, NULL, e, &refusal, "organization");
    else
        answer_list(c, org);
}

void admin_people_api_roles(struct api_call *c)
{
    static const char *const words[ROLES_COUNT] = {
        "The whole installation",
        "Pilot and performance routes of the installation",
        "Administrator of an organisation",
        "May read and change devices, rules and dashboards",
        "May read",
        "As a user"};
    json_write_open(c->body, '[');
    for (unsigned i = 0; i < ROLES_COUNT; i++) {
        json_write_open(c->body, '{');
        json_write_member_i64(c->body, "id", i + 1);
        json_write_member_text(c->body, "name", roles_name(1u << i));
        json_write_member_text(c->body, "description", words[i]);
        json_write_close(c->body, '}');
    }
    json_write_close(c->body, ']');
    service_call_cacheable(c);
}

/* --- change ----------------------------------------------------------------------------------- */

static void change_user(struct api_call *c, struct api_fields *f,
                        const struct auth_user_change *change, const char *message)
{
    int64_t id = 0;
    struct user u;
    struct organization o;
    struct auth_reach reach = users_json_reach(c);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = {.fields = 0};
    if (f) refusal = service_call_refusal(f);
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id))
        e = auth_users_update(c->app->auth, &reach, id, change, &actor, c->arena, &u, &o, &refusal);
    if (e) {
        service_call_refuse(c, f, e, &refusal, "user");
        return;
    }
    if (f) buf_done(&f->errors);
    json_write_open(c->body, '{');
    json_write_member_bool(c->body, "success", true);
    json_write_member_text(c->body, "message", message);
    json_write_key(c->body, "data");
    users_json_write(c->body, &u, &o, true);
    json_write_close(c->body, '}');
    api_ok(c, 200);
}

void admin_people_api_enable(struct api_call *c)
{
    change_user(c, NULL, &(struct auth_user_change){.enabled_set = true, .enabled = true},
                "The user is enabled.");
}

void admin_people_api_disable(struct api_call *c)
{
    change_user(c, NULL, &(struct auth_user_change){.enabled_set = true},
                "The user is disabled; every login has ended.");
}

void admin_people_api_update(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct auth_user_change change = {
        .first_name_set = service_call_has_value(&f, "firstName"),
        .last_name_set = service_call_has_value(&f, "lastName"),
        .email_set = service_call_has_value(&f, "email"),
        .first_name = api_field_text(&f, "firstName", TEXT_MAX),
        .last_name = api_field_text(&f, "lastName", TEXT_MAX),
        .email = api_field_text(&f, "email", TEXT_MAX),
    };
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    change_user(c, &f, &change, "The user was changed.");
}

void admin_people_api_set_roles(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct auth_user_change change = {.roles_set = true};
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    if (!users_json_read_roles(&f, &change.roles)) api_field_error(&f, "roles", "is required");
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    change_user(c, &f, &change, "The roles were changed; every login has ended.");
}

void admin_people_api_delete(struct api_call *c)
{
    int64_t id = 0;
    struct user u;
    struct organization o;
    struct auth_reach reach = users_json_reach(c);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = {.fields = 0};
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id))
        e = auth_users_find(c->app->auth, &reach, id, c->arena, &u, &o);
    if (!e) e = auth_users_delete(c->app->auth, &reach, id, &actor, c->arena, &refusal);
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "user");
        return;
    }
    json_write_open(c->body, '{');
    json_write_member_bool(c->body, "success", true);
    json_write_member_text(c->body, "message",
                           "The user was deleted and can be restored for 7 days.");
    json_write_key(c->body, "data");
    json_write_open(c->body, '{');
    json_write_member_i64(c->body, "trashId", id);
    json_write_member_text(c->body, "entityType", "USER");
    json_write_member_str(c->body, "entityName", u.username);
    service_call_time(c->body, "expiresAt", clock_wall_ns(c->app->clock) + AUTH_RESTORABLE_NS);
    json_write_member_i64(c->body, "daysRemaining", AUTH_RESTORABLE_NS / NS_PER_DAY);
    json_write_close(c->body, '}');
    json_write_close(c->body, '}');
    api_ok(c, 200);
}
