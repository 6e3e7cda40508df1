/* The one place where events get their actor. */
#include "service/event_service.h"

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
