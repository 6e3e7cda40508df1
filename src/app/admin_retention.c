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

static uint64_t partitions_dropped(struct admin *a)
{
    struct telemetry_stats stats;
    telemetry_read_stats(a->opts.telemetry, &stats);
    return stats.partitions_dropped;
}

static enum err note_partitions(struct run *r)
{
    char text[64];
    int n = snprintf(text, sizeof text, "%llu months of readings",
                     (unsigned long long)r->sum.partitions);
    const struct event_note note = {.type = EVENT_PARTITIONS_DROPPED,
                                    .entity_type = "INSTALLATION",
                                    .title = "Months that nobody keeps any more were dropped",
                                    .description = bytes_of(text, (size_t)n)};
    struct actor as = *r->actor;
    struct sql_tx *tx = NULL;
    as.org = 0; /* they were everybody's */
    enum err e = sql_begin(r->a->opts.db, SQL_WRITE, &tx);
    return e ? e : sql_end(tx, event_service_append(tx, r->now_ns, &as, &note));
}

/* Organisations from `page` on, all of them or one page. */
static enum err retain_from(struct run *r, struct catalog_page *page, bool all,
                            struct catalog_listing *listing, struct why *why)
{
    struct arena arena;
    enum err e = ERR_OK;
    uint64_t before = partitions_dropped(r->a);
    lock_take(&r->a->lock); /* a reload writes the settings */
    r->rollups_ns = cutoff_of_days(r->a->opts.settings->rollup_retention_days, r->now_ns);
    lock_release(&r->a->lock);
    arena_init(&arena, ADMIN_ARENA_MAX);
    do {
        arena_reset(&arena);
        e = retain_page(r, page, &arena, listing);
        page->after = listing->last;
    } while (!e && all && listing->more);
    arena_done(&arena);
    r->sum.partitions = partitions_dropped(r->a) - before;
    if (!e && r->sum.partitions) e = note_partitions(r);
    return e ? why_say(why, e, "retention stopped: %s", err_sentence(e)) : ERR_OK;
}

enum err admin_retain(struct admin *a, const struct actor *actor, struct admin_retained *ret,
                      struct why *why)
{
    struct run r = {.a = a, .actor = actor, .now_ns = clock_wall_ns(a->opts.clock)};
    struct catalog_page page = {.size = CATALOG_PAGE_MAX, .by_cursor = true, .no_total = true};
    struct catalog_listing listing = {.more = true};
    enum err e = retain_from(&r, &page, true, &listing, why);
    if (!e) *ret = r.sum;
    return e;
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

/* --- the rest --------------------------------------------------------------------------------- */

enum err admin_clean(struct admin *a, const struct actor *actor, struct cleanup_removed *removed,
                     bool *ret_more)
{
    int64_t now_ns = clock_wall_ns(a->opts.clock);
    lock_take(&a->lock);
    int64_t log_ns = a->opts.settings->notify_retention_days * NS_PER_DAY;
    lock_release(&a->lock);
    const struct cleanup_ages ages = cleanup_service_ages(now_ns, log_ns);
    return cleanup_service_run(a->opts.db, now_ns, &ages, actor, removed, ret_more);
}

/* --- the command ------------------------------------------------------------------------------ */

/* What one call of the verb did. */
struct cleaning {
    struct admin_retained readings;
    struct cleanup_removed removed;
    int64_t events, last, total; /* last: the organisation that was looked at; of how many */
    bool more;
};

/* The readings of the organisation behind `after`. */
static enum err clean_one(struct admin *a, const struct actor *actor, int64_t after,
                          struct cleaning *c, struct why *why)
{
    struct run r = {.a = a, .actor = actor, .now_ns = clock_wall_ns(a->opts.clock)};
    struct catalog_page page = {.size = 1, .by_cursor = true, .after = after};
    struct catalog_listing listing = {.more = false};
    enum err e = retain_from(&r, &page, false, &listing, why);
    c->readings = r.sum;
    c->last = listing.last;
    c->more = listing.more;
    c->total = listing.total;
    return e;
}

/* Events and leftovers: a round of each, or all there is. */
static enum err clean_rest(struct admin *a, const struct actor *actor, bool all, struct cleaning *c)
{
    enum err e;
    do {
        bool events = false, leftovers = false;
        int64_t n = 0;
        e = admin_retain_events(a, actor, &n, &events);
        if (!e) e = admin_clean(a, actor, &c->removed, &leftovers);
        c->events += n;
        c->more = events || leftovers;
    } while (!e && all && c->more);
    return e;
}

static void write_cleaning(struct buf *b, const struct cleaning *c, bool step)
{
    json_write_member_i64(b, "organizations", c->readings.organizations);
    json_write_member_u64(b, "pointsDropped", c->readings.points);
    json_write_member_u64(b, "partitionsDropped", c->readings.partitions);
    json_write_member_i64(b, "eventsRemoved", c->events);
    json_write_key(b, "removed");
    json_write_open(b, '{');
    for (int i = 0; i < CLEANUP_SUBJECTS; i++)
        json_write_member_i64(b, catalog_cleanup_name((enum cleanup_subject)i), c->removed.rows[i]);
    json_write_close(b, '}');
    if (!step) return;
    json_write_member_bool(b, "more", c->more);
    json_write_member_i64(b, "last", c->last);
    json_write_member_i64(b, "of", c->total);
}

static const char *text_of(const cJSON *request, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, name));
}

/* All of it; or, so that the command can say how far it is, a step: "readings" of the organisation
 * behind "after", or a round of the "rest". */
enum err admin_retention_cleanup(void *ctx, const cJSON *request, struct buf *answer,
                                 struct why *why)
{
    struct admin *a = ctx;
    struct cleaning c = {.more = false};
    struct actor actor = admin_actor(request, 0);
    const char *step = text_of(request, "step"), *after = text_of(request, "after");
    int64_t behind = 0;
    enum err e = ERR_OK;
    if (after && !bytes_to_i64(bytes_str(after), &behind))
        return why_say(why, ERR_INVALID, "\"after\" is the number of an organisation");
    if (step && strcmp(step, "readings") == 0)
        e = clean_one(a, &actor, behind, &c, why);
    else if (!step)
        e = admin_retain(a, &actor, &c.readings, why);
    if (!e && (!step || strcmp(step, "readings") != 0)) e = clean_rest(a, &actor, !step, &c);
    if (e) return why_say(why, e, "%s", why->text[0] ? why->text : err_sentence(e));
    write_cleaning(answer, &c, step != NULL);
    return ERR_OK;
}
