/* An organisation's own retention (see organization_retention.h). */
#include "service/organization_retention.h"

#include "service/event_service.h"
#include "service/event_types.h"
#include "store/catalog_settings.h"

#include <stdio.h>

enum { TEXT = 48 };

static enum err write_row(struct sql_tx *tx, int64_t org, int64_t days, int64_t now_ns,
                          const struct actor *actor)
{
    char key[TEXT], value[TEXT];
    int key_n = snprintf(key, sizeof key, "retention.%lld", (long long)org);
    int n = snprintf(value, sizeof value, "%lld", (long long)days);
    const struct setting row = {bytes_of(key, (size_t)key_n), bytes_of(value, (size_t)n),
                                actor->name, now_ns};
    return days < 0 ? catalog_settings_remove(tx, row.key) : catalog_settings_put(tx, &row);
}

static enum err write_event(struct sql_tx *tx, int64_t org, int64_t days, int64_t now_ns,
                            const struct actor *actor)
{
    char id[TEXT], text[TEXT];
    int id_n = snprintf(id, sizeof id, "%lld", (long long)org);
    int n = snprintf(text, sizeof text, "%lld days", (long long)days);
    struct bytes what = bytes_of(text, (size_t)n);
    if (days < 0) what = BYTES("as the installation");
    if (days == 0) what = BYTES("for ever");
    const struct event_note note = {.type = EVENT_RETENTION_CHANGED,
                                    .severity = EVENT_WARNING,
                                    .entity_type = "ORGANIZATION",
                                    .entity_id = bytes_of(id, (size_t)id_n),
                                    .title = "Points are kept for another time",
                                    .description = what,
                                    .org = org};
    return event_service_append(tx, now_ns, actor, &note);
}

enum err organization_retention_set(struct sql_db *db, struct retention *retention, int64_t org,
                                    int64_t days, int64_t now_ns, const struct actor *actor,
                                    struct refusal *refusal)
{
    struct sql_tx *tx;
    if (days < -1 || days > ORGANIZATION_RETENTION_DAYS_MAX) {
        refusal_field(refusal, "retentionDays",
                      "must be null (as the installation), 0 (for ever) or up to 36500");
        return ERR_INVALID;
    }
    enum err e = sql_begin(db, SQL_WRITE, &tx);
    if (e) return e;
    e = write_row(tx, org, days, now_ns, actor);
    if (!e) e = write_event(tx, org, days, now_ns, actor);
    e = sql_end(tx, e);
    if (e) return e;
    if (days >= 0) return retention_set(retention, org, days);
    retention_clear(retention, org);
    return ERR_OK;
}
