/* Rows for everybody who has to be told (see notify_outbox.h). */
#include "rules/notify_outbox.h"

#include "codec/json_write.h"
#include "codec/mail_message.h"
#include "codec/web_url.h"
#include "rules/notify_alertmanager.h"
#include "rules/notify_body.h"
#include "store/catalog_notifications.h"
#include "store/catalog_webhooks.h"

#include <stdio.h>

enum { ARENA_BYTES = 64 << 20, BODY_BYTES = 64 * 1024, TARGET_TEXT = 300, TRIM_AT_ONCE = 1024 };

/* One alert on its way to all its receivers. */
struct telling {
    struct notify_outbox *outbox;
    struct sql_tx *tx;
    const struct alert *alert;
    enum alert_change change;
    int64_t now_ns;
    struct arena arena;
    struct buf subject, body;
    char alert_id[UUID_TEXT + 1];
};

enum err notify_outbox_ended(struct notify_outbox *o, struct sql_tx *tx,
                             const struct notification *n)
{
    /* the last byte of its name is random, and the same whoever asks */
    bool turn = n->state != NOTIFICATION_PENDING && !n->uuid.b[sizeof n->uuid.b - 1];
    return turn ? catalog_notifications_trim(tx, n->org, n->state, o->log_lines, TRIM_AT_ONCE)
                : ERR_OK;
}

static enum err insert(struct notify_outbox *o, struct sql_tx *tx, struct notification *n)
{
    struct catalog_queue queue = {0};
    const char *why = NULL;
    enum err e = catalog_notifications_queue(tx, n->org, n->target, NOTIFY_WAITING_MAX, &queue);
    if (e) return e;
    n->created_ns = clock_wall_ns(o->clock);
    /* behind what waits already, so that a receiver hears of things in their order */
    n->next_ns = queue.last_ns > n->created_ns ? queue.last_ns : n->created_ns;
    if (queue.waiting >= NOTIFY_WAITING_MAX) why = "1000 deliveries are waiting for this receiver";
    if (n->channel == NOTIFY_EMAIL && !mail_message_is_address(n->destination))
        why = "this is no address a mail can go to";
    if (n->channel == NOTIFY_EMAIL && !o->site.mail_from[0]) why = "mail is not configured";
    if (why) { /* keeps U2 */
        n->state = NOTIFICATION_FAILED;
        n->error = bytes_str(why);
        n->ended_ns = n->created_ns;
        n->payload = bytes_of(NULL, 0);
    }
    e = catalog_notifications_insert(tx, n);
    return e ? e : notify_outbox_ended(o, tx, n);
}

/* --- alerts ----------------------------------------------------------------------------------- */

static struct notification begin(struct telling *t, enum notify_channel channel)
{
    return (struct notification){
        .org = t->alert->org,
        .uuid = uuid_random(t->outbox->rnd),
        .channel = channel,
        .what = bytes_str(notify_change_name(t->change)),
        .alert = bytes_of(t->alert_id, UUID_TEXT),
        .subject = buf_bytes(&t->subject),
        .message = t->alert->message,
    };
}

static enum err tell_by_http(struct telling *t, struct notification *n)
{
    buf_clear(&t->body);
    notify_body_json(&t->body, &n->uuid, t->alert, t->change, t->now_ns);
    n->payload = buf_bytes(&t->body);
    return t->body.err ? t->body.err : insert(t->outbox, t->tx, n);
}

/* What of a URL may be shown: the rest of it is often the receiver's secret. */
static struct bytes shown_url(struct bytes url)
{
    struct web_url u;
    return web_url_parse(url, &u, NULL) ? BYTES("(not a URL)") : u.origin;
}

static enum err tell_webhook(struct telling *t, const struct webhook *w)
{
    char target[TARGET_TEXT];
    struct notification n = begin(t, NOTIFY_WEBHOOK);
    if (!w->enabled || w->min_severity > t->alert->severity || !(w->changes & 1u << t->change))
        return ERR_OK;
    n.webhook = w->id;
    n.destination = shown_url(w->url);
    n.target =
        bytes_of(target, (size_t)snprintf(target, sizeof target, "webhook:%lld", (long long)w->id));
    return tell_by_http(t, &n);
}

static enum err tell_person(struct telling *t, const struct notify_preference *p)
{
    char target[TARGET_TEXT];
    struct notification n = begin(t, p->channel);
    n.preference = p->id;
    n.user = p->user;
    n.target = bytes_of(
        target, (size_t)snprintf(target, sizeof target, "preference:%lld", (long long)p->id));
    if (p->channel == NOTIFY_WEBHOOK) {
        n.destination = shown_url(p->destination);
        return tell_by_http(t, &n);
    }
    if (p->channel != NOTIFY_EMAIL) return ERR_OK;
    n.destination = p->destination.n ? p->destination : p->email;
    buf_clear(&t->body);
    notify_body_text(&t->body, t->alert, t->change, t->outbox->site.public_url);
    n.payload = buf_bytes(&t->body);
    return t->body.err ? t->body.err : insert(t->outbox, t->tx, &n);
}

static enum err tell_site(struct telling *t)
{
    struct notification n = begin(t, NOTIFY_WEBHOOK);
    if (!t->outbox->site.webhook_url[0]) return ERR_OK;
    n.target = BYTES("site");
    n.destination = BYTES("installation");
    return tell_by_http(t, &n);
}

static enum err tell_alertmanager(struct telling *t)
{
    struct notification n = begin(t, NOTIFY_ALERTMANAGER);
    if (!t->outbox->site.alertmanager_url[0] || t->change == ALERT_ACKNOWLEDGED) return ERR_OK;
    n.target = bytes_str(NOTIFY_ALERTMANAGER_TARGET);
    n.destination = BYTES("installation");
    buf_clear(&t->body);
    json_write_open(&t->body, '[');
    notify_alertmanager_write(&t->body, t->alert, t->alert->resolved_ns,
                              t->outbox->site.public_url);
    json_write_close(&t->body, ']');
    n.payload = buf_bytes(&t->body);
    return t->body.err ? t->body.err : insert(t->outbox, t->tx, &n);
}

static enum err tell_all(struct telling *t)
{
    struct webhook *webhooks = NULL;
    struct notify_preference *people = NULL;
    size_t webhook_count = 0, people_count = 0;
    int64_t org = t->alert->org;
    uuid_format(&t->alert->uuid, t->alert_id);
    notify_body_subject(&t->subject, t->alert, t->change);
    if (t->subject.err) return t->subject.err;
    enum err e = catalog_webhooks_list(t->tx, org, &t->arena, &webhooks, &webhook_count);
    for (size_t i = 0; !e && i < webhook_count; i++) e = tell_webhook(t, &webhooks[i]);
    /* people are told that it began; what follows they see, or take a webhook for */
    if (!e && t->change == ALERT_RAISED)
        e = catalog_webhooks_receivers(t->tx, org, t->alert->severity, &t->arena, &people,
                                       &people_count);
    for (size_t i = 0; !e && i < people_count; i++) e = tell_person(t, &people[i]);
    if (!e) e = tell_site(t);
    return e ? e : tell_alertmanager(t);
}

static enum err on_alert(void *ctx, struct sql_tx *tx, const struct alert *alert,
                         enum alert_change change)
{
    struct notify_outbox *o = ctx;
    struct telling t = {
        .outbox = o, .tx = tx, .alert = alert, .change = change, .now_ns = clock_wall_ns(o->clock)};
    arena_init(&t.arena, ARENA_BYTES);
    buf_init(&t.subject, BODY_BYTES);
    buf_init(&t.body, BODY_BYTES);
    enum err e = tell_all(&t);
    buf_done(&t.body);
    buf_done(&t.subject);
    arena_done(&t.arena);
    return e;
}

static void on_committed(void *ctx, const struct alert *alert, enum alert_change change)
{
    (void)alert, (void)change;
    notify_outbox_wake(ctx);
}

struct alerts_hook notify_outbox_hook(struct notify_outbox *o)
{
    return (struct alerts_hook){.ctx = o, .in_tx = on_alert, .committed = on_committed};
}

/* --- mails of other services ------------------------------------------------------------------ */

enum err notify_outbox_mail(struct notify_outbox *o, struct sql_tx *tx,
                            const struct notify_mail *mail)
{
    char target[TARGET_TEXT];
    struct notification n = {
        .org = mail->org,
        .uuid = uuid_random(o->rnd),
        .channel = NOTIFY_EMAIL,
        .what = bytes_str(mail->what),
        .destination = mail->to,
        .subject = mail->subject,
        .message = bytes_str(mail->about),
        .payload = mail->text,
    };
    n.target = bytes_of(
        target, (size_t)snprintf(target, sizeof target, "mail:%.*s", (int)mail->to.n, mail->to.p));
    return insert(o, tx, &n);
}

void notify_outbox_wake(struct notify_outbox *o)
{
    if (o->wake) o->wake(o->wake_ctx);
}
