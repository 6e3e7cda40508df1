/* A new organisation with all it needs, and what those who made it do next. */
#include "api/app.h"
#include "api/handlers_pilot.h"
#include "api/pilot_json.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "service/onboarding.h"

#include <cjson/cJSON.h>

static void read_limits(struct api_call *c, struct api_fields *f, struct onboarding_wish *wish)
{
    const cJSON *limits = cJSON_GetObjectItemCaseSensitive(f->object, "limits");
    struct api_fields own = {.call = c, .object = limits, .errors = f->errors};
    if (!limits || cJSON_IsNull(limits)) return;
    if (!cJSON_IsObject(limits)) {
        api_field_error(f, "limits", "must be an object");
        return;
    }
    pilot_plans_api_read_limits(&own, &wish->limits);
    f->errors = own.errors;
}

static void write_step(struct api_call *c, const char *text)
{
    json_write_string(c->body, text ? bytes_str(text) : BYTES(""));
}

/* With real values: a person copies them. */
static void write_steps(struct api_call *c, const struct onboarding_made *m)
{
    const struct invitation *i = &m->invitation.invitation;
    struct bytes url = m->invitation.url, host = http_header(c->exchange, "Host");
    struct bytes id = m->device.device.external_id;
    json_write_key(c->body, "nextSteps");
    json_write_open(c->body, '[');
    if (m->invitation.sent)
        write_step(c, arena_printf(c->arena, "An invitation is on its way to %.*s.",
                                   (int)i->email.n, i->email.p));
    else
        write_step(c, arena_printf(c->arena, "Send %.*s this invitation: %.*s", (int)i->email.n,
                                   i->email.p, (int)(url.p ? url.n : m->invitation.token.n),
                                   url.p ? url.p : m->invitation.token.p));
    write_step(c, arena_printf(c->arena,
                               "Send a first reading: curl -X POST http://%.*s/api/v1/ingest/%.*s "
                               "-H 'X-API-Key: %s' -H 'Content-Type: application/json' -d "
                               "'{\"temperature\":23.5}'",
                               (int)host.n, host.p, (int)id.n, id.p, m->device.token));
    write_step(c, arena_printf(c->arena,
                               "See what it may use: GET /api/v1/pilot/organizations/%lld"
                               "/limits",
                               (long long)m->org));
    json_write_close(c->body, ']');
}

static void answer(struct api_call *c, const struct onboarding_wish *wish,
                   const struct onboarding_made *m)
{
    struct buf *b = c->body;
    pilot_json_open(c);
    json_write_open(b, '{');
    json_write_member_i64(b, "organizationId", m->org);
    json_write_member_str(b, "name", bytes_trim(wish->name));
    json_write_member_i64(b, "dashboardId", m->dashboard);
    json_write_key(b, "invitation");
    json_write_open(b, '{');
    json_write_member_i64(b, "id", m->invitation.invitation.id);
    json_write_member_str(b, "email", m->invitation.invitation.email);
    json_write_member_bool(b, "sent", m->invitation.sent);
    service_call_time(b, "expiresAt", m->invitation.invitation.expires_ns);
    if (m->invitation.token.p) json_write_member_str(b, "token", m->invitation.token);
    if (m->invitation.url.p) json_write_member_str(b, "acceptUrl", m->invitation.url);
    json_write_close(b, '}');
    json_write_key(b, "device");
    json_write_open(b, '{');
    json_write_member_str(b, "externalId", m->device.device.external_id);
    json_write_member_text(b, "apiToken", m->device.token);
    json_write_close(b, '}');
    write_steps(c, m);
    json_write_close(b, '}');
    pilot_json_close(c, 201);
}

void pilot_onboarding_api_run(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct onboarding_made made;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    struct onboarding_wish wish = {
        .name = api_field_text(&f, "name", ORGANIZATION_NAME_MAX),
        .email = api_field_text(&f, "adminEmail", 254),
        .device = api_field_text(&f, "deviceId", REGISTRY_EXTERNAL_ID_MAX),
    };
    read_limits(c, &f, &wish);
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = onboarding_run(c->app->onboarding, &wish, &actor, c->arena, &made, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, NULL);
        return;
    }
    buf_done(&f.errors);
    answer(c, &wish, &made);
}
