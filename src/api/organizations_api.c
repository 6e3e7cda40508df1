/* Organisations: one's own, and for an installation's administrator each. */
#include "api/app.h"
#include "api/handlers_people.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "service/auth_accounts.h"

static void write_organization(struct buf *b, const struct organization *o)
{
    json_write_open(b, '{');
    json_write_member_i64(b, "id", o->id);
    json_write_member_str(b, "name", o->name);
    service_call_time(b, "createdAt", o->created_ns);
    json_write_close(b, '}');
}

void organizations_api_get(struct api_call *c)
{
    int64_t id = 0;
    struct organization o;
    struct refusal refusal = {.fields = 0};
    enum err e = ERR_NOTFOUND;
    bool good = service_call_id(c->params[0], &id);
    if (good && (id == c->who.org || principal_is_admin(&c->who))) {
        e = auth_accounts_find_organization(c->app->auth, id, c->arena, &o);
    }
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "organization");
        return;
    }
    write_organization(c->body, &o);
    service_call_cacheable(c);
}
