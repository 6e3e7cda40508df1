/* What people prefer, and the test button (see notify_service.h). */
#include "codec/mail_message.h"
#include "rules/notify_body.h"
#include "service/event_types.h"
#include "service/notify_state.h"
#include "store/catalog_users.h"
#include "store/catalog_webhooks.h"

#include <stdio.h>

/* --- preferences ------------------------------------------------------------------------------ */

enum err notify_service_preferences(struct notify_service *s, const struct actor *actor,
                                    struct arena *arena, struct notify_preference **ret,
                                    size_t *ret_n)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx,
                   catalog_webhooks_preferences(tx, actor->org, actor->user, arena, ret, ret_n));
}

static enum err check(struct notify_service *s, const struct notify_preference *p,
                      struct refusal *refusal)
{
    if (p->channel == NOTIFY_WEBHOOK && !p->destination.n)
        refusal_field(refusal, "destination", "is required for WEBHOOK");
    else if (p->channel == NOTIFY_WEBHOOK)
        notify_state_check_url(s, p->destination, "destination", refusal);
    else if (p->channel == NOTIFY_EMAIL && p->destination.n &&
             !mail_message_is_address(p->destination))
        refusal_field(refusal, "destination", "must be a mail address");
    else if (p->channel == NOTIFY_IN_APP && p->destination.n > WEBHOOK_NAME_MAX)
        refusal_field(refusal, "destination", "may have 100 characters at most");
    return refusal_fields(refusal);
}

static enum err check_mailbox(struct sql_tx *tx, const struct notify_preference *p,
                              struct arena *arena, struct refusal *refusal)
{
    struct user u;
    if (p->channel != NOTIFY_EMAIL || !p->destination.n) return ERR_OK;
    enum err e = catalog_users_find(tx, p->org, p->user, arena, &u);
    if (e || bytes_equal_nocase(u.email, p->destination)) return e;
    refusal_field(refusal, "destination",
                  "may be your own address; an administrator may name another one");
    return refusal_fields(refusal);
}

/* A webhook keeps its secret while it keeps its place; a secret that is not new is not shown. */
static enum err prefer_in(struct notify_service *s, struct sql_tx *tx, const struct actor *actor,
                          struct arena *arena, struct notify_preference *p)
{
    struct notify_preference old = {0};
    bool fresh = false;
    enum err e = catalog_webhooks_preference(tx, actor->org, actor->user, p->channel, arena, &old);
    if (e && e != ERR_NOTFOUND) return e;
    if (p->channel == NOTIFY_WEBHOOK) {
        fresh = !old.secret.n || !bytes_equal(old.destination, p->destination);
        p->secret = fresh ? notify_state_secret(s, arena) : old.secret;
        if (!p->secret.p) return ERR_NOMEM;
    }
    e = catalog_webhooks_prefer(tx, p);
    if (!fresh) p->secret = bytes_of(NULL, 0);
    if (e) return e;
    return notify_state_event(s, tx, actor, EVENT_PREFERENCE_SET, "NOTIFICATION_PREFERENCE",
                              "Notification preference set", p->id,
                              bytes_str(notify_channel_name(p->channel)));
}

enum err notify_service_prefer(struct notify_service *s, const struct actor *actor,
                               const struct notify_preference *given, bool any_mailbox,
                               struct arena *arena, struct notify_preference *ret,
                               struct refusal *refusal)
{
    struct sql_tx *tx;
    struct notify_preference p = *given;
    p.org = actor->org;
    p.user = actor->user;
    p.destination = given->destination.n ? bytes_trim(given->destination) : bytes_of(NULL, 0);
    if (!p.destination.n) p.destination = bytes_of(NULL, 0);
    p.created_ns = p.updated_ns = notify_state_now(s);
    enum err e = check(s, &p, refusal);
    if (!e) e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    if (!any_mailbox) e = check_mailbox(tx, &p, arena, refusal);
    if (!e) e = prefer_in(s, tx, actor, arena, &p);
    e = sql_end(tx, e);
    if (!e) *ret = p;
    return e;
}

static enum err unprefer_in(struct notify_service *s, struct sql_tx *tx, const struct actor *actor,
                            enum notify_channel channel)
{
    enum err e = catalog_webhooks_unprefer(tx, actor->org, actor->user, channel);
    if (e) return e;
    return notify_state_event(s, tx, actor, EVENT_PREFERENCE_REMOVED, "NOTIFICATION_PREFERENCE",
                              "Notification preference removed", actor->user,
                              bytes_str(notify_channel_name(channel)));
}

enum err notify_service_unprefer(struct notify_service *s, const struct actor *actor,
                                 enum notify_channel channel)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    return sql_end(tx, unprefer_in(s, tx, actor, channel));
}

/* --- the test button -------------------------------------------------------------------------- */

/* Against using us to write to others: 10 a minute for an organisation. */
static enum err check_rate(struct notify_service *s, struct sql_tx *tx, int64_t org,
                           struct refusal *refusal)
{
    int64_t recent = 0, since = notify_state_now(s) - NS_PER_MINUTE;
    enum err e = catalog_notifications_recent(tx, org, BYTES("test"), since, &recent);
    if (e || recent < NOTIFY_TESTS_PER_MINUTE) return e;
    refusal->limit = "notification-tests-per-minute";
    refusal->max = NOTIFY_TESTS_PER_MINUTE;
    refusal->used = recent;
    refusal->retry_ns = NS_PER_MINUTE;
    return why_say(&refusal->why, ERR_RATE, "Ten tests a minute are enough; wait for the next one");
}

static enum err fill(struct notify_service *s, struct notification *n, const struct actor *actor,
                     enum notify_channel channel, struct arena *arena)
{
    struct buf body;
    *n = (struct notification){.org = actor->org,
                               .uuid = uuid_random(s->outbox->rnd),
                               .channel = channel,
                               .what = BYTES("test"),
                               .subject = BYTES("Test notification"),
                               .message = BYTES("A test notification."),
                               .created_ns = notify_state_now(s)};
    if (channel == NOTIFY_EMAIL) {
        n->payload = BYTES("This is a test of your notifications. Mail works.\n");
        return ERR_OK;
    }
    buf_init(&body, 4096);
    notify_body_test(&body, &n->uuid, n->org, n->created_ns);
    n->payload = arena_copy(arena, buf_bytes(&body));
    buf_done(&body);
    return n->payload.p ? ERR_OK : ERR_NOMEM;
}

static enum err webhook_in(struct sql_tx *tx, int64_t id, struct arena *arena,
                           struct notification *n)
{
    struct webhook w;
    enum err e = catalog_webhooks_find(tx, n->org, id, arena, &w);
    if (e) return e;
    n->webhook = id;
    n->destination = notify_state_origin(w.url);
    n->target = bytes_str(arena_printf(arena, "webhook:%lld", (long long)id));
    return n->target.p ? ERR_OK : ERR_NOMEM;
}

static enum err channel_in(struct sql_tx *tx, const struct actor *actor, struct arena *arena,
                           struct notification *n)
{
    struct notify_preference p = {0};
    struct user u;
    enum err e = catalog_webhooks_preference(tx, n->org, actor->user, n->channel, arena, &p);
    if (e == ERR_NOTFOUND && n->channel == NOTIFY_EMAIL)
        e = catalog_users_find(tx, n->org, actor->user, arena, &u);
    if (e) return e;
    n->user = actor->user;
    n->preference = p.id;
    n->destination = !p.id ? u.email : p.destination.n ? p.destination : p.email;
    if (n->channel == NOTIFY_WEBHOOK) n->destination = notify_state_origin(p.destination);
    n->target = bytes_str(arena_printf(arena, "preference:%lld", (long long)p.id));
    return n->target.p ? ERR_OK : ERR_NOMEM;
}

enum err notify_service_test_webhook(struct notify_service *s, const struct actor *actor,
                                     int64_t id, struct arena *arena, struct notifier_try *t,
                                     struct refusal *refusal)
{
    struct sql_tx *tx;
    enum err e = fill(s, &t->n, actor, NOTIFY_WEBHOOK, arena);
    if (!e) e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = webhook_in(tx, id, arena, &t->n);
    if (!e) e = check_rate(s, tx, actor->org, refusal);
    e = sql_end(tx, e);
    if (!e && !s->notifier) e = ERR_CLOSED;
    return e ? e : notifier_try(s->notifier, t);
}

enum err notify_service_test_channel(struct notify_service *s, const struct actor *actor,
                                     enum notify_channel channel, struct arena *arena,
                                     struct notifier_try *t, struct refusal *refusal)
{
    struct sql_tx *tx;
    enum err e = fill(s, &t->n, actor, channel, arena);
    if (!e) e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = channel_in(tx, actor, arena, &t->n);
    if (!e) e = check_rate(s, tx, actor->org, refusal);
    e = sql_end(tx, e);
    if (!e && !s->notifier) e = ERR_CLOSED;
    return e ? e : notifier_try(s->notifier, t);
}
