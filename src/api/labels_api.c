/* Tags and groups of devices. */
#include "api/app.h"
#include "api/devices_json.h"
#include "api/handlers_labels.h"
#include "api/paging.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "service/device_labels.h"

enum { TEXT_MAX = 1024 };

static enum label_kind kind_of(const struct api_call *c)
{
    return strncmp(c->route->id, "deviceTag", 9) == 0 ? LABEL_TAG : LABEL_GROUP;
}

static void write_label(struct buf *b, const struct label *l, const struct label_view *view)
{
    json_write_open(b, '{');
    json_write_member_i64(b, "id", l->id);
    json_write_member_str(b, "name", l->name);
    if (l->kind == LABEL_TAG)
        json_write_member_str(b, "color", l->color);
    else
        json_write_member_str(b, "description", l->description);
    json_write_member_i64(b, "deviceCount", l->device_count);
    json_write_key(b, "deviceIds");
    json_write_open(b, '[');
    for (size_t i = 0; view && i < view->member_n; i++)
        if (view->members[i].label == l->id) json_write_string(b, view->members[i].external_id);
    json_write_close(b, ']');
    service_call_time(b, "createdAt", l->created_ns);
    service_call_time(b, "updatedAt", l->updated_ns);
    json_write_close(b, '}');
}

static void refuse(struct api_call *c, struct api_fields *f, enum err e,
                   const struct refusal *refusal)
{
    service_call_refuse(c, f, e, refusal, device_labels_noun(kind_of(c)));
}

/* --- reading ---------------------------------------------------------------------------------- */

void labels_api_list(struct api_call *c)
{
    struct paging p;
    struct label_view view;
    struct catalog_listing listing;
    struct why why = {""};
    if (!paging_read(c, &p)) return;
    if (!p.asked) p.page.no_total = true;
    enum err e = device_labels_list(c->app->devices, c->who.org, kind_of(c), &p.page, c->arena,
                                    &view, &listing, &why);
    if (e) {
        api_fail(c, e, &why);
        return;
    }
    paging_open(c, &p);
    for (size_t i = 0; i < view.n; i++) write_label(c->body, &view.labels[i], &view);
    paging_close(c, &p, &listing);
    service_call_cacheable(c);
}

static void answer_view(struct api_call *c, enum err e, const struct label_view *view,
                        const struct refusal *refusal)
{
    if (e) {
        refuse(c, NULL, e, refusal);
        return;
    }
    write_label(c->body, view->labels, view);
    api_ok(c, 200);
}

void labels_api_get(struct api_call *c)
{
    int64_t id = 0;
    struct label_view view;
    const struct refusal refusal = {.fields = 0};
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id))
        e = device_labels_find(c->app->devices, c->who.org, kind_of(c), id, c->arena, &view);
    answer_view(c, e, &view, &refusal);
}

void labels_api_of_device(struct api_call *c)
{
    struct label_view view;
    const struct refusal refusal = {.fields = 0};
    enum err e =
        device_labels_of(c->app->devices, c->who.org, kind_of(c), c->params[0], c->arena, &view);
    if (e) {
        service_call_refuse(c, NULL, e, &refusal, "device");
        return;
    }
    json_write_open(c->body, '[');
    for (size_t i = 0; i < view.n; i++) write_label(c->body, &view.labels[i], &view);
    json_write_close(c->body, ']');
    service_call_cacheable(c);
}

/* --- changing --------------------------------------------------------------------------------- */

static struct label_change read_change(struct api_fields *f, enum label_kind kind)
{
    struct label_change change = {.name = devices_json_text(f, "name", TEXT_MAX)};
    if (kind == LABEL_TAG)
        change.color = devices_json_text(f, "color", TEXT_MAX);
    else
        change.description = devices_json_text(f, "description", TEXT_MAX);
    return change;
}

void labels_api_create(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct label l;
    enum label_kind kind = kind_of(c);
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct label_change said = read_change(&f, kind);
    if (!api_fields_close(&f)) return;
    const struct label given = {.kind = kind,
                                .name = said.name.value,
                                .color = said.color.value,
                                .description = said.description.value};
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = device_labels_create(c->app->devices, &actor, &given, c->arena, &l, &refusal);
    if (e) {
        refuse(c, &f, e, &refusal);
        return;
    }
    buf_done(&f.errors);
    write_label(c->body, &l, NULL);
    api_ok(c, 201);
}

void labels_api_update(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct label l;
    struct label_view view;
    int64_t id = 0;
    enum label_kind kind = kind_of(c);
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    const struct label_change change = read_change(&f, kind);
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id))
        e = device_labels_update(c->app->devices, &actor, kind, id, &change, c->arena, &l,
                                 &refusal);
    if (!e) e = device_labels_find(c->app->devices, c->who.org, kind, id, c->arena, &view);
    if (e) {
        refuse(c, &f, e, &refusal);
        return;
    }
    buf_done(&f.errors);
    write_label(c->body, view.labels, &view);
    api_ok(c, 200);
}

void labels_api_delete(struct api_call *c)
{
    int64_t id = 0;
    struct actor actor = service_call_actor(c);
    const struct refusal refusal = {.fields = 0};
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id))
        e = device_labels_delete(c->app->devices, &actor, kind_of(c), id, c->arena);
    if (e) {
        refuse(c, NULL, e, &refusal);
        return;
    }
    api_answer(c, 204, NULL);
}

static void set(struct api_call *c, bool has)
{
    int64_t id = 0;
    struct label_view view;
    struct actor actor = service_call_actor(c);
    struct refusal refusal = {.fields = 0};
    enum err e = ERR_NOTFOUND;
    if (service_call_id(c->params[0], &id))
        e = device_labels_set(c->app->devices, &actor, kind_of(c), id, c->params[1], has, c->arena,
                              &view, &refusal);
    answer_view(c, e, &view, &refusal);
}

void labels_api_assign(struct api_call *c)
{
    set(c, true);
}

void labels_api_remove(struct api_call *c)
{
    set(c, false);
}
