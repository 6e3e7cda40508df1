/* What the pilot's answers have in common (see pilot_json.h). */
#include "api/pilot_json.h"

#include "api/app.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "service/auth_accounts.h"

void pilot_json_open(struct api_call *c)
{
    json_write_open(c->body, '{');
    json_write_member_bool(c->body, "success", true);
    json_write_key(c->body, "data");
}

void pilot_json_close(struct api_call *c, int status)
{
    json_write_close(c->body, '}');
    api_ok(c, status);
}

int64_t pilot_json_organization(struct api_call *c)
{
    struct organization o;
    int64_t id = 0;
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id))
        e = auth_accounts_find_organization(c->app->auth, id, c->arena, &o);
    if (!e) return id;
    if (e == ERR_NOTFOUND)
        api_not_found(c, "organization");
    else
        api_fail(c, e, NULL);
    return 0;
}
