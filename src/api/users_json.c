/* People as JSON (see users_json.h). */
#include "api/users_json.h"

#include "api/service_call.h"
#include "codec/json_write.h"
#include "security/roles.h"

#include <cjson/cJSON.h>
#include <stdio.h>

enum { ROLE_TEXT = 48 };

void users_json_roles(struct buf *b, unsigned roles)
{
    json_write_key(b, "roles");
    json_write_open(b, '[');
    for (unsigned i = 0; i < ROLES_COUNT; i++) {
        if (roles & (1u << i)) json_write_string(b, bytes_str(roles_name(1u << i)));
    }
    json_write_close(b, ']');
}

void users_json_avatar(struct buf *b, const struct user *u)
{
    char url[64];
    if (u->avatar_version) {
        snprintf(url, sizeof url, "/api/v1/users/%lld/avatar", (long long)u->id);
        json_write_member_text(b, "avatarUrl", url);
    } else {
        json_write_member_null(b, "avatarUrl");
    }
    json_write_member_i64(b, "avatarVersion", u->avatar_version);
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
    users_json_roles(b, u->roles);
    json_write_member_bool(b, "enabled", u->enabled);
    users_json_avatar(b, u);
    json_write_member_str(b, "themePreference", u->theme_preference);
    if (for_admin) {
        service_call_time(b, "createdAt", u->created_ns);
        service_call_time(b, "lastLoginAt", u->last_login_ns);
    }
    if (for_admin && u->deleted_ns) {
        service_call_time(b, "deletedAt", u->deleted_ns);
        service_call_time(b, "restorableUntil", u->deleted_ns + AUTH_RESTORABLE_NS);
    }
    json_write_close(b, '}');
}

/* 0 for no role. */
static unsigned role_of(const cJSON *item)
{
    char full[ROLE_TEXT];
    if (!cJSON_IsString(item)) return 0;
    unsigned role = roles_parse(bytes_str(item->valuestring));
    if (role || strlen(item->valuestring) > ROLE_TEXT - 8) return role;
    snprintf(full, sizeof full, "ROLE_%s", item->valuestring);
    return roles_parse(bytes_str(full));
}

bool users_json_read_roles(struct api_fields *f, unsigned *ret)
{
    static const char why[] = "may be ROLE_USER, ROLE_VIEWER, ROLE_DEVELOPER, ROLE_ORG_ADMIN, "
                              "ROLE_PILOT_ADMIN, ROLE_ADMIN";
    const char *name = service_call_has_value(f, "roles") ? "roles" : "role";
    if (!service_call_has_value(f, name)) return false;
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(f->object, name), *item;
    unsigned roles = role_of(given);
    bool good = roles || (cJSON_IsArray(given) && strcmp(name, "roles") == 0);
    if (good && cJSON_IsArray(given)) {
        cJSON_ArrayForEach(item, given)
        {
            unsigned one = role_of(item);
            good = good && one;
            roles |= one;
        }
    }
    if (!good) api_field_error(f, name, why);
    *ret = roles;
    return true;
}

struct auth_reach users_json_reach(const struct api_call *c)
{
    return (struct auth_reach){.org = principal_is_admin(&c->who) ? 0 : c->who.org,
                               .roles = c->who.roles};
}

bool users_json_organization(struct api_call *c, int64_t *ret)
{
    struct bytes text = api_query(c, "organizationId");
    int64_t id = c->who.org;
    bool good = !text.n || service_call_id(text, &id);
    if (good && (id == c->who.org || principal_is_admin(&c->who))) {
        *ret = id;
        return true;
    }
    api_not_found(c, "organization");
    return false;
}
