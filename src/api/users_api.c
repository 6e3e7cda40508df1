/* People of an organisation, for its administrators. */
#include "api/app.h"
#include "api/handlers_people.h"
#include "api/paging.h"
#include "api/service_call.h"
#include "api/users_json.h"
#include "codec/json_write.h"
#include "service/auth_users.h"

enum { TEXT_MAX = 1024 };

static void answer_user(struct api_call *c, int status, const struct user *u,
                        const struct organization *o)
{
    users_json_write(c->body, u, o, true);
    if (status == 200) {
        service_call_cacheable(c);
    } else {
        api_ok(c, status);
    }
}

/* --- read ------------------------------------------------------------------------------------- */

void users_api_list(struct api_call *c)
{
    struct paging p;
    struct user *users = NULL;
    struct catalog_listing listing;
    struct organization o;
    struct auth_reach reach = users_json_reach(c);
    bool deleted = false;
    if (!users_json_organization(c, &reach.org) || !service_call_query_bool(c, "deleted", &deleted))
        return;
    if (!paging_read(c, &p)) return;
    p.asked = true; /* never was a bare array */
    if (p.page.size == CATALOG_PAGE_MAX && !api_query(c, "size").p) p.page.size = PAGING_SIZE;
    enum err e = auth_accounts_find_organization(c->app->auth, reach.org, c->arena, &o);
    if (e == ERR_NOTFOUND) {
        api_not_found(c, "organization");
        return;
    }
    if (!e) {
        e = auth_users_list(c->app->auth, &reach, deleted, &p.page, c->arena, &users, &listing);
    }
    if (e == ERR_INVALID) {
        api_problem(c, 400, "sort may be id, username, email or createdAt.");
        return;
    }
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    paging_open(c, &p);
    for (size_t i = 0; i < listing.count; i++) users_json_write(c->body, &users[i], &o, true);
    paging_close(c, &p, &listing);
    service_call_cacheable(c);
}

void users_api_get(struct api_call *c)
{
    int64_t id = 0;
    struct user u;
    struct organization o;
    struct refusal refusal = {.fields = 0};
    struct auth_reach reach = users_json_reach(c);
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id)) {
        e = auth_users_find(c->app->auth, &reach, id, c->arena, &u, &o);
    }
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "user");
        return;
    }
    answer_user(c, 200, &u, &o);
}

/* --- make and change -------------------------------------------------------------------------- */

static struct bytes required(struct api_fields *f, const char *name)
{
    struct bytes text = api_field_text(f, name, TEXT_MAX);
    if (!service_call_has_value(f, name)) api_field_error(f, name, "is required");
    return text;
}

void users_api_create(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct user u;
    struct organization o;
    unsigned roles = 0;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct auth_registration given = {
        .username = required(&f, "username"),
        .email = required(&f, "email"),
        .password = required(&f, "password"),
        .first_name = api_field_text(&f, "firstName", TEXT_MAX),
        .last_name = api_field_text(&f, "lastName", TEXT_MAX),
    };
    users_json_read_roles(&f, &roles);
    if (!api_fields_close(&f)) return;
    int64_t org = 0;
    if (!users_json_organization(c, &org)) return;
    api_fields_open(&f, c, json);
    struct auth_reach reach = users_json_reach(c);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = auth_users_create(c->app->auth, &reach, org, &given, roles, &actor, c->arena, &u,
                                   &o, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "organization");
        return;
    }
    buf_done(&f.errors);
    answer_user(c, 201, &u, &o);
}

static struct auth_user_change read_change(struct api_fields *f)
{
    struct auth_user_change change = {
        .first_name_set = api_field_has(f, "firstName"),
        .last_name_set = api_field_has(f, "lastName"),
        .email_set = service_call_has_value(f, "email"),
        .enabled_set = service_call_has_value(f, "enabled"),
        .first_name = api_field_text(f, "firstName", TEXT_MAX),
        .last_name = api_field_text(f, "lastName", TEXT_MAX),
        .email = api_field_text(f, "email", TEXT_MAX),
        .enabled = api_field_bool(f, "enabled", true),
    };
    change.roles_set = users_json_read_roles(f, &change.roles);
    return change;
}

void users_api_update(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct user u;
    struct organization o;
    int64_t id = 0;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct auth_user_change change = read_change(&f);
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct auth_reach reach = users_json_reach(c);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id)) {
        e = auth_users_update(c->app->auth, &reach, id, &change, &actor, c->arena, &u, &o,
                              &refusal);
    }
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "user");
        return;
    }
    buf_done(&f.errors);
    answer_user(c, 200, &u, &o);
}

/* --- away and back ---------------------------------------------------------------------------- */

void users_api_delete(struct api_call *c)
{
    int64_t id = 0;
    struct refusal refusal = {.fields = 0};
    struct auth_reach reach = users_json_reach(c);
    struct actor actor = service_call_actor(c);
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id)) {
        e = auth_users_delete(c->app->auth, &reach, id, &actor, c->arena, &refusal);
    }
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "user");
        return;
    }
    api_answer(c, 204, NULL);
}

void users_api_restore(struct api_call *c)
{
    int64_t id = 0;
    struct user u;
    struct organization o;
    struct refusal refusal = {.fields = 0};
    struct auth_reach reach = users_json_reach(c);
    struct actor actor = service_call_actor(c);
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id)) {
        e = auth_users_restore(c->app->auth, &reach, id, &actor, c->arena, &u, &o, &refusal);
    }
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "user");
        return;
    }
    answer_user(c, 200, &u, &o);
}
