/* People of an organisation, for its administrators. */
#include "api/app.h"
#include "api/cached_answer.h"
#include "api/handlers_people.h"
#include "api/paging.h"
#include "api/service_call.h"
#include "api/users_json.h"
#include "codec/json_write.h"
#include "service/auth_users.h"

#include <stdio.h>

enum { TEXT_MAX = 1024 };

static void answer_user(struct api_call *c, int status, const struct user *u,
                        const struct organization *o)
{
    users_json_write(c->body, u, o, true);
    api_ok(c, status);
}

/* --- read ------------------------------------------------------------------------------------- */

struct reading {
    struct api_call *c;
    struct auth_reach reach;
    struct paging p;
    bool deleted;
    int64_t user;
    bool bad_sort;
};

static enum err make_list(void *ctx, struct buf *out)
{
    struct reading *r = ctx;
    struct api_call *c = r->c;
    struct user *users = NULL;
    struct catalog_listing listing;
    struct organization o;
    enum err e = auth_accounts_find_organization(c->app->auth, r->reach.org, c->arena, &o);
    if (e) return e;
    e = auth_users_list(c->app->auth, &r->reach, r->deleted, &r->p.page, c->arena, &users,
                        &listing);
    r->bad_sort = e == ERR_INVALID;
    if (e) return e;
    paging_open(c, &r->p);
    for (size_t i = 0; i < listing.count; i++) users_json_write(out, &users[i], &o, true);
    paging_close(c, &r->p, &listing);
    return ERR_OK;
}

/* Deleted ones leave the list with the time, not with a change. */
static enum err read_list(struct reading *r)
{
    struct buf name;
    buf_init(&name, CACHE_NAME_MAX);
    buf_add_str(&name, "list");
    cached_answer_name_page(&name, &r->p.page);
    enum err e = r->deleted || name.err ? make_list(r, r->c->body)
                                        : cached_answer(r->c, CACHE_USERS, r->reach.org,
                                                        buf_bytes(&name), make_list, r);
    buf_done(&name);
    return e;
}

void users_api_list(struct api_call *c)
{
    struct reading r = {.c = c, .reach = users_json_reach(c)};
    if (!users_json_organization(c, &r.reach.org) ||
        !service_call_query_bool(c, "deleted", &r.deleted) || !paging_read(c, &r.p))
        return;
    r.p.asked = true; /* never was a bare array */
    if (r.p.page.size == CATALOG_PAGE_MAX && !api_query(c, "size").p) r.p.page.size = PAGING_SIZE;
    enum err e = read_list(&r);
    if (!e) {
        service_call_cacheable(c);
        return;
    }
    buf_clear(c->body);
    if (r.bad_sort)
        api_problem(c, 400, "sort may be id, username, email or createdAt.");
    else if (e == ERR_NOTFOUND)
        api_not_found(c, "organization");
    else
        api_fail(c, e, NULL);
}

static enum err make_one(void *ctx, struct buf *out)
{
    struct reading *r = ctx;
    struct user u;
    struct organization o;
    enum err e = auth_users_find(r->c->app->auth, &r->reach, r->user, r->c->arena, &u, &o);
    if (!e) users_json_write(out, &u, &o, true);
    return e;
}

void users_api_get(struct api_call *c)
{
    struct reading r = {.c = c, .reach = users_json_reach(c)};
    struct refusal refusal = {.fields = 0};
    enum err e = ERR_NOTFOUND;
    char name[32];
    if (service_call_id(c->params[0], &r.user)) {
        int n = snprintf(name, sizeof name, "%lld", (long long)r.user);
        e = cached_answer(c, CACHE_USERS, r.reach.org, bytes_of(name, (size_t)n), make_one, &r);
    }
    if (e)
        service_call_refuse(c, NULL, e, &refusal, "user");
    else
        service_call_cacheable(c);
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
