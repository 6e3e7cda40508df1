/* Devices made, found, listed, changed, deleted (see device_service.h). */
#include "service/device_service.h"

#include "service/device_rules.h"
#include "service/device_state.h"
#include "service/event_types.h"
#include "store/catalog_labels.h"
#include "store/catalog_page.h"
#include "store/registry_properties.h"

/* --- create ----------------------------------------------------------------------------------- */

enum err device_service_insert(struct device_service *s, struct sql_tx *tx,
                               const struct actor *actor, const struct device *given,
                               struct arena *arena, struct device_new *ret, struct refusal *refusal)
{
    char display[TOKENS_DISPLAY_TEXT + 1];
    device_rules_check(given, refusal);
    enum err e = refusal_fields(refusal);
    if (e) return e;
    struct device d = device_state_from(s, actor, given);
    tokens_make_device(s->rnd, ret->token);
    tokens_hash(bytes_str(ret->token), ret->hash);
    tokens_display(bytes_str(ret->token), display);
    d.has_token = true;
    d.token_created_ns = d.created_ns;
    d.token_display = arena_copy(arena, bytes_str(display));
    if (!d.token_display.p) return ERR_NOMEM;
    e = device_state_insert(s, tx, actor, &d, ret->hash, arena, refusal);
    if (!e) ret->device = d;
    return e;
}

enum err device_service_inserted(struct device_service *s, uint64_t ticket,
                                 const struct device_new *made)
{
    return device_state_born(s, ticket, &made->device, made->hash);
}

enum err device_service_create(struct device_service *s, const struct actor *actor,
                               const struct device *given, struct arena *arena, struct device *ret,
                               char ret_token[TOKENS_DEVICE_TEXT + 1], struct refusal *refusal)
{
    struct device_new made;
    struct sql_tx *tx;
    device_rules_check(given, refusal); /* before anybody is kept waiting */
    enum err e = refusal_fields(refusal);
    if (!e) e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = device_service_insert(s, tx, actor, given, arena, &made, refusal);
    uint64_t ticket = registry_properties_ticket(s->registry);
    e = sql_end(tx, e);
    if (!e) e = device_service_inserted(s, ticket, &made);
    if (e) return e;
    memcpy(ret_token, made.token, sizeof made.token);
    *ret = made.device;
    return ERR_OK;
}

/* --- read ------------------------------------------------------------------------------------- */

enum err device_service_find(struct device_service *s, int64_t org, struct bytes id,
                             struct arena *arena, struct device *ret)
{
    struct sql_tx *tx;
    struct device d;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = device_state_find(tx, org, id, arena, &d);
    if (!e) e = catalog_labels_fill(tx, org, &d, 1, arena);
    e = sql_end(tx, e);
    if (e) return e;
    device_state_live(s, &d);
    *ret = d;
    return ERR_OK;
}

/* Seen at or after it: ONLINE. */
static int64_t edge_of(int64_t now_ns)
{
    return now_ns - DEVICE_SILENCE_NS + 1;
}

/* A status is a span of last_seen_ns: never is 0, silence is what is older than an hour. */
static struct device_filter filter_of(const struct device_query *q, int64_t now_ns)
{
    struct device_filter f = {.q = q->q,
                              .seen_set = q->by_status,
                              .located = q->located,
                              .deleted_after_ns = q->deleted ? now_ns - DEVICE_RESTORABLE_NS : 0};
    int64_t edge = edge_of(now_ns);
    switch (q->status) {
    case DEVICE_UNKNOWN:
        f.seen_to_ns = 1;
        break;
    case DEVICE_ONLINE:
        f.seen_from_ns = edge;
        f.seen_to_ns = INT64_MAX;
        break;
    case DEVICE_OFFLINE:
        f.seen_from_ns = 1;
        f.seen_to_ns = edge;
        break;
    }
    return f;
}

/* Ids of the labels that the query names. ERR_NOTFOUND: no device has one of them. */
static enum err find_labels(struct sql_tx *tx, int64_t org, const struct device_query *q,
                            struct arena *arena, struct device_filter *f)
{
    struct label label;
    enum err e = ERR_OK;
    if (q->tag.n) {
        e = catalog_labels_find_name(tx, org, LABEL_TAG, q->tag, arena, &label);
        f->labels[LABEL_TAG] = e ? 0 : label.id;
    }
    if (!e && q->group) {
        e = catalog_labels_find(tx, org, LABEL_GROUP, q->group, arena, &label);
        f->labels[LABEL_GROUP] = q->group;
    }
    return e;
}

static enum err list_in(struct sql_tx *tx, int64_t org, int64_t now_ns,
                        const struct device_query *query, const struct catalog_page *page,
                        struct arena *arena, struct device **ret,
                        struct catalog_listing *ret_listing, struct why *why)
{
    struct device_filter filter = filter_of(query, now_ns);
    enum err e = find_labels(tx, org, query, arena, &filter);
    if (e == ERR_NOTFOUND) {
        *ret = NULL;
        *ret_listing = (struct catalog_listing){.total = 0};
        return ERR_OK;
    }
    if (!e) e = catalog_devices_list(tx, org, &filter, page, arena, ret, ret_listing, why);
    return e ? e : catalog_labels_fill(tx, org, *ret, ret_listing->count, arena);
}

enum err device_service_list(struct device_service *s, int64_t org,
                             const struct device_query *query, const struct catalog_page *page,
                             struct arena *arena, struct device **ret,
                             struct catalog_listing *ret_listing, struct why *why)
{
    struct sql_tx *tx;
    enum err e = ERR_OK;
    int64_t now = clock_wall_ns(s->clock);
    /* the catalog's last_seen_ns trails the registry's by some seconds */
    if (bytes_is(page->sort, "lastSeenAt"))
        e = registry_save_seen(s->registry);
    else if (query->by_status)
        e = registry_save_crossed(s->registry, org, edge_of(now));
    if (!e) e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = sql_end(tx, list_in(tx, org, now, query, page, arena, ret, ret_listing, why));
    for (size_t i = 0; !e && i < ret_listing->count; i++) device_state_live(s, &(*ret)[i]);
    return e;
}

/* --- change ----------------------------------------------------------------------------------- */

enum err device_service_update(struct device_service *s, const struct actor *actor, struct bytes id,
                               const struct device_change *change, struct arena *arena,
                               struct device *ret, struct refusal *refusal)
{
    struct sql_tx *tx;
    struct device d;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = device_state_find(tx, actor->org, id, arena, &d);
    if (!e) e = device_state_change(s, tx, actor, &d, change, arena, refusal);
    uint64_t ticket = registry_properties_ticket(s->registry);
    e = sql_end(tx, e);
    if (e) return e;
    device_state_changed(s, ticket, &d);
    device_state_live(s, &d);
    *ret = d;
    return ERR_OK;
}

enum err device_service_delete(struct device_service *s, const struct actor *actor, struct bytes id,
                               struct arena *arena)
{
    struct sql_tx *tx;
    struct device d;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = device_state_find(tx, actor->org, id, arena, &d);
    if (!e) e = device_state_remove(s, tx, actor, &d);
    e = sql_end(tx, e);
    if (!e) device_state_gone(s, &d);
    return e;
}

static enum err restore_in(struct device_service *s, struct sql_tx *tx, const struct actor *actor,
                           struct bytes id, struct arena *arena, struct device *ret,
                           struct refusal *refusal)
{
    int64_t now = clock_wall_ns(s->clock);
    enum err e = catalog_devices_find_deleted(tx, actor->org, id, arena, ret);
    if (!e && ret->deleted_ns <= now - DEVICE_RESTORABLE_NS) return ERR_NOTFOUND;
    if (!e) e = device_state_check_room(s, tx, actor->org, refusal);
    if (!e) e = catalog_devices_restore(tx, ret->org, ret->id, now);
    if (e == ERR_EXISTS)
        return why_say(&refusal->why, e,
                       "Another device is called %.*s now. Delete that one, then restore this one "
                       "by its id, not by its name.",
                       (int)ret->external_id.n, ret->external_id.p);
    if (e) return e;
    ret->deleted_ns = 0;
    ret->updated_ns = now;
    e = catalog_labels_fill(tx, ret->org, ret, 1, arena);
    return e ? e : device_state_event(s, tx, actor, EVENT_DEVICE_RESTORED, "Device restored", ret);
}

enum err device_service_restore(struct device_service *s, const struct actor *actor,
                                struct bytes id, struct arena *arena, struct device *ret,
                                struct refusal *refusal)
{
    struct sql_tx *tx;
    struct device d;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = restore_in(s, tx, actor, id, arena, &d, refusal);
    uint64_t ticket = registry_properties_ticket(s->registry);
    e = sql_end(tx, e);
    if (!e) e = device_state_back(s, ticket, &d);
    if (e) return e;
    device_state_live(s, &d);
    *ret = d;
    return ERR_OK;
}
