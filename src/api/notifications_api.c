/* What the caller prefers, and the log of deliveries, as the old front end knows them. */
#include "api/app.h"
#include "api/handlers_notify.h"
#include "api/notify_try.h"
#include "api/paging.h"
#include "api/service_call.h"
#include "codec/json_write.h"
#include "codec/web_url.h"

enum { LOG_PAGE = 20, DIGEST_MAX = 10080 };

static void write_preference(struct buf *b, const struct notify_preference *p)
{
    json_write_open(b, '{');
    json_write_member_i64(b, "id", p->id);
    json_write_member_text(b, "channel", notify_channel_name(p->channel));
    json_write_member_bool(b, "enabled", p->enabled);
    json_write_member_str(b, "destination", p->destination);
    json_write_member_text(b, "minSeverity", alert_severity_name(p->min_severity));
    json_write_member_bool(b, "immediate", true); /* there are no digests */
    json_write_member_null(b, "digestIntervalMinutes");
    service_call_time(b, "createdAt", p->created_ns);
    service_call_time(b, "updatedAt", p->updated_ns);
    if (p->secret.p) json_write_member_str(b, "signingSecret", p->secret);
    json_write_close(b, '}');
}

static bool channel_of(struct bytes name, enum notify_channel *ret)
{
    static const enum notify_channel preferred[] = {NOTIFY_EMAIL, NOTIFY_WEBHOOK, NOTIFY_IN_APP};
    for (size_t i = 0; i < sizeof preferred / sizeof *preferred; i++) {
        if (!bytes_is(name, notify_channel_name(preferred[i]))) continue;
        *ret = preferred[i];
        return true;
    }
    return false;
}

/* --- preferences ------------------------------------------------------------------------------ */

void notifications_api_preferences(struct api_call *c)
{
    struct notify_preference *list = NULL;
    size_t n = 0;
    struct actor actor = service_call_actor(c);
    enum err e = notify_service_preferences(c->app->notify, &actor, c->arena, &list, &n);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    json_write_open(c->body, '[');
    for (size_t i = 0; i < n; i++) {
        list[i].secret = bytes_of(NULL, 0);
        write_preference(c->body, &list[i]);
    }
    json_write_close(c->body, ']');
    service_call_cacheable(c);
}

/* Digests are taken for what they are: not there. Silence instead of a message would be worse. */
static void refuse_digest(struct api_fields *f)
{
    double minutes = 0;
    if (!api_field_bool(f, "immediate", true))
        api_field_error(f, "immediate", "must be true: there are no digests");
    if (api_field_number(f, "digestIntervalMinutes", &minutes) &&
        (minutes < 0 || minutes > DIGEST_MAX))
        api_field_error(f, "digestIntervalMinutes", "must be between 0 and 10080");
}

static void read_preference(struct api_fields *f, struct notify_preference *ret)
{
    struct bytes channel = api_field_text(f, "channel", 16);
    struct bytes severity = api_field_text(f, "minSeverity", 16);
    ret->enabled = api_field_bool(f, "enabled", true);
    ret->destination = api_field_text(f, "destination", WEB_URL_MAX);
    if (!channel.p)
        api_field_error(f, "channel", "is required");
    else if (bytes_is(channel, "SMS"))
        api_field_error(f, "channel", "SMS is not available here");
    else if (!channel_of(channel, &ret->channel))
        api_field_error(f, "channel", "must be EMAIL, WEBHOOK or IN_APP");
    if (severity.p && !alert_severity_parse(severity, &ret->min_severity))
        api_field_error(f, "minSeverity", "must be LOW, MEDIUM, HIGH or CRITICAL");
    refuse_digest(f);
}

void notifications_api_prefer(struct api_call *c)
{
    struct cJSON *json;
    struct api_fields f;
    struct notify_preference given = {.min_severity = ALERT_LOW}, p;
    if (!api_json(c, &json)) return;
    api_fields_open(&f, c, json);
    read_preference(&f, &given);
    if (!api_fields_close(&f)) return;
    api_fields_open(&f, c, json);
    struct actor actor = service_call_actor(c);
    struct refusal refusal = service_call_refusal(&f);
    enum err e = notify_service_prefer(c->app->notify, &actor, &given,
                                       principal_is_org_admin(&c->who), c->arena, &p, &refusal);
    if (e) {
        service_call_refuse(c, &f, e, &refusal, "preference");
        return;
    }
    buf_done(&f.errors);
    write_preference(c->body, &p);
    api_ok(c, 201);
}

void notifications_api_unprefer(struct api_call *c)
{
    enum notify_channel channel;
    struct actor actor = service_call_actor(c);
    enum err e = ERR_OK;
    if (!channel_of(c->params[0], &channel)) {
        if (!bytes_is(c->params[0], "SMS")) {
            api_not_found(c, "channel");
            return;
        }
    } else {
        e = notify_service_unprefer(c->app->notify, &actor, channel);
    }
    if (e && e != ERR_NOTFOUND) {
        api_fail(c, e, NULL);
        return;
    }
    api_answer(c, 204, NULL); /* also when there was none, as old clients know it */
}

void notifications_api_test(struct api_call *c)
{
    enum notify_channel channel;
    struct refusal refusal = {.fields = 0};
    struct actor actor = service_call_actor(c);
    if (!channel_of(c->params[0], &channel) || channel == NOTIFY_IN_APP) {
        api_not_found(c, "channel");
        return;
    }
    struct notifier_try *t = notify_try_new(c);
    if (!t) return;
    enum err e =
        notify_service_test_channel(c->app->notify, &actor, channel, c->arena, t, &refusal);
    if (e) notify_try_refuse(c, e, &refusal, "preference");
}

/* --- the log ---------------------------------------------------------------------------------- */

static const char *status_of(const struct notification *n)
{
    if (n->state == NOTIFICATION_SENT) return "SENT";
    if (n->state == NOTIFICATION_FAILED) return "FAILED";
    return n->attempts ? "RETRYING" : "PENDING";
}

static void write_line(struct buf *b, const struct notification *n)
{
    char uuid[UUID_TEXT + 1];
    bool pending = n->state == NOTIFICATION_PENDING;
    uuid_format(&n->uuid, uuid);
    json_write_open(b, '{');
    json_write_member_i64(b, "id", n->id);
    json_write_member_text(b, "deliveryId", uuid);
    json_write_member_str(b, "alertId", n->alert);
    json_write_member_str(b, "event", n->what);
    json_write_member_text(b, "channel", notify_channel_name(n->channel));
    json_write_key(b, "webhookId");
    if (n->webhook)
        json_write_i64(b, n->webhook);
    else
        json_write_null(b);
    json_write_member_str(b, "destination", n->destination);
    json_write_member_str(b, "subject", n->subject);
    json_write_member_str(b, "message", n->message);
    json_write_member_text(b, "status", status_of(n));
    json_write_member_i64(b, "attempts", n->attempts);
    json_write_key(b, "responseStatus");
    if (n->status)
        json_write_i64(b, n->status);
    else
        json_write_null(b);
    json_write_member_str(b, "errorMessage", n->error);
    service_call_time(b, "nextAttemptAt", pending ? n->next_ns : 0);
    service_call_time(b, "sentAt", n->state == NOTIFICATION_SENT ? n->ended_ns : 0);
    service_call_time(b, "createdAt", n->created_ns);
    json_write_close(b, '}');
}

/* Whose: the caller's own, or the organisation's for its administrators. False: answered. */
static bool read_scope(struct api_call *c, struct notification_filter *ret)
{
    struct bytes scope = api_query(c, "scope");
    *ret = (struct notification_filter){.user = c->who.user, .channel = -1, .state = -1};
    if (!scope.n || bytes_is(scope, "user")) return true;
    if (!bytes_is(scope, "organization")) {
        api_problem(c, 400, "scope may be user or organization.");
        return false;
    }
    ret->user = 0;
    if (principal_is_org_admin(&c->who)) return true;
    api_problem(c, 403, "Only administrators see what was sent to others.");
    return false;
}

static bool read_status(struct api_call *c, int *ret)
{
    struct bytes text = api_query(c, "status");
    if (!text.n) return true;
    if (bytes_is(text, "PENDING") || bytes_is(text, "RETRYING"))
        *ret = NOTIFICATION_PENDING;
    else if (bytes_is(text, "SENT"))
        *ret = NOTIFICATION_SENT;
    else if (bytes_is(text, "FAILED"))
        *ret = NOTIFICATION_FAILED;
    else
        api_problem(c, 400, "status may be PENDING, SENT or FAILED.");
    return *ret >= 0;
}

static bool read_channel(struct api_call *c, int *ret)
{
    struct bytes text = api_query(c, "channel");
    for (int i = 0; text.n && i < NOTIFY_CHANNELS; i++)
        if (bytes_is(text, notify_channel_name((enum notify_channel)i))) *ret = i;
    if (!text.n || *ret >= 0) return true;
    api_problem(c, 400, "channel may be WEBHOOK, EMAIL or ALERTMANAGER.");
    return false;
}

/* False: answered. */
static bool read_filter(struct api_call *c, struct notification_filter *ret)
{
    struct bytes webhook = api_query(c, "webhookId");
    if (!read_scope(c, ret) || !read_status(c, &ret->state) || !read_channel(c, &ret->channel))
        return false;
    ret->alert = api_query(c, "alertId");
    if (!webhook.n || service_call_id(webhook, &ret->webhook)) return true;
    ret->webhook = -1; /* no webhook has it: nothing matches */
    return true;
}

void notifications_api_logs(struct api_call *c)
{
    struct notification_filter filter;
    struct notification *list = NULL;
    struct catalog_listing listing;
    struct paging p;
    struct why why = {""};
    if (!read_filter(c, &filter) || !paging_read(c, &p)) return;
    if (!p.asked) p.page.size = LOG_PAGE; /* always a page, never a bare array */
    p.asked = true;
    enum err e = notify_service_log(c->app->notify, c->who.org, &filter, &p.page, c->arena, &list,
                                    &listing, &why);
    if (e) {
        api_fail(c, e, &why);
        return;
    }
    paging_open(c, &p);
    for (size_t i = 0; i < listing.count; i++) write_line(c->body, &list[i]);
    paging_close(c, &p, &listing);
    service_call_cacheable(c);
}

void notifications_api_stats(struct api_call *c)
{
    struct notification_filter filter;
    struct notification_counts counts;
    if (!read_filter(c, &filter)) return;
    enum err e = notify_service_stats(c->app->notify, c->who.org, &filter, &counts);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    json_write_open(c->body, '{');
    json_write_member_i64(c->body, "total", counts.sent + counts.failed);
    json_write_member_i64(c->body, "sent", counts.sent);
    json_write_member_i64(c->body, "failed", counts.failed);
    json_write_member_i64(c->body, "pending", counts.pending);
    json_write_close(c->body, '}');
    service_call_cacheable(c);
}
