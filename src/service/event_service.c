/* The one place where events get their actor, and where they end. */
#include "service/event_service.h"

#include "codec/timestamp.h"
#include "service/event_types.h"
#include "store/catalog_organizations.h"

#include <stdio.h>

enum { RETAIN_ARENA_BYTES = 4 << 20 };

enum err event_service_append(struct sql_tx *tx, int64_t now_ns, const struct actor *actor,
                              const struct event_note *note)
{
    struct event e = {
        .org = note->org ? note->org : actor->org,
        .type = bytes_str(note->type),
        .severity = note->severity,
        .entity_type = bytes_str(note->entity_type),
        .entity_id = note->entity_id,
        .title = bytes_str(note->title),
        .description = note->description,
        .metadata = note->metadata,
        .user = note->user ? note->user : actor->user,
        .device = note->device,
        .actor = actor->name.n ? actor->name : BYTES("anonymous"),
        .address = actor->address,
        .request_id = actor->request_id,
        .created_ns = now_ns,
    };
    return catalog_events_append(tx, &e);
}

/* --- retention -------------------------------------------------------------------------------- */

struct removal {
    struct sql_db *db;
    const struct actor *actor;
    int64_t now_ns, before_ns, removed;
    bool more;
};

static enum err remove_in(struct removal *r, struct sql_tx *tx, int64_t org, int64_t *ret_n)
{
    char text[96], when[TIMESTAMP_TEXT_MAX];
    enum err e = catalog_events_remove(tx, org, r->before_ns, EVENT_REMOVE_AT_ONCE, ret_n);
    if (e || !*ret_n) return e;
    int when_n = (int)timestamp_format(r->before_ns, when);
    int n = snprintf(text, sizeof text, "%lld events from before %.*s", (long long)*ret_n, when_n,
                     when);
    const struct event_note note = {.type = EVENT_EVENTS_REMOVED,
                                    .entity_type = org ? "ORGANIZATION" : "INSTALLATION",
                                    .title = "Old events were removed by their retention",
                                    .description = bytes_of(text, (size_t)n)};
    struct actor as = *r->actor;
    as.org = org;
    return event_service_append(tx, r->now_ns, &as, &note);
}

static enum err remove_of(struct removal *r, int64_t org)
{
    struct sql_tx *tx;
    bool old = false;
    int64_t n = 0;
    enum err e = sql_begin(r->db, SQL_READ, &tx);
    if (e) return e;
    e = sql_end(tx, catalog_events_has_old(tx, org, r->before_ns, &old));
    if (e || !old) return e;
    e = sql_begin(r->db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, remove_in(r, tx, org, &n));
    if (e) return e;
    r->removed += n;
    r->more = r->more || n == EVENT_REMOVE_AT_ONCE;
    return ERR_OK;
}

static enum err remove_page(struct removal *r, struct catalog_page *page, struct arena *a,
                            bool *ret_more)
{
    struct organization *orgs = NULL;
    struct catalog_listing listing;
    struct sql_tx *tx;
    enum err e = sql_begin(r->db, SQL_READ, &tx);
    if (e) return e;
    e = sql_end(tx, catalog_organizations_list(tx, page, a, &orgs, &listing));
    for (size_t i = 0; !e && i < listing.count; i++) e = remove_of(r, orgs[i].id);
    if (e) return e;
    page->after = listing.last;
    *ret_more = listing.more;
    return ERR_OK;
}

enum err event_service_retain(struct sql_db *db, int64_t now_ns, int64_t before_ns,
                              const struct actor *actor, int64_t *ret_removed, bool *ret_more)
{
    struct removal r = {db, actor, now_ns, before_ns, 0, false};
    struct catalog_page page = {.size = CATALOG_PAGE_MAX, .by_cursor = true, .no_total = true};
    struct arena a;
    bool more = true;
    arena_init(&a, RETAIN_ARENA_BYTES);
    enum err e = remove_of(&r, 0); /* what belongs to the installation itself */
    while (!e && more) {
        arena_reset(&a);
        e = remove_page(&r, &page, &a, &more);
    }
    arena_done(&a);
    if (e) return e;
    *ret_removed = r.removed;
    *ret_more = r.more;
    return ERR_OK;
}

/* --- reading ---------------------------------------------------------------------------------- */

enum err event_service_list(struct sql_db *db, int64_t org, const struct event_filter *filter,
                            const struct catalog_page *page, struct arena *arena,
                            struct event **ret, struct catalog_listing *ret_listing,
                            struct why *why)
{
    struct sql_tx *tx;
    enum err e = sql_begin(db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_events_list(tx, org, filter, page, arena, ret, ret_listing, why);
    return sql_end(tx, e);
}

enum err event_service_count(struct sql_db *db, int64_t org, const struct event_filter *filter,
                             enum event_group group, struct arena *arena, struct event_count **ret,
                             size_t *ret_n)
{
    struct sql_tx *tx;
    enum err e = sql_begin(db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, catalog_events_count(tx, org, filter, group, arena, ret, ret_n));
}
