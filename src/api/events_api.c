/* The audit trail, for reading. */
#include "api/app.h"
#include "api/handlers.h"
#include "api/paging.h"
#include "api/series.h"
#include "api/service_call.h"
#include "api/users_json.h"
#include "codec/json_write.h"
#include "service/event_service.h"
#include "store/registry.h"

enum { HOURS_DEFAULT = 24, HOURS_MAX = 24 * 366, RECENT_DEFAULT = 50 };

/* Where people sit is their administrators' business only. */
static void write_event(struct api_call *c, const struct event *e)
{
    struct buf *b = c->body;
    bool with_address = principal_is_org_admin(&c->who) || e->user == c->who.user;
    json_write_open(b, '{');
    json_write_member_i64(b, "id", e->id);
    json_write_member_str(b, "eventType", e->type);
    json_write_member_text(b, "severity", event_severity_name(e->severity));
    json_write_member_str(b, "entityType", e->entity_type);
    json_write_member_str(b, "entityId", e->entity_id);
    json_write_member_str(b, "title", e->title);
    json_write_member_str(b, "description", e->description);
    json_write_key(b, "metadata");
    if (e->metadata.n) {
        json_write_raw(b, e->metadata);
    } else {
        json_write_null(b);
    }
    json_write_key(b, "userId");
    if (e->user) {
        json_write_i64(b, e->user);
    } else {
        json_write_null(b);
    }
    json_write_member_str(b, "deviceId", e->device_name);
    json_write_member_time(b, "createdAt", e->created_ns);
    json_write_member_str(b, "actor", e->actor);
    json_write_member_str(b, "address", with_address ? e->address : bytes_of(NULL, 0));
    json_write_member_str(b, "requestId", e->request_id);
    json_write_close(b, '}');
}

/* --- which ones ------------------------------------------------------------------------------- */

/* -1 for none given; false: answered. */
static bool read_severity(struct api_call *c, int *ret)
{
    struct bytes text = api_query(c, "severity");
    *ret = -1;
    if (!text.n) return true;
    for (int s = 0; s < EVENT_SEVERITIES; s++) {
        if (bytes_is(text, event_severity_name((enum event_severity)s))) *ret = s;
    }
    if (*ret >= 0) return true;
    api_problem(c, 400, "severity may be INFO, WARNING, ERROR or CRITICAL.");
    return false;
}

/* One's own; an installation's administrator may name another, or 0: what belongs to none, as the
 * configuration. False: answered. */
static bool read_organization(struct api_call *c, int64_t *ret)
{
    *ret = 0;
    if (bytes_is(api_query(c, "organizationId"), "0") && principal_is_admin(&c->who)) return true;
    return users_json_organization(c, ret);
}

/* Which events, of which organisation. */
struct choice {
    int64_t org;
    struct event_filter filter;
};

/* False: answered. */
static bool read_filter(struct api_call *c, struct choice *ret)
{
    if (!read_organization(c, &ret->org)) return false;
    struct event_filter f = {
        .type = api_query(c, "eventType"),
        .entity_type = api_query(c, "entityType"),
        .device = service_call_query_device(c, ret->org),
    };
    struct series_range range;
    if (!read_severity(c, &f.severity) || !series_read_range(c, &range)) return false;
    if (range.from_said) f.from_ns = range.from_ns;
    if (range.to_said) f.to_ns = range.to_ns < INT64_MAX ? range.to_ns + 1 : range.to_ns;
    ret->filter = f;
    return true;
}

/* `hours` back from now when the request names no range. False: answered. */
static bool read_recent(struct api_call *c, struct choice *ret)
{
    uint64_t hours = HOURS_DEFAULT;
    if (!series_read_count(c, "hours", hours, 1, HOURS_MAX, &hours)) return false;
    if (!read_filter(c, ret)) return false;
    if (!ret->filter.from_ns) {
        ret->filter.from_ns = clock_wall_ns(c->app->clock) - (int64_t)hours * NS_PER_HOUR;
    }
    return true;
}

/* False: answered. */
static bool list(struct api_call *c, const struct choice *choice, const struct catalog_page *page,
                 struct event **ret, struct catalog_listing *ret_l)
{
    struct why why = {""};
    enum err e = event_service_list(c->app->db, choice->org, &choice->filter, page, c->arena, ret,
                                    ret_l, &why);
    if (e) api_fail(c, e, &why);
    return !e;
}

/* --- handlers --------------------------------------------------------------------------------- */

void events_api_list(struct api_call *c)
{
    struct choice choice;
    struct paging p;
    struct event *events = NULL;
    struct catalog_listing listing;
    if (!read_filter(c, &choice) || !paging_read(c, &p)) return;
    if (!p.asked) p.page.size = PAGING_SIZE; /* always a page, never a bare array */
    p.asked = true;
    if (!list(c, &choice, &p.page, &events, &listing)) return;
    paging_open(c, &p);
    for (size_t i = 0; i < listing.count; i++) write_event(c, &events[i]);
    paging_close(c, &p, &listing);
    service_call_cacheable(c);
}

void events_api_recent(struct api_call *c)
{
    struct choice choice;
    struct event *events = NULL;
    struct catalog_listing listing;
    uint64_t limit = RECENT_DEFAULT;
    if (!read_recent(c, &choice)) return;
    if (!series_read_count(c, "limit", limit, 1, CATALOG_PAGE_MAX, &limit)) return;
    const struct catalog_page page = {.size = (int64_t)limit, .no_total = true};
    if (!list(c, &choice, &page, &events, &listing)) return;
    json_write_open(c->body, '[');
    for (size_t i = 0; i < listing.count; i++) write_event(c, &events[i]);
    json_write_close(c->body, ']');
    service_call_cacheable(c);
}

static void answer_counts(struct api_call *c, enum event_group group)
{
    struct choice choice;
    struct event_count *counts = NULL;
    size_t n = 0;
    if (!read_recent(c, &choice)) return;
    enum err e =
        event_service_count(c->app->db, choice.org, &choice.filter, group, c->arena, &counts, &n);
    if (e) {
        api_fail(c, e, NULL);
        return;
    }
    json_write_open(c->body, '{');
    for (size_t i = 0; i < n; i++) {
        json_write_key_bytes(c->body, counts[i].name);
        json_write_i64(c->body, counts[i].count);
    }
    json_write_close(c->body, '}');
    service_call_cacheable(c);
}

void events_api_by_type(struct api_call *c)
{
    answer_counts(c, EVENT_BY_TYPE);
}

void events_api_by_severity(struct api_call *c)
{
    answer_counts(c, EVENT_BY_SEVERITY);
}
