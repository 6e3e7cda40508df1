/* What has become old: points, hour by hour, and events; by the timer and by `cleanup` (see
 * admin.h). */
#include "app/admin_verbs.h"
#include "codec/json_write.h"
#include "ingest/retention.h"
#include "service/event_service.h"
#include "service/event_types.h"
#include "store/catalog_organizations.h"
#include "store/telemetry.h"

#include <stdio.h>

static int64_t cutoff_of_days(int64_t days, int64_t now_ns)
{
    return days ? now_ns - days * NS_PER_DAY : INT64_MIN;
}

/* --- points ----------------------------------------------------------------------------------- */

static enum err note_dropped(struct admin *a, int64_t org, uint64_t points, int64_t now_ns,
                             const struct actor *actor)
{
    char text[64];
    int n = snprintf(text, sizeof text, "%llu points", (unsigned long long)points);
    const struct event_note note = {.type = EVENT_RETENTION_APPLIED,
                                    .entity_type = "ORGANIZATION",
                                    .title = "Old points were removed by their retention",
                                    .description = bytes_of(text, (size_t)n),
                                    .org = org};
    struct sql_tx *tx = NULL;
    enum err e = sql_begin(a->opts.db, SQL_WRITE, &tx);
    return e ? e : sql_end(tx, event_service_append(tx, now_ns, actor, &note));
}

struct run {
    struct admin *a;
    const struct actor *actor;
    int64_t now_ns, rollups_ns;
    struct admin_retained sum;
};

static enum err retain_one(struct run *r, int64_t org)
{
    uint64_t points = 0;
    struct telemetry *t = r->a->opts.telemetry;
    int64_t raw = retention_cutoff_ns(r->a->opts.retention, org, r->now_ns);
    enum err e = telemetry_retain(t, org, raw, r->rollups_ns, &points);
    r->sum.points += points;
    r->sum.organizations++;
    return e || !points ? e : note_dropped(r->a, org, points, r->now_ns, r->actor);
}

static enum err retain_page(struct run *r, const struct catalog_page *page, struct arena *arena,
                            struct catalog_listing *listing)
{
    struct organization *orgs = NULL;
    struct sql_tx *tx = NULL;
    enum err e = sql_begin(r->a->opts.db, SQL_READ, &tx);
    if (!e) e = catalog_organizations_list(tx, page, arena, &orgs, listing);
    sql_rollback(tx);
    for (size_t i = 0; !e && i < listing->count; i++) e = retain_one(r, orgs[i].id);
    return e;
}

enum err admin_retain(struct admin *a, const struct actor *actor, struct admin_retained *ret,
                      struct why *why)
{
    struct run r = {.a = a, .actor = actor, .now_ns = clock_wall_ns(a->opts.clock)};
    struct catalog_page page = {.size = CATALOG_PAGE_MAX, .by_cursor = true, .no_total = true};
    struct catalog_listing listing = {.more = true};
    struct arena arena;
    enum err e = ERR_OK;
    lock_take(&a->lock); /* a reload writes the settings */
    r.rollups_ns = cutoff_of_days(a->opts.settings->rollup_retention_days, r.now_ns);
    lock_release(&a->lock);
    arena_init(&arena, ADMIN_ARENA_MAX);
    while (!e && listing.more) {
        arena_reset(&arena);
        e = retain_page(&r, &page, &arena, &listing);
        page.after = listing.last;
    }
    arena_done(&arena);
    if (e) return why_say(why, e, "retention stopped: %s", err_sentence(e));
    *ret = r.sum;
    return ERR_OK;
}

/* --- events ----------------------------------------------------------------------------------- */

enum err admin_retain_events(struct admin *a, const struct actor *actor, int64_t *ret_removed,
                             bool *ret_more)
{
    int64_t now = clock_wall_ns(a->opts.clock);
    lock_take(&a->lock);
    int64_t before = cutoff_of_days(a->opts.settings->event_retention_days, now);
    lock_release(&a->lock);
    *ret_removed = 0;
    *ret_more = false;
    if (before == INT64_MIN) return ERR_OK;
    return event_service_retain(a->opts.db, now, before, actor, ret_removed, ret_more);
}

enum err admin_retention_cleanup(void *ctx, const cJSON *request, struct buf *answer,
                                 struct why *why)
{
    struct admin *a = ctx;
    struct admin_retained sum;
    struct actor actor = admin_actor(request, 0);
    int64_t events = 0, n = 0;
    bool more = true;
    enum err e = admin_retain(a, &actor, &sum, why);
    for (; !e && more; events += n) e = admin_retain_events(a, &actor, &n, &more);
    if (e) return why_say(why, e, "%s", why->text[0] ? why->text : err_sentence(e));
    json_write_member_i64(answer, "organizations", sum.organizations);
    json_write_member_u64(answer, "pointsDropped", sum.points);
    json_write_member_i64(answer, "eventsRemoved", events);
    return ERR_OK;
}
