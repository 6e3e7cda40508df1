/* The seam between handlers and services (see service_call.h). */
#include "api/service_call.h"

#include "api/answer.h"
#include "api/app.h"
#include "api/etag.h"
#include "codec/json_write.h"
#include "codec/timestamp.h"
#include "pilot/ledger.h"
#include "security/jwt.h"
#include "service/auth_service.h"
#include "store/registry.h"

#include <cjson/cJSON.h>
#include <sodium.h>

struct actor service_call_actor(struct api_call *c)
{
    struct actor a = {
        .address = bytes_str(http_client_address(c->exchange)),
        .request_id = http_request_id(c->exchange),
        .org = c->who.org,
        .by_key = c->who.by_key,
    };
    if (c->who.kind == PRINCIPAL_DEVICE) {
        struct bytes id = c->who.device->external_id;
        a.name = bytes_str(arena_printf(c->arena, "device:%.*s", (int)id.n, id.p));
    }
    if (c->who.kind != PRINCIPAL_USER) return a;
    char name[JWT_SUBJECT_MAX + 1];
    auth_service_user_name(c->app->auth, c->who.user, name);
    a.user = c->who.user;
    a.name = bytes_str(arena_printf(c->arena, "user:%s", name));
    a.session = bytes_str(c->who.session);
    return a;
}

static void add_field(void *ctx, const char *name, const char *why)
{
    api_field_error(ctx, name, why);
}

struct refusal service_call_refusal(struct api_fields *f)
{
    return (struct refusal){.field = add_field, .field_ctx = f};
}

static void add_number_header(struct api_call *c, const char *name, int64_t v)
{
    const char *text = arena_printf(c->arena, "%lld", (long long)v);
    if (text) http_add_header(c->exchange, name, bytes_str(text));
}

void service_call_note_refusal(struct api_call *c, const char *limit, int64_t amount)
{
    const struct ledger_note note = {
        .org = c->who.org,
        .limit = limit,
        .way = c->route->path,
        .who = c->who.org ? service_call_actor(c).name : bytes_of(NULL, 0),
        .amount = amount,
    };
    ledger_note(c->app->ledger, &note);
}

/* The sentence, and whom to ask when that is configured. */
static const char *with_support(struct api_call *c, const char *why)
{
    const char *email = atomic_load(&c->app->live.support_email);
    if (!email || !email[0]) return why;
    const char *both = arena_printf(c->arena, "%s; %s can help", why, email);
    return both ? both : why;
}

/* 403 for a count, 429 for a rate, 413 for more than it ever holds, each with its limit by name. */
static void answer_limit(struct api_call *c, enum err e, const struct refusal *r)
{
    int status = answer_status(e);
    service_call_note_refusal(c, r->limit, r->amount ? r->amount : 1);
    if (e == ERR_RATE) {
        int64_t wait_s = (r->retry_ns + NS_PER_S - 1) / NS_PER_S;
        add_number_header(c, "Retry-After", wait_s);
        add_number_header(c, "RateLimit-Limit", r->max);
        add_number_header(c, "RateLimit-Remaining", r->remaining);
        add_number_header(c, "RateLimit-Reset", wait_s);
    }
    answer_open_problem(c, status, with_support(c, r->why.text));
    json_write_key(c->body, "limit");
    json_write_open(c->body, '{');
    json_write_member_text(c->body, "name", r->limit);
    json_write_member_i64(c->body, "max", r->max);
    json_write_member_i64(c->body, "used", r->used);
    json_write_close(c->body, '}');
    answer_close_problem(c, status);
}

void service_call_refuse(struct api_call *c, struct api_fields *f, enum err e,
                         const struct refusal *refusal, const char *what)
{
    if (f && e == ERR_INVALID && refusal->fields) {
        api_fields_close(f); /* there are errors, so this answers */
        return;
    }
    if (f) buf_done(&f->errors);
    if (e == ERR_NOTFOUND) {
        api_not_found(c, refusal->missing ? refusal->missing : what);
    } else if (refusal->limit && (e == ERR_LIMIT || e == ERR_RATE || e == ERR_TOOLARGE)) {
        answer_limit(c, e, refusal);
    } else {
        api_fail(c, e, &refusal->why);
    }
}

bool service_call_id(struct bytes text, int64_t *ret)
{
    uint64_t id = 0;
    if (!bytes_to_u64(text, &id) || id == 0 || id > UINT64_C(9007199254740991)) return false;
    *ret = (int64_t)id;
    return true;
}

bool service_call_query_bool(struct api_call *c, const char *name, bool *ret)
{
    struct bytes text = api_query(c, name);
    *ret = bytes_is(text, "true");
    if (!text.n || *ret || bytes_is(text, "false")) return true;
    api_problem(c, 400, "%s may be true or false.", name);
    return false;
}

int64_t service_call_query_device(struct api_call *c, int64_t org)
{
    struct bytes id = api_query(c, "deviceId");
    if (!id.n) return 0;
    const struct reg_device *d = registry_find_device(c->app->registry, org, id);
    return d ? d->id : -1;
}

void service_call_time(struct buf *b, const char *key, int64_t ns)
{
    json_write_member_time(b, key, ns ? ns : INT64_MIN);
}

bool service_call_has_value(const struct api_fields *f, const char *name)
{
    if (!cJSON_IsObject(f->object)) return false;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(f->object, name);
    return item && !cJSON_IsNull(item);
}

bool service_call_field_time(struct api_fields *f, const char *name, int64_t *ret_ns)
{
    if (!service_call_has_value(f, name)) return false;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(f->object, name);
    struct why why = {"must be a time"};
    enum err e = ERR_INVALID;
    if (cJSON_IsString(item)) e = timestamp_parse(bytes_str(item->valuestring), ret_ns, &why);
    if (cJSON_IsNumber(item)) {
        const char *digits = arena_printf(f->call->arena, "%.17g", item->valuedouble);
        e = digits ? timestamp_from_number(bytes_str(digits), ret_ns, &why) : ERR_NOMEM;
    }
    if (e) api_field_error(f, name, why.text);
    return !e;
}

void service_call_cacheable(struct api_call *c)
{
    uint8_t hash[16];
    char hex[2 * sizeof hash + 1];
    if (c->body->err) {
        api_ok(c, 200); /* which says that it did not fit */
        return;
    }
    crypto_generichash(hash, sizeof hash, (const uint8_t *)c->body->p, c->body->n, NULL, 0);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    const char *tag = arena_printf(c->arena, "\"%s\"", hex);
    if (tag) http_add_header(c->exchange, "ETag", bytes_str(tag));
    if (tag && etag_is_listed(http_header(c->exchange, "If-None-Match"), bytes_str(tag))) {
        buf_clear(c->body);
        api_answer(c, 304, NULL);
        return;
    }
    api_ok(c, 200);
}
