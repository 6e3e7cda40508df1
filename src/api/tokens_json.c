/* Tokens as an answer (see tokens_json.h). The cookie is for GET and HEAD only, so it carries no
 * right to change anything. */
#include "api/tokens_json.h"

#include "codec/json_write.h"

void tokens_json_cookie(struct api_call *c, const char *value, int64_t max_age_s)
{
    struct bytes scheme = http_header(c->exchange, "X-Forwarded-Proto");
    const char *secure = bytes_is(scheme, "https") ? "; Secure" : "";
    const char *age = "";
    if (max_age_s >= 0) age = arena_printf(c->arena, "; Max-Age=%lld", (long long)max_age_s);
    const char *text =
        arena_printf(c->arena, AUTH_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict%s%s", value,
                     age ? age : "", secure);
    if (text) http_add_header(c->exchange, "Set-Cookie", bytes_str(text));
}

void tokens_json_answer(struct api_call *c, const struct auth_tokens *t)
{
    struct buf *b = c->body;
    tokens_json_cookie(c, t->access,
                       t->remember ? t->access_s : -1); /* else it ends with the browser */
    json_write_open(b, '{');
    json_write_member_text(b, "accessToken", t->access);
    json_write_member_text(b, "refreshToken", t->refresh);
    json_write_member_text(b, "token", t->access);
    json_write_member_text(b, "tokenType", "Bearer");
    json_write_member_i64(b, "userId", t->user);
    json_write_member_str(b, "username", t->username);
    json_write_member_str(b, "email", t->email);
    json_write_member_i64(b, "organizationId", t->org);
    json_write_close(b, '}');
    api_ok(c, 200);
}
