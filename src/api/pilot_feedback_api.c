/* What people say of the pilot: taken, and summed up for those who run it. */
#include "api/app.h"
#include "api/handlers_pilot.h"
#include "api/pilot_json.h"
#include "api/series.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "service/pilot_feedback.h"
#include "service/pilot_plans.h"

#include <cjson/cJSON.h>
#include <stdio.h>

enum { RECENT = 10, DAYS_MAX = 365, CATEGORIES_MAX = 100 };

/* The object as compact text; p == NULL when absent or null. */
static struct bytes read_metadata(struct api_fields *f)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(f->object, "metadata");
    struct bytes none = {NULL, 0};
    if (!item || cJSON_IsNull(item)) return none;
    if (!cJSON_IsObject(item)) {
        api_field_error(f, "metadata", "must be an object");
        return none;
    }
    char *text = cJSON_PrintUnformatted(item);
    struct bytes copy = text ? arena_copy(f->call->arena, bytes_str(text)) : none;
    cJSON_free(text);
    return copy;
}

static struct feedback read_fields(struct api_fields *f)
{
    double rating = 0;
    (void)api_field_number(f, "rating", &rating);
    bool whole = rating >= 1 && rating <= 10 && rating == (double)(int64_t)rating;
    return (struct feedback){
        .rating = whole ? (int64_t)rating : 0,
        .category = api_field_text(f, "category", PILOT_FEEDBACK_CATEGORY),
        .title = api_field_text(f, "title", PILOT_FEEDBACK_TITLE),
        .message = api_field_text(f, "message", PILOT_FEEDBACK_MESSAGE),
        .email = api_field_text(f, "email", 254),
        .metadata = read_metadata(f),
    };
}

/* False: answered. */
static bool may_say(struct api_call *c)
{
    bool on = false;
    enum err e = pilot_plans_feature(c->app->plans, c->who.org, BYTES("feedback"), &on);
    if (e)
        api_fail(c, e, NULL);
    else if (!on)
        api_problem(c, 403, "Feedback is switched off for your organisation.");
    return !e && on;
}

void pilot_feedback_api_give(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    if (!may_say(c) || !api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    struct feedback given = read_fields(&f);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = buf_bytes(&f.errors).n
                     ? ERR_INVALID
                     : pilot_feedback_give(c->app->db, clock_wall_ns(c->app->clock), &actor, &given,
                                           &refusal);
    if (e == ERR_INVALID) {
        (void)api_fields_close(&f);
        return;
    }
    if (e) {
        service_call_refuse(c, &f, e, &refusal, NULL);
        return;
    }
    buf_done(&f.errors);
    pilot_json_open(c);
    json_write_string(c->body, BYTES("Thank you: what you said was noted."));
    pilot_json_close(c, 200);
}

/* --- the sum -----------------------------------------------------------------------------------*/

static void write_one(struct buf *b, const struct feedback *f)
{
    json_write_open(b, '{');
    json_write_member_i64(b, "id", f->id);
    json_write_member_i64(b, "rating", f->rating);
    json_write_member_str(b, "category", f->category);
    json_write_member_str(b, "title", f->title);
    json_write_member_str(b, "message", f->message);
    json_write_member_i64(b, "organizationId", f->org);
    json_write_member_time(b, "submittedAt", f->created_ns);
    json_write_member_text(b, "status", "NEW");
    json_write_close(b, '}');
}

static void write_some(struct buf *b, const char *key, const struct pilot_feedback_summary *s,
                       int64_t rating_max, size_t max)
{
    json_write_key(b, key);
    json_write_open(b, '[');
    for (size_t i = 0, n = 0; i < s->n && n < max; i++) {
        if (s->all[i].rating > rating_max) continue;
        write_one(b, &s->all[i]);
        n++;
    }
    json_write_close(b, ']');
}

static struct bytes category_of(const struct feedback *f)
{
    return f->category.n ? f->category : BYTES("uncategorized");
}

/* Each distinct one where it stands first; few enough that looking back is cheap. */
static void write_categories(struct buf *b, const struct pilot_feedback_summary *s)
{
    struct bytes seen[CATEGORIES_MAX];
    size_t n = 0;
    json_write_key(b, "categoryBreakdown");
    json_write_open(b, '{');
    for (size_t i = 0; i < s->n && n < CATEGORIES_MAX; i++) {
        struct bytes name = category_of(&s->all[i]);
        size_t at = 0;
        int64_t count = 0;
        while (at < n && !bytes_equal(seen[at], name)) at++;
        if (at < n) continue;
        for (size_t k = i; k < s->n; k++) count += bytes_equal(category_of(&s->all[k]), name);
        json_write_key_bytes(b, name);
        json_write_i64(b, count);
        seen[n++] = name;
    }
    json_write_close(b, '}');
}

static void write_organizations(struct buf *b, const struct pilot_feedback_summary *s)
{
    int64_t seen[CATEGORIES_MAX];
    size_t n = 0;
    char key[24];
    json_write_key(b, "organizationBreakdown");
    json_write_open(b, '{');
    for (size_t i = 0; i < s->n && n < CATEGORIES_MAX; i++) {
        size_t at = 0;
        int64_t count = 0, org = s->all[i].org;
        while (at < n && seen[at] != org) at++;
        if (at < n) continue;
        for (size_t k = i; k < s->n; k++) count += s->all[k].org == org;
        int len = snprintf(key, sizeof key, "%lld", (long long)org);
        json_write_key_bytes(b, bytes_of(key, (size_t)len));
        json_write_i64(b, count);
        seen[n++] = org;
    }
    json_write_close(b, '}');
}

static void write_ratings(struct buf *b, const struct pilot_feedback_summary *s)
{
    char key[24];
    json_write_key(b, "ratingDistribution");
    json_write_open(b, '{');
    for (int r = 1; r <= 10; r++) {
        if (!s->by_rating[r]) continue;
        int len = snprintf(key, sizeof key, "%d", r);
        json_write_key_bytes(b, bytes_of(key, (size_t)len));
        json_write_i64(b, s->by_rating[r]);
    }
    json_write_close(b, '}');
}

static void write_summary(struct buf *b, const struct pilot_feedback_summary *s, uint64_t days)
{
    char period[32];
    snprintf(period, sizeof period, "%llu days", (unsigned long long)days);
    json_write_open(b, '{');
    json_write_member_u64(b, "totalFeedbacks", s->n);
    json_write_member_text(b, "period", period);
    write_ratings(b, s);
    json_write_member_number(b, "averageRating", s->average);
    write_categories(b, s);
    write_organizations(b, s);
    write_some(b, "recentFeedback", s, 10, RECENT);
    write_some(b, "criticalFeedback", s, 2, SIZE_MAX);
    json_write_member_number(b, "netPromoterScore", s->net_promoter_score);
    json_write_key(b, "sentiment");
    json_write_open(b, '{');
    json_write_member_i64(b, "positive", s->promoters);
    json_write_member_i64(b, "neutral", (int64_t)s->n - s->promoters - s->detractors);
    json_write_member_i64(b, "negative", s->detractors);
    json_write_close(b, '}');
    json_write_close(b, '}');
}

void pilot_feedback_api_summary(struct api_call *c)
{
    uint64_t days;
    struct pilot_feedback_summary s;
    if (!series_read_count(c, "days", 30, 1, DAYS_MAX, &days)) return;
    int64_t since_ns = clock_wall_ns(c->app->clock) - (int64_t)days * NS_PER_DAY;
    enum err e = pilot_feedback_summarize(c->app->db, since_ns, c->arena, &s);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    pilot_json_open(c);
    write_summary(c->body, &s, days);
    pilot_json_close(c, 200);
}
