/* Pictures of people. Old pages send a form and show the picture by its address, with the login
 * cookie. */
#include "api/app.h"
#include "api/handlers_people.h"
#include "api/service_call.h"
#include "api/users_json.h"
#include "codec/json_write.h"
#include "codec/multipart.h"
#include "service/auth_avatars.h"

/* The body itself, or the file of a form. False: answered. */
static bool read_image(struct api_call *c, struct bytes *ret)
{
    struct why why = {""};
    struct bytes boundary;
    struct multipart_part part;
    enum err e = multipart_boundary(http_header(c->exchange, "Content-Type"), &boundary, &why);
    if (e == ERR_UNSUPPORTED) {
        *ret = c->request_body;
        return true;
    }
    if (!e) e = multipart_file(c->request_body, boundary, &part, &why);
    if (e) api_fail(c, e, &why);
    if (!e) *ret = part.content;
    return !e;
}

void avatars_api_put(struct api_call *c)
{
    int64_t id = 0;
    struct user u;
    struct bytes image = {NULL, 0};
    struct refusal refusal = {.fields = 0};
    if (!read_image(c, &image)) return;
    struct auth_reach reach = users_json_reach(c);
    struct actor actor = service_call_actor(c);
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id)) {
        e = auth_avatars_put(c->app->auth, &reach, id, image, &actor, c->arena, &u, &refusal);
    }
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "user");
        return;
    }
    json_write_open(c->body, '{');
    json_write_member_bool(c->body, "success", true);
    json_write_member_text(c->body, "message", "The picture was changed.");
    users_json_avatar(c->body, &u);
    service_call_time(c->body, "uploadedAt", u.updated_ns);
    json_write_member_u64(c->body, "fileSize", image.n);
    json_write_close(c->body, '}');
    api_ok(c, 200);
}

void avatars_api_get(struct api_call *c)
{
    int64_t id = 0;
    struct avatar avatar;
    struct refusal refusal = {.fields = 0};
    struct auth_reach reach = users_json_reach(c);
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id)) {
        e = auth_avatars_get(c->app->auth, &reach, id, c->arena, &avatar);
    }
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "user");
        return;
    }
    buf_add_bytes(c->body, avatar.image);
    bool png = bytes_is(avatar.media_type, "image/png");
    api_answer(c, 200, png ? "image/png" : "image/jpeg");
}

void avatars_api_status(struct api_call *c)
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
    json_write_open(c->body, '{');
    json_write_member_bool(c->body, "hasAvatar", u.avatar_version != 0);
    users_json_avatar(c->body, &u);
    json_write_close(c->body, '}');
    api_ok(c, 200);
}

void avatars_api_delete(struct api_call *c)
{
    int64_t id = 0;
    struct refusal refusal = {.fields = 0};
    struct auth_reach reach = users_json_reach(c);
    struct actor actor = service_call_actor(c);
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id)) {
        e = auth_avatars_remove(c->app->auth, &reach, id, &actor, c->arena, &refusal);
    }
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "user");
        return;
    }
    json_write_open(c->body, '{');
    json_write_member_bool(c->body, "success", true);
    json_write_member_text(c->body, "message", "The picture was removed.");
    json_write_close(c->body, '}');
    api_ok(c, 200);
}
