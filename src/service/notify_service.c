/* Webhooks of an organisation, the log (see notify_service.h). */
#include "service/notify_service.h"

#include "codec/web_url.h"
#include "security/signature.h"
#include "service/auth_rules.h"
#include "service/event_service.h"
#include "service/event_types.h"
#include "service/notify_state.h"
#include "store/catalog_webhooks.h"

#include <stdio.h>

/* --- shared ----------------------------------------------------------------------------------- */

void notify_state_check_url(const struct notify_service *s, struct bytes url, const char *field,
                            struct refusal *refusal)
{
    struct web_url u;
    struct why why = {""};
    if (web_url_parse(url, &u, &why))
        refusal_field(refusal, field, why.text);
    else if (!s->outbox->site.allow_private && web_url_is_inside(&u))
        refusal_field(refusal, field, "must lead to a public address");
}

struct bytes notify_state_origin(struct bytes url)
{
    struct web_url u;
    return web_url_parse(url, &u, NULL) ? bytes_of(NULL, 0) : u.origin;
}

enum err notify_state_event(struct notify_service *s, struct sql_tx *tx, const struct actor *actor,
                            const char *type, const char *entity, const char *title, int64_t id,
                            struct bytes description)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)id);
    const struct event_note note = {.type = type,
                                    .entity_type = entity,
                                    .entity_id = bytes_of(text, (size_t)n),
                                    .title = title,
                                    .description = description};
    return event_service_append(tx, notify_state_now(s), actor, &note);
}

struct bytes notify_state_secret(struct notify_service *s, struct arena *arena)
{
    char text[SIGNATURE_SECRET_TEXT + 1];
    signature_make_secret(s->outbox->rnd, text);
    return arena_copy(arena, bytes_of(text, SIGNATURE_SECRET_TEXT));
}

static enum err webhook_event(struct notify_service *s, struct sql_tx *tx,
                              const struct actor *actor, const char *type, const char *title,
                              const struct webhook *w)
{
    return notify_state_event(s, tx, actor, type, "WEBHOOK", title, w->id,
                              notify_state_origin(w->url));
}

/* --- webhooks --------------------------------------------------------------------------------- */

enum err notify_service_webhooks(struct notify_service *s, int64_t org, struct arena *arena,
                                 struct webhook **ret, size_t *ret_n)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, catalog_webhooks_list(tx, org, arena, ret, ret_n));
}

enum err notify_service_webhook(struct notify_service *s, int64_t org, int64_t id,
                                struct arena *arena, struct webhook *ret)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, catalog_webhooks_find(tx, org, id, arena, ret));
}

/* Takes over what is said, and judges all of the result. */
static enum err apply(struct notify_service *s, struct webhook *w, const struct webhook_change *c,
                      struct refusal *refusal)
{
    if (c->name_set) w->name = c->name.p ? bytes_trim(c->name) : c->name;
    if (c->url.p) w->url = bytes_trim(c->url);
    if (c->changes_set) w->changes = c->changes;
    if (c->min_severity_set) w->min_severity = c->min_severity;
    if (c->enabled_set) w->enabled = c->enabled;
    w->updated_ns = notify_state_now(s);
    if (w->name.p && !auth_rules_is_text(w->name, WEBHOOK_NAME_MAX))
        refusal_field(refusal, "name", "may have 100 printable characters at most");
    notify_state_check_url(s, w->url, "url", refusal);
    if (!w->changes) refusal_field(refusal, "events", "must name one event at least");
    return refusal_fields(refusal);
}

static enum err create_in(struct notify_service *s, struct sql_tx *tx, const struct actor *actor,
                          struct webhook *w, struct refusal *refusal)
{
    int64_t used = 0;
    enum err e = catalog_webhooks_count(tx, w->org, &used);
    if (e) return e;
    if (used >= NOTIFY_WEBHOOKS_PER_ORG)
        return refusal_limit(refusal, "webhooks-per-org", NOTIFY_WEBHOOKS_PER_ORG, used);
    e = catalog_webhooks_insert(tx, w);
    return e ? e : webhook_event(s, tx, actor, EVENT_WEBHOOK_CREATED, "Webhook created", w);
}

enum err notify_service_create(struct notify_service *s, const struct actor *actor,
                               const struct webhook_change *given, struct arena *arena,
                               struct webhook *ret, struct refusal *refusal)
{
    struct sql_tx *tx;
    struct webhook w = {
        .org = actor->org, .changes = 1u << ALERT_RAISED | 1u << ALERT_RESOLVED, .enabled = true};
    enum err e = apply(s, &w, given, refusal);
    if (e) return e;
    w.created_ns = w.updated_ns;
    w.secret = notify_state_secret(s, arena);
    if (!w.secret.p) return ERR_NOMEM;
    e = sql_begin(s->db, SQL_WRITE, &tx);
    if (!e) e = sql_end(tx, create_in(s, tx, actor, &w, refusal));
    if (!e) *ret = w;
    return e;
}

static enum err update_in(struct notify_service *s, struct sql_tx *tx, const struct actor *actor,
                          int64_t id, const struct webhook_change *given, struct arena *arena,
                          struct webhook *w, struct refusal *refusal)
{
    enum err e = catalog_webhooks_find(tx, actor->org, id, arena, w);
    if (!e) e = apply(s, w, given, refusal);
    if (!e) e = catalog_webhooks_update(tx, w);
    if (!e) e = webhook_event(s, tx, actor, EVENT_WEBHOOK_UPDATED, "Webhook changed", w);
    return e;
}

enum err notify_service_update(struct notify_service *s, const struct actor *actor, int64_t id,
                               const struct webhook_change *given, struct arena *arena,
                               struct webhook *ret, struct refusal *refusal)
{
    struct sql_tx *tx;
    struct webhook w;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (!e) e = sql_end(tx, update_in(s, tx, actor, id, given, arena, &w, refusal));
    if (!e) *ret = w;
    return e;
}

static enum err rotate_in(struct notify_service *s, struct sql_tx *tx, const struct actor *actor,
                          int64_t id, struct arena *arena, struct webhook *w)
{
    enum err e = catalog_webhooks_find(tx, actor->org, id, arena, w);
    if (e) return e;
    w->secret = notify_state_secret(s, arena);
    w->updated_ns = notify_state_now(s);
    if (!w->secret.p) return ERR_NOMEM;
    e = catalog_webhooks_update(tx, w);
    return e ? e
             : webhook_event(s, tx, actor, EVENT_WEBHOOK_UPDATED, "Webhook has a new secret", w);
}

enum err notify_service_rotate(struct notify_service *s, const struct actor *actor, int64_t id,
                               struct arena *arena, struct webhook *ret)
{
    struct sql_tx *tx;
    struct webhook w;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (!e) e = sql_end(tx, rotate_in(s, tx, actor, id, arena, &w));
    if (!e) *ret = w;
    return e;
}

static enum err delete_in(struct notify_service *s, struct sql_tx *tx, const struct actor *actor,
                          int64_t id, struct arena *arena)
{
    struct webhook w;
    enum err e = catalog_webhooks_find(tx, actor->org, id, arena, &w);
    if (!e) e = catalog_webhooks_delete(tx, actor->org, id, notify_state_now(s));
    if (!e) e = webhook_event(s, tx, actor, EVENT_WEBHOOK_DELETED, "Webhook deleted", &w);
    return e;
}

enum err notify_service_delete(struct notify_service *s, const struct actor *actor, int64_t id)
{
    struct sql_tx *tx;
    struct arena a;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    arena_init(&a, 1 << 20);
    e = sql_end(tx, delete_in(s, tx, actor, id, &a));
    arena_done(&a);
    return e;
}

/* --- the log ---------------------------------------------------------------------------------- */

enum err notify_service_log(struct notify_service *s, int64_t org,
                            const struct notification_filter *filter,
                            const struct catalog_page *page, struct arena *arena,
                            struct notification **ret, struct catalog_listing *ret_listing,
                            struct why *why)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx,
                   catalog_notifications_list(tx, org, filter, page, arena, ret, ret_listing, why));
}

enum err notify_service_stats(struct notify_service *s, int64_t org,
                              const struct notification_filter *filter,
                              struct notification_counts *ret)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, catalog_notifications_count(tx, org, filter, ret));
}
