/* Organisations: one's own, and for an installation's administrator each. */
#include "api/app.h"
#include "api/cached_answer.h"
#include "api/handlers_people.h"
#include "api/paging.h"
#include "api/service_call.h"
#include "api/users_json.h"
#include "codec/json_write.h"
#include "service/auth_organizations.h"
#include "service/organization_retention.h"

#include <cjson/cJSON.h>

/* users < 0: not counted. */
static void write_members(struct buf *b, const struct organization *o, int64_t users)
{
    json_write_member_i64(b, "id", o->id);
    json_write_member_str(b, "name", o->name);
    json_write_member_str(b, "description", o->description);
    json_write_key(b, "settings");
    json_write_raw(b, o->settings.p ? o->settings : BYTES("{}"));
    json_write_member_bool(b, "enabled", !o->deleted_ns);
    if (users >= 0) json_write_member_i64(b, "userCount", users);
    service_call_time(b, "createdAt", o->created_ns);
    service_call_time(b, "updatedAt", o->updated_ns ? o->updated_ns : o->created_ns);
    if (!o->deleted_ns) return;
    service_call_time(b, "deletedAt", o->deleted_ns);
    service_call_time(b, "restorableUntil", o->deleted_ns + AUTH_RESTORABLE_NS);
}

static enum err write_one(struct api_call *c, const struct organization *o)
{
    int64_t users = 0;
    enum err e = auth_organizations_count_users(c->app->auth, o->id, &users);
    if (e) return e;
    json_write_open(c->body, '{');
    write_members(c->body, o, users);
    json_write_close(c->body, '}');
    return ERR_OK;
}

static void answer(struct api_call *c, enum err e)
{
    if (e)
        api_fail(c, e, NULL);
    else
        service_call_cacheable(c);
}

/* Whether the organisation of the path may be there for the caller. */
static bool may_see(const struct api_call *c, int64_t *ret_id)
{
    return service_call_id(c->params[0], ret_id) &&
           (*ret_id == c->who.org || principal_is_admin(&c->who));
}

/* The organisation of the path, when it is there for the caller. */
static enum err find(struct api_call *c, struct organization *ret)
{
    int64_t id = 0;
    if (!may_see(c, &id)) return ERR_NOTFOUND;
    return auth_accounts_find_organization(c->app->auth, id, c->arena, ret);
}

static void refuse(struct api_call *c, struct api_fields *f, enum err e,
                   const struct refusal *refusal)
{
    service_call_refuse(c, f, e, refusal, "organization");
}

static enum err make_one(void *call, struct buf *out)
{
    struct organization o;
    (void)out; /* is the call's body */
    enum err e = find(call, &o);
    return e ? e : write_one(call, &o);
}

void organizations_api_get(struct api_call *c)
{
    int64_t id = 0;
    struct refusal refusal = {.fields = 0};
    enum err e = ERR_NOTFOUND;
    if (may_see(c, &id)) e = cached_answer(c, CACHE_ORGANIZATIONS, id, BYTES("one"), make_one, c);
    if (e)
        refuse(c, NULL, e, &refusal);
    else
        service_call_cacheable(c);
}

struct reading {
    struct api_call *c;
    struct paging p;
    bool deleted;
};

static enum err make_list(void *ctx, struct buf *out)
{
    struct reading *r = ctx;
    struct organization *list = NULL;
    struct catalog_listing listing;
    enum err e = auth_organizations_list(r->c->app->auth, r->deleted, &r->p.page, r->c->arena,
                                         &list, &listing);
    if (e) return e;
    paging_open(r->c, &r->p);
    for (size_t i = 0; i < listing.count; i++) {
        json_write_open(out, '{');
        write_members(out, &list[i], -1);
        json_write_close(out, '}');
    }
    paging_close(r->c, &r->p, &listing);
    return ERR_OK;
}

/* Deleted ones leave the list with the time; a bare array may have a Link, which no entry keeps. */
static enum err read_list(struct reading *r)
{
    struct buf name;
    buf_init(&name, CACHE_NAME_MAX);
    buf_add_str(&name, "list");
    cached_answer_name_page(&name, &r->p.page);
    enum err e = r->deleted || !r->p.asked || name.err
                     ? make_list(r, r->c->body)
                     : cached_answer(r->c, CACHE_ORGANIZATIONS, 0, buf_bytes(&name), make_list, r);
    buf_done(&name);
    return e;
}

void organizations_api_list(struct api_call *c)
{
    struct reading r = {.c = c};
    if (!service_call_query_bool(c, "deleted", &r.deleted) || !paging_read(c, &r.p)) return;
    enum err e = read_list(&r);
    if (e == ERR_INVALID) {
        api_problem(c, 400, "sort may be id, name or createdAt.");
        return;
    }
    answer(c, e);
}

/* --- change ----------------------------------------------------------------------------------- */

/* The object as compact text; p == NULL when it is null. */
static struct bytes settings_of(struct api_fields *f)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(f->object, "settings");
    struct bytes none = {NULL, 0};
    if (!item || cJSON_IsNull(item)) return none;
    if (!cJSON_IsObject(item)) {
        api_field_error(f, "settings", "must be an object");
        return none;
    }
    char *text = cJSON_PrintUnformatted(item);
    struct bytes copy = text ? arena_copy(f->call->arena, bytes_str(text)) : none;
    cJSON_free(text);
    if (!copy.p) api_field_error(f, "settings", "is too large");
    return copy;
}

void organizations_api_update(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct organization o;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct auth_organization_change change = {
        .name_set = service_call_has_value(&f, "name"),
        .description_set = api_field_has(&f, "description"),
        .settings_set = api_field_has(&f, "settings"),
        .name = api_field_text(&f, "name", ORGANIZATION_NAME_MAX),
        .description = api_field_text(&f, "description", ORGANIZATION_DESCRIPTION_MAX),
        .settings = settings_of(&f),
    };
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = find(c, &o);
    if (!e)
        e = auth_organizations_update(c->app->auth, o.id, &change, &actor, c->arena, &o, &refusal);
    if (e) {
        refuse(c, &f, e, &refusal);
        return;
    }
    buf_done(&f.errors);
    answer(c, write_one(c, &o));
}

/* --- away and back ---------------------------------------------------------------------------- */

void organizations_api_delete(struct api_call *c)
{
    struct organization o;
    struct refusal refusal = {.fields = 0};
    struct actor actor = service_call_actor(c);
    enum err e = find(c, &o);
    if (!e) e = auth_organizations_delete(c->app->auth, o.id, &actor, c->arena, &refusal);
    if (e) {
        refuse(c, NULL, e, &refusal);
        return;
    }
    api_answer(c, 204, NULL);
}

void organizations_api_restore(struct api_call *c)
{
    int64_t id = 0, left = 0, users = 0;
    struct organization o;
    struct refusal refusal = {.fields = 0};
    struct actor actor = service_call_actor(c);
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id))
        e = auth_organizations_restore(c->app->auth, id, &actor, c->arena, &o, &left, &refusal);
    if (!e) e = auth_organizations_count_users(c->app->auth, id, &users);
    if (e) {
        refuse(c, NULL, e, &refusal);
        return;
    }
    json_write_open(c->body, '{');
    write_members(c->body, &o, users);
    json_write_member_i64(c->body, "usersNotRestored", left);
    json_write_close(c->body, '}');
    api_ok(c, 200);
}

/* --- retention -------------------------------------------------------------------------------- */

static void answer_retention(struct api_call *c, int64_t org)
{
    bool own = false, unused = false;
    int64_t days = retention_days(c->app->retention, org, &own);
    json_write_open(c->body, '{');
    json_write_member_i64(c->body, "organizationId", org);
    json_write_key(c->body, "retentionDays");
    if (own)
        json_write_i64(c->body, days);
    else
        json_write_null(c->body);
    json_write_member_i64(c->body, "effectiveDays", days);
    json_write_member_i64(c->body, "defaultDays", retention_days(c->app->retention, 0, &unused));
    json_write_close(c->body, '}');
    service_call_cacheable(c);
}

void organizations_api_retention(struct api_call *c)
{
    struct organization o;
    struct refusal refusal = {.fields = 0};
    enum err e = find(c, &o);
    if (e)
        refuse(c, NULL, e, &refusal);
    else
        answer_retention(c, o.id);
}

/* Whole days; null is -1. */
static int64_t read_days(struct api_fields *f)
{
    double days = -1;
    if (!api_field_has(f, "retentionDays")) api_field_error(f, "retentionDays", "is required");
    if (!api_field_number(f, "retentionDays", &days)) return -1;
    if (days < 0 || days > ORGANIZATION_RETENTION_DAYS_MAX || days != (double)(int64_t)days)
        api_field_error(f, "retentionDays", "must be null, or a whole number from 0 to 36500");
    return (int64_t)days;
}

void organizations_api_set_retention(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct organization o;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    int64_t days = read_days(&f);
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = find(c, &o);
    if (!e)
        e = organization_retention_set(c->app->db, c->app->retention, o.id, days,
                                       clock_wall_ns(c->app->clock), &actor, &refusal);
    if (e) {
        refuse(c, &f, e, &refusal);
        return;
    }
    buf_done(&f.errors);
    answer_retention(c, o.id);
}
