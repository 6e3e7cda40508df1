/* Webhooks of the organisation. The signing secret is in the answers that make one, only. */
#include "api/app.h"
#include "api/handlers_notify.h"
#include "api/notify_try.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "codec/web_url.h"

#include <cjson/cJSON.h>

static void write_webhook(struct buf *b, const struct webhook *w, bool with_secret)
{
    json_write_open(b, '{');
    json_write_member_i64(b, "id", w->id);
    json_write_member_str(b, "name", w->name);
    json_write_member_str(b, "url", w->url);
    json_write_key(b, "events");
    json_write_open(b, '[');
    for (unsigned i = 0; i < NOTIFY_CHANGES; i++) {
        if (w->changes & 1u << i)
            json_write_string(b, bytes_str(notify_change_name((enum alert_change)i)));
    }
    json_write_close(b, ']');
    json_write_member_text(b, "minSeverity", alert_severity_name(w->min_severity));
    json_write_member_bool(b, "enabled", w->enabled);
    if (with_secret) json_write_member_str(b, "signingSecret", w->secret);
    service_call_time(b, "createdAt", w->created_ns);
    service_call_time(b, "updatedAt", w->updated_ns);
    json_write_close(b, '}');
}

/* --- reading ---------------------------------------------------------------------------------- */

static unsigned change_bit(const cJSON *item)
{
    for (unsigned i = 0; cJSON_IsString(item) && i < NOTIFY_CHANGES; i++) {
        if (strcmp(item->valuestring, notify_change_name((enum alert_change)i)) == 0)
            return 1u << i;
    }
    return 0;
}

static void read_events(struct api_fields *f, struct webhook_change *ret)
{
    if (!service_call_has_value(f, "events")) return;
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(f->object, "events"), *item;
    bool fine = cJSON_IsArray(list);
    ret->changes_set = true;
    cJSON_ArrayForEach(item, list)
    {
        unsigned bit = change_bit(item);
        fine = fine && bit;
        ret->changes |= bit;
    }
    if (!fine)
        api_field_error(f, "events",
                        "must be a list of alert.raised, alert.acknowledged, alert.resolved");
}

static void read_severity(struct api_fields *f, struct webhook_change *ret)
{
    struct bytes text = api_field_text(f, "minSeverity", 16);
    if (!text.p) return;
    ret->min_severity_set = true;
    if (!alert_severity_parse(text, &ret->min_severity))
        api_field_error(f, "minSeverity", "must be LOW, MEDIUM, HIGH or CRITICAL");
}

/* False: answered. */
static bool read_change(struct api_call *c, struct api_fields *f, bool creating,
                        struct webhook_change *ret)
{
    struct cJSON *json;
    *ret = (struct webhook_change){0};
    if (!api_json(c, &json)) return false;
    api_fields_open(f, c, json);
    ret->name_set = api_field_has(f, "name");
    ret->name = api_field_text(f, "name", WEBHOOK_NAME_MAX);
    ret->url = api_field_text(f, "url", WEB_URL_MAX);
    ret->enabled_set = service_call_has_value(f, "enabled");
    ret->enabled = api_field_bool(f, "enabled", true);
    read_events(f, ret);
    read_severity(f, ret);
    if (creating && !service_call_has_value(f, "url")) api_field_error(f, "url", "is required");
    if (!api_fields_close(f)) return false;
    api_fields_open(f, c, json);
    return true;
}

/* --- handlers --------------------------------------------------------------------------------- */

void webhooks_api_list(struct api_call *c)
{
    struct webhook *webhooks = NULL;
    size_t n = 0;
    enum err e = notify_service_webhooks(c->app->notify, c->who.org, c->arena, &webhooks, &n);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    json_write_open(c->body, '[');
    for (size_t i = 0; i < n; i++) write_webhook(c->body, &webhooks[i], false);
    json_write_close(c->body, ']');
    service_call_cacheable(c);
}

void webhooks_api_get(struct api_call *c)
{
    struct webhook w;
    int64_t id = 0;
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id))
        e = notify_service_webhook(c->app->notify, c->who.org, id, c->arena, &w);
    if (e) {
        service_call_refuse(c, NULL, e, &(struct refusal){.fields = 0}, "webhook");
        return;
    }
    write_webhook(c->body, &w, false);
    service_call_cacheable(c);
}

void webhooks_api_create(struct api_call *c)
{
    struct api_fields f;
    struct webhook_change change;
    struct webhook w;
    if (!read_change(c, &f, true, &change)) return;
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = notify_service_create(c->app->notify, &actor, &change, c->arena, &w, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "webhook");
        return;
    }
    buf_done(&f.errors);
    write_webhook(c->body, &w, true);
    api_ok(c, 201);
}

void webhooks_api_update(struct api_call *c)
{
    struct api_fields f;
    struct webhook_change change;
    struct webhook w;
    int64_t id = 0;
    enum err e = ERR_NOTFOUND;
    if (!read_change(c, &f, false, &change)) return;
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    if (service_call_id(c->params[0], &id))
        e = notify_service_update(c->app->notify, &actor, id, &change, c->arena, &w, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "webhook");
        return;
    }
    buf_done(&f.errors);
    write_webhook(c->body, &w, false);
    api_ok(c, 200);
}

void webhooks_api_rotate(struct api_call *c)
{
    struct webhook w;
    int64_t id = 0;
    enum err e = ERR_NOTFOUND;
    struct actor actor = service_call_actor(c);
    if (service_call_id(c->params[0], &id))
        e = notify_service_rotate(c->app->notify, &actor, id, c->arena, &w);
    if (e) {
        service_call_refuse(c, NULL, e, &(struct refusal){.fields = 0}, "webhook");
        return;
    }
    write_webhook(c->body, &w, true);
    api_ok(c, 200);
}

void webhooks_api_delete(struct api_call *c)
{
    int64_t id = 0;
    enum err e = ERR_NOTFOUND;
    struct actor actor = service_call_actor(c);
    if (service_call_id(c->params[0], &id)) e = notify_service_delete(c->app->notify, &actor, id);
    if (e) {
        service_call_refuse(c, NULL, e, &(struct refusal){.fields = 0}, "webhook");
        return;
    }
    api_answer(c, 204, NULL);
}

void webhooks_api_test(struct api_call *c)
{
    int64_t id = 0;
    struct refusal refusal = {.fields = 0};
    struct actor actor = service_call_actor(c);
    if (!service_call_id(c->params[0], &id)) {
        api_not_found(c, "webhook");
        return;
    }
    struct notifier_try *t = notify_try_new(c);
    if (!t) return;
    enum err e = notify_service_test_webhook(c->app->notify, &actor, id, c->arena, t, &refusal);
    if (e) notify_try_refuse(c, e, &refusal, "webhook");
}
