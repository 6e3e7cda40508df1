/* What operators do by hand (see performance_service.h). The event is written first: an operator
 * who is not named does nothing. */
#include "service/performance_service.h"

#include "ingest/batch.h"
#include "service/event_service.h"
#include "service/event_types.h"

static enum err append(struct performance_service *s, const struct actor *actor, const char *type,
                       const char *entity, struct bytes id, const char *title)
{
    const struct event_note note = {
        .type = type,
        .severity = EVENT_INFO,
        .entity_type = entity,
        .entity_id = id,
        .title = title,
    };
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    return sql_end(tx, event_service_append(tx, clock_wall_ns(s->clock), actor, &note));
}

enum err performance_service_clear(struct performance_service *s, const struct actor *actor,
                                   enum cache_id of, struct performance_cleared *ret)
{
    bool all = of == CACHE_IDS;
    struct performance_cleared cleared = {.at_ns = clock_wall_ns(s->clock)};
    enum err e = append(s, actor, EVENT_CACHE_CLEARED, "CACHE",
                        bytes_str(all ? "all" : cache_name(of)), "Cache cleared");
    for (int i = 0; i < CACHE_IDS && !e; i++)
        if (all || i == (int)of) cleared.entries += cache_clear(s->cache, (enum cache_id)i);
    if (!e) *ret = cleared;
    return e;
}

enum err performance_service_flush(struct performance_service *s, const struct actor *actor,
                                   struct performance_flushed *ret)
{
    struct batch_stats before;
    int64_t begun_ns = clock_mono_ns(s->clock);
    batch_read_stats(s->batch, &before);
    enum err e =
        append(s, actor, EVENT_TELEMETRY_FLUSHED, "BATCH", BYTES(""), "Pending records written");
    if (e) return e;
    batch_flush(s->batch);
    *ret = (struct performance_flushed){
        .pending = before.pending_records,
        .active = before.active_batches,
        .batch_records = batch_read_opts(s->batch).batch_records,
        .at_ns = clock_wall_ns(s->clock),
        .took_ns = clock_mono_ns(s->clock) - begun_ns,
    };
    return ERR_OK;
}
