/* What one organisation is granted, as an administrator of the installation sees and changes it. */
#include "api/app.h"
#include "api/handlers_pilot.h"
#include "api/pilot_json.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "service/organization_retention.h"
#include "service/pilot_plans.h"

#include <cjson/cJSON.h>

/* --- limits ------------------------------------------------------------------------------------*/

static void write_max(struct buf *b, enum limit what, int64_t max)
{
    if (max)
        json_write_member_i64(b, limit_member(what), max);
    else
        json_write_member_null(b, limit_member(what));
}

static void answer_limits(struct api_call *c, int64_t org, const struct pilot_limits *l)
{
    struct buf *b = c->body;
    pilot_json_open(c);
    json_write_open(b, '{');
    json_write_member_i64(b, "organizationId", org);
    for (int i = LIMIT_USERS; i < LIMITS; i++) write_max(b, (enum limit)i, l->effective[i]);
    json_write_key(b, "own");
    json_write_open(b, '{');
    for (int i = LIMIT_USERS; i < LIMITS; i++) write_max(b, (enum limit)i, l->own[i]);
    json_write_close(b, '}');
    json_write_close(b, '}');
    pilot_json_close(c, 200);
}

void pilot_plans_api_limits(struct api_call *c)
{
    struct pilot_limits l;
    int64_t org = pilot_json_organization(c);
    if (!org) return;
    enum err e = pilot_plans_limits(c->app->plans, org, c->arena, &l);
    if (e)
        api_fail(c, e, NULL);
    else
        answer_limits(c, org, &l);
}

void pilot_plans_api_read_limits(struct api_fields *f, struct pilot_limits_change *ret)
{
    *ret = (struct pilot_limits_change){.max = {0}};
    for (int i = LIMIT_USERS; i < LIMITS; i++) {
        const char *name = limit_member((enum limit)i);
        double v = 0;
        ret->set[i] = api_field_has(f, name);
        if (!ret->set[i] || !api_field_number(f, name, &v)) continue;
        bool whole = v >= 1 && v <= (double)PILOT_PLAN_MAX && v == (double)(int64_t)v;
        if (!whole)
            api_field_error(f, name, "must be null (as configured) or a whole number above 0");
        else
            ret->max[i] = (int64_t)v;
    }
}

void pilot_plans_api_set_limits(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct pilot_limits_change change;
    struct pilot_limits l;
    int64_t org = pilot_json_organization(c);
    if (!org || !api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    pilot_plans_api_read_limits(&f, &change);
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e =
        pilot_plans_set_limits(c->app->plans, org, &change, &actor, c->arena, &l, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "organization");
        return;
    }
    buf_done(&f.errors);
    answer_limits(c, org, &l);
}

/* --- retention ---------------------------------------------------------------------------------*/

static void answer_retention(struct api_call *c, int64_t org)
{
    bool own = false, unused = false;
    int64_t days = retention_days(c->app->retention, org, &own);
    struct buf *b = c->body;
    pilot_json_open(c);
    json_write_open(b, '{');
    json_write_member_i64(b, "organizationId", org);
    if (own)
        json_write_member_i64(b, "retentionDays", days);
    else
        json_write_member_null(b, "retentionDays");
    json_write_member_i64(b, "effectiveDays", days);
    json_write_member_i64(b, "defaultDays", retention_days(c->app->retention, 0, &unused));
    json_write_close(b, '}');
    pilot_json_close(c, 200);
}

void pilot_plans_api_retention(struct api_call *c)
{
    int64_t org = pilot_json_organization(c);
    if (org) answer_retention(c, org);
}

/* Whole days; null is -1, what is wrong too. */
static int64_t read_days(struct api_fields *f)
{
    double days = -1;
    if (!api_field_has(f, "retentionDays")) api_field_error(f, "retentionDays", "is required");
    if (!api_field_number(f, "retentionDays", &days)) return -1;
    bool whole =
        days >= 0 && days <= ORGANIZATION_RETENTION_DAYS_MAX && days == (double)(int64_t)days;
    if (whole) return (int64_t)days;
    api_field_error(f, "retentionDays", "must be null, or a whole number from 0 to 36500");
    return -1;
}

void pilot_plans_api_set_retention(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    int64_t org = pilot_json_organization(c);
    if (!org || !api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    int64_t days = read_days(&f);
    if (!api_fields_close(&f)) return;
    struct actor actor = service_call_actor(c);
    struct refusal refusal = {.fields = 0};
    enum err e = organization_retention_set(c->app->db, c->app->retention, org, days,
                                            clock_wall_ns(c->app->clock), &actor, &refusal);
    if (e)
        service_call_refuse(c, NULL, e, &refusal, "organization");
    else
        answer_retention(c, org);
}

/* --- features ----------------------------------------------------------------------------------*/

static void answer_features(struct api_call *c, int64_t org)
{
    struct feature *list = NULL;
    size_t n = 0;
    enum err e = pilot_plans_features(c->app->plans, org, c->arena, &list, &n);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    pilot_json_open(c);
    json_write_open(c->body, '{');
    json_write_member_i64(c->body, "organizationId", org);
    json_write_key(c->body, "features");
    json_write_open(c->body, '{');
    for (size_t i = 0; i < n; i++) {
        json_write_key_bytes(c->body, list[i].name);
        json_write_bool(c->body, list[i].enabled);
    }
    json_write_close(c->body, '}');
    json_write_close(c->body, '}');
    pilot_json_close(c, 200);
}

void pilot_plans_api_features(struct api_call *c)
{
    int64_t org = pilot_json_organization(c);
    if (org) answer_features(c, org);
}

/* Each member of the object is a feature. */
static size_t read_features(struct api_fields *f, struct pilot_feature_change *ret, size_t cap)
{
    size_t n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, f->object)
    {
        if (n == cap) {
            api_field_error(f, "features", "may be 100 at once");
            break;
        }
        enum pilot_feature_wish wish = PILOT_FEATURE_AS_CONFIGURED;
        if (cJSON_IsBool(item))
            wish = cJSON_IsTrue(item) ? PILOT_FEATURE_ON : PILOT_FEATURE_OFF;
        else if (!cJSON_IsNull(item))
            api_field_error(f, "features", "are true, false or null");
        ret[n++] = (struct pilot_feature_change){bytes_str(item->string), wish};
    }
    return n;
}

void pilot_plans_api_set_features(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct pilot_feature_change changes[FEATURES_OWN_MAX];
    int64_t org = pilot_json_organization(c);
    if (!org || !api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    if (!cJSON_IsObject(json)) api_field_error(&f, "features", "must be an object");
    size_t n = cJSON_IsObject(json) ? read_features(&f, changes, FEATURES_OWN_MAX) : 0;
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e =
        pilot_plans_set_features(c->app->plans, org, changes, n, &actor, c->arena, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "organization");
        return;
    }
    buf_done(&f.errors);
    answer_features(c, org);
}
