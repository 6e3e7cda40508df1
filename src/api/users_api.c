/* People and organisations, for reading. */
#include "api/app.h"
#include "api/handlers.h"
#include "api/paging.h"
#include "api/service_call.h"
#include "api/users_json.h"
#include "codec/json_write.h"
#include "security/roles.h"
#include "service/auth_accounts.h"

static void write_roles(struct buf *b, unsigned roles)
{
    json_write_key(b, "roles");
    json_write_open(b, '[');
    for (unsigned i = 0; i < ROLES_COUNT; i++) {
        if (roles & (1u << i)) json_write_string(b, bytes_str(roles_name(1u << i)));
    }
    json_write_close(b, ']');
}

void users_json_write(struct buf *b, const struct user *u, const struct organization *o,
                      bool for_admin)
{
    json_write_open(b, '{');
    json_write_member_i64(b, "id", u->id);
    json_write_member_str(b, "username", u->username);
    json_write_member_str(b, "email", u->email);
    json_write_member_str(b, "firstName", u->first_name);
    json_write_member_str(b, "lastName", u->last_name);
    json_write_member_i64(b, "organizationId", u->org);
    json_write_member_str(b, "organizationName", o->name);
    write_roles(b, u->roles);
    json_write_member_bool(b, "enabled", u->enabled);
    json_write_member_null(b, "avatarUrl"); /* pictures are a later part */
    json_write_member_i64(b, "avatarVersion", u->avatar_version);
    json_write_member_str(b, "themePreference", u->theme_preference);
    if (for_admin) {
        service_call_time(b, "createdAt", u->created_ns);
        service_call_time(b, "lastLoginAt", u->last_login_ns);
    }
    json_write_close(b, '}');
}

void users_api_list(struct api_call *c)
{
    struct paging p;
    struct user *users = NULL;
    struct catalog_listing listing;
    struct organization o;
    if (!paging_read(c, &p)) return;
    p.asked = true; /* never was a bare array */
    if (p.page.size == CATALOG_PAGE_MAX && !api_query(c, "size").p) p.page.size = PAGING_SIZE;
    enum err e = auth_accounts_find_organization(c->app->auth, c->who.org, c->arena, &o);
    if (!e) {
        e = auth_accounts_list(c->app->auth, c->who.org, &p.page, c->arena, &users, &listing);
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
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id)) {
        e = auth_accounts_find(c->app->auth, c->who.org, id, c->arena, &u, &o);
    }
    if (e == ERR_NOTFOUND) {
        api_not_found(c, "user");
        return;
    }
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    users_json_write(c->body, &u, &o, true);
    service_call_cacheable(c);
}

/* One's own; an installation's administrator sees each. */
void users_api_organization(struct api_call *c)
{
    int64_t id = 0;
    struct organization o;
    enum err e = ERR_NOTFOUND;
    bool good = service_call_id(c->params[0], &id);
    if (good && (id == c->who.org || principal_is_admin(&c->who))) {
        e = auth_accounts_find_organization(c->app->auth, id, c->arena, &o);
    }
    if (e == ERR_NOTFOUND) {
        api_not_found(c, "organization");
        return;
    }
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    json_write_open(c->body, '{');
    json_write_member_i64(c->body, "id", o.id);
    json_write_member_str(c->body, "name", o.name);
    service_call_time(c->body, "createdAt", o.created_ns);
    json_write_close(c->body, '}');
    service_call_cacheable(c);
}
