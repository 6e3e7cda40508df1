/* One attempt (see notify_send.h). */
#include "rules/notify_send.h"

#include "codec/mail_message.h"
#include "rules/notify_alertmanager.h"
#include "security/signature.h"
#include "store/catalog_webhooks.h"

#include <stdio.h>

enum { ARENA_BYTES = 4 << 20, LETTER_BYTES = 1 << 20, HEADER_TEXT = 160, URL_BYTES = 4096 };

/* Where to, found at the moment of sending: a webhook that was changed or taken away meanwhile
 * counts as it is now. */
struct destination {
    struct bytes url, secret;
    bool public_only;
};

static void give_up(struct notify_answer *ret, const char *why)
{
    *ret = (struct notify_answer){.verdict = NOTIFY_GIVE_UP};
    snprintf(ret->why, sizeof ret->why, "%s", why);
}

static enum err find_in(struct sql_tx *tx, const struct notification *n, struct arena *a,
                        struct destination *ret)
{
    struct webhook w;
    struct notify_preference p;
    bool test = bytes_is(n->what, "test"); /* also of what is switched off yet */
    enum err e;
    if (n->webhook) {
        e = catalog_webhooks_find(tx, n->org, n->webhook, a, &w);
        if (!e && !w.enabled && !test) e = ERR_NOTFOUND;
        if (!e) *ret = (struct destination){w.url, w.secret, true};
        return e;
    }
    e = catalog_webhooks_preference_by_id(tx, n->org, n->preference, a, &p);
    if (!e && ((!p.enabled && !test) || p.channel != n->channel)) e = ERR_NOTFOUND;
    if (!e) *ret = (struct destination){p.destination, p.secret, true};
    return e;
}

static enum err find_alertmanager(const struct notify_outbox *o, struct arena *a,
                                  struct destination *ret)
{
    struct buf url;
    if (!o->site.alertmanager_url[0]) return ERR_NOTFOUND;
    buf_init(&url, URL_BYTES);
    notify_alertmanager_url(&url, o->site.alertmanager_url);
    *ret = (struct destination){.url = arena_copy(a, buf_bytes(&url))};
    buf_done(&url);
    return ret->url.p ? ERR_OK : ERR_NOMEM;
}

static enum err find(const struct notify_outbox *o, struct sql_db *db, const struct notification *n,
                     struct arena *a, struct destination *ret)
{
    struct sql_tx *tx;
    if (n->channel == NOTIFY_ALERTMANAGER) return find_alertmanager(o, a, ret);
    if (!n->webhook && !n->preference) {
        *ret = (struct destination){bytes_str(o->site.webhook_url),
                                    bytes_str(o->site.webhook_secret), false};
        return ret->url.n ? ERR_OK : ERR_NOTFOUND;
    }
    enum err e = sql_begin(db, SQL_READ, &tx);
    if (e) return e;
    e = sql_end(tx, find_in(tx, n, a, ret));
    if (o->site.allow_private) ret->public_only = false;
    return e;
}

/* --- webhooks --------------------------------------------------------------------------------- */

static void post(const struct notify_outbox *o, const struct notify_transport *transport,
                 const struct notification *n, const struct destination *to, struct arena *a,
                 struct notify_answer *ret)
{
    char delivery[HEADER_TEXT], type[HEADER_TEXT], time[HEADER_TEXT], signature[HEADER_TEXT];
    char uuid[UUID_TEXT + 1], mac[SIGNATURE_HEX + 1];
    const char *headers[NOTIFY_HEADERS] = {"Content-Type: application/json",
                                           "User-Agent: SensorVision", delivery, type, time};
    const char *url = (const char *)arena_copy(a, to->url).p;
    int64_t now_s = clock_wall_ns(o->clock) / NS_PER_S;
    if (!url) {
        *ret = (struct notify_answer){.verdict = NOTIFY_TRY_AGAIN, .why = "out of memory"};
        return;
    }
    uuid_format(&n->uuid, uuid);
    snprintf(delivery, sizeof delivery, "X-SensorVision-Delivery: %s", uuid);
    snprintf(type, sizeof type, "X-SensorVision-Event: %.*s", (int)n->what.n, n->what.p);
    snprintf(time, sizeof time, "X-SensorVision-Timestamp: %lld", (long long)now_s);
    if (to->secret.n) {
        signature_make(to->secret, now_s, n->payload, mac);
        snprintf(signature, sizeof signature, "X-SensorVision-Signature: sha256=%s", mac);
        headers[5] = signature;
    }
    const struct notify_http request = {url, headers, n->payload, to->public_only,
                                        o->site.timeout_ns};
    transport->http(transport->ctx, &request, ret);
}

static void send_http(const struct notify_outbox *o, struct sql_db *db,
                      const struct notify_transport *transport, const struct notification *n,
                      struct notify_answer *ret)
{
    struct destination to;
    struct arena a;
    arena_init(&a, ARENA_BYTES);
    enum err e = find(o, db, n, &a, &to);
    if (!e) {
        post(o, transport, n, &to, &a, ret);
    } else if (e == ERR_NOTFOUND) {
        give_up(ret, "the receiver was switched off or taken away");
    } else {
        snprintf(ret->why, sizeof ret->why, "%s", err_sentence(e));
    }
    arena_done(&a);
}

/* --- mail ------------------------------------------------------------------------------------- */

static void send_mail(const struct notify_outbox *o, const struct notify_transport *transport,
                      const struct notification *n, struct notify_answer *ret)
{
    char uuid[UUID_TEXT + 1];
    struct buf letter;
    uuid_format(&n->uuid, uuid);
    const struct mail_message m = {
        .from = bytes_str(o->site.mail_from),
        .to = n->destination,
        .subject = n->subject,
        .text = n->payload,
        .id = bytes_of(uuid, UUID_TEXT),
        .date_s = clock_wall_ns(o->clock) / NS_PER_S,
    };
    buf_init(&letter, LETTER_BYTES);
    enum err e = mail_message_write(&letter, &m);
    const struct notify_letter l = {n->destination, buf_bytes(&letter), o->site.timeout_ns};
    if (!o->site.mail_from[0])
        give_up(ret, "mail is not configured");
    else if (e == ERR_NOMEM)
        snprintf(ret->why, sizeof ret->why, "%s", err_sentence(e));
    else if (e)
        give_up(ret, "this is no address a mail can go to");
    else
        transport->mail(transport->ctx, &l, ret);
    buf_done(&letter);
}

void notify_send(const struct notify_outbox *o, struct sql_db *db,
                 const struct notify_transport *transport, const struct notification *n,
                 struct notify_answer *ret)
{
    int64_t begun_ns = clock_mono_ns(o->clock);
    *ret = (struct notify_answer){.verdict = NOTIFY_TRY_AGAIN};
    if (n->channel == NOTIFY_EMAIL)
        send_mail(o, transport, n, ret);
    else
        send_http(o, db, transport, n, ret);
    ret->took_ns = clock_mono_ns(o->clock) - begun_ns;
}

/* --- what follows ----------------------------------------------------------------------------- */

int64_t notify_send_wait_ns(int64_t attempts, int64_t retry_ns, struct rnd *rnd)
{
    int64_t wait = retry_ns;
    for (int64_t i = 1; i < attempts && wait < NOTIFY_WAIT_MAX_NS; i++) wait *= 2;
    if (wait > NOTIFY_WAIT_MAX_NS) wait = NOTIFY_WAIT_MAX_NS;
    return wait / 2 + (int64_t)rnd_below(rnd, (uint64_t)(wait / 2 + 1));
}

void notify_send_settle(const struct notify_outbox *o, struct notification *n,
                        const struct notify_answer *answer, int64_t now_ns)
{
    n->attempts++;
    n->status = answer->status;
    n->error = answer->verdict == NOTIFY_DELIVERED ? bytes_of(NULL, 0) : bytes_str(answer->why);
    n->state = answer->verdict == NOTIFY_DELIVERED ? NOTIFICATION_SENT : NOTIFICATION_PENDING;
    bool late = now_ns - n->created_ns >= NOTIFY_AGE_MAX_NS;
    if (n->state == NOTIFICATION_PENDING &&
        (answer->verdict == NOTIFY_GIVE_UP || n->attempts >= o->site.attempts || late))
        n->state = NOTIFICATION_FAILED;
    if (n->state != NOTIFICATION_PENDING) {
        n->ended_ns = now_ns;
        return;
    }
    int64_t wait = notify_send_wait_ns(n->attempts, o->site.retry_ns, o->rnd);
    int64_t asked = answer->retry_after_ns;
    if (asked > NOTIFY_WAIT_MAX_NS) asked = NOTIFY_WAIT_MAX_NS;
    n->next_ns = now_ns + (asked > wait ? asked : wait);
}
