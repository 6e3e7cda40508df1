/* Notifications, put together (see notify_parts.h). */
#include "app/notify_parts.h"

#include "base/log.h"
#include "codec/mail_message.h"
#include "codec/web_url.h"
#include "net/outgoing.h"

#include <stdio.h>

/* --- the way to the network ------------------------------------------------------------------- */

static void translate(const struct outgoing_result *r, struct notify_answer *ret)
{
    ret->status = r->status;
    ret->retry_after_ns =
        r->retry_after_s > 0 && r->retry_after_s < 86400 ? r->retry_after_s * NS_PER_S : 0;
    ret->verdict = r->end == OUTGOING_REFUSED || r->final ? NOTIFY_GIVE_UP : NOTIFY_TRY_AGAIN;
    snprintf(ret->why, sizeof ret->why, "%s", r->why);
}

static void send_http(void *ctx, const struct notify_http *request, struct notify_answer *ret)
{
    struct notify_parts *p = ctx;
    struct outgoing_result r;
    const struct outgoing_post post = {
        .url = request->url,
        .headers = request->headers,
        .body = request->body,
        .public_only = request->public_only,
        .timeout_ns = request->timeout_ns,
        .stop = &p->stop,
    };
    outgoing_post(&post, &r);
    translate(&r, ret);
    if (r.end != OUTGOING_ANSWERED) return;
    if (r.status >= 200 && r.status < 300)
        ret->verdict = NOTIFY_DELIVERED;
    else if (r.status == 410)
        ret->verdict = NOTIFY_GIVE_UP; /* "gone": the receiver says that it will not come back */
    snprintf(ret->why, sizeof ret->why, "answered %d%s", r.status,
             r.status >= 300 && r.status < 400 ? "; redirects are not followed" : "");
}

static void send_mail(void *ctx, const struct notify_letter *letter, struct notify_answer *ret)
{
    struct notify_parts *p = ctx;
    const struct settings *s = p->settings;
    struct outgoing_result r;
    char from[320], to[320];
    struct bytes sender = mail_message_address_of(bytes_str(s->smtp_from));
    snprintf(from, sizeof from, "%.*s", (int)sender.n, sender.p);
    snprintf(to, sizeof to, "%.*s", (int)letter->to.n, letter->to.p);
    const struct outgoing_mail mail = {
        .host = s->smtp_host,
        .port = (int)s->smtp_port,
        .tls = (enum outgoing_tls)s->smtp_tls,
        .ca_file = s->smtp_ca_file,
        .username = s->smtp_username,
        .password = s->smtp_password,
        .from = from,
        .to = to,
        .message = letter->message,
        .timeout_ns = letter->timeout_ns,
        .stop = &p->stop,
    };
    outgoing_mail(&mail, &r);
    translate(&r, ret);
    if (r.end == OUTGOING_ANSWERED) ret->verdict = NOTIFY_DELIVERED;
}

static void cut(void *ctx)
{
    struct notify_parts *p = ctx;
    atomic_store(&p->stop, true);
}

/* --- who tells -------------------------------------------------------------------------------- */

static void report(void *ctx, const struct notification *n, const char *why)
{
    (void)ctx;
    if (!n) {
        LOG(LOG_ERROR, "notifications_wait", LOG_S("why", why));
        return;
    }
    char uuid[UUID_TEXT + 1];
    uuid_format(&n->uuid, uuid);
    LOG(LOG_WARN, "notification_given_up", LOG_S("delivery", uuid), LOG_I("organization", n->org),
        LOG_S("channel", notify_channel_name(n->channel)), LOG_I("attempts", n->attempts),
        LOG_B("why", n->error));
}

enum err notify_parts_send_mail(void *ctx, struct sql_tx *tx, int64_t org, const char *kind,
                                struct bytes to, struct bytes subject, struct bytes text)
{
    struct notify_parts *p = ctx;
    const struct notify_mail mail = {
        .org = org,
        .to = to,
        .subject = subject,
        .text = text,
        .what = kind,
        .about = "A letter that only its reader may see.",
    };
    return notify_outbox_mail(&p->outbox, tx, &mail);
}

void notify_parts_wake(void *p)
{
    notify_outbox_wake(&((struct notify_parts *)p)->outbox);
}

/* --- life ------------------------------------------------------------------------------------- */

static enum err check_url(const char *key, const char *url, struct why *why)
{
    struct web_url u;
    struct why reason = {""};
    if (!url[0] || !web_url_parse(bytes_str(url), &u, &reason)) return ERR_OK;
    return why_say(why, ERR_INVALID, "%s %s", key, reason.text);
}

static enum err check(const struct settings *s, struct why *why)
{
    enum err e = check_url("notifications.webhook.url", s->site_webhook_url, why);
    if (!e) e = check_url("alertmanager.url", s->alertmanager_url, why);
    if (!e) e = check_url("server.public-url", s->public_url, why);
    if (e || !s->smtp_host[0]) return e;
    if (!mail_message_address_of(bytes_str(s->smtp_from)).p)
        return why_say(why, ERR_INVALID,
                       "smtp.host is set, so smtp.from must be a mail address to send from");
    return ERR_OK;
}

enum err notify_parts_init(struct notify_parts *p, const struct app *app,
                           const struct settings *settings, struct why *why)
{
    enum err e = check(settings, why);
    if (e) return e;
    p->settings = settings;
    p->outbox = (struct notify_outbox){
        .log_lines = NOTIFY_LOG_LINES,
        .clock = app->clock,
        .rnd = app->rnd,
        .site =
            {
                .webhook_url = settings->site_webhook_url,
                .webhook_secret = settings->site_webhook_secret,
                .alertmanager_url = settings->alertmanager_url,
                .resend_ns = settings->alertmanager_resend_ns,
                .mail_from = settings->smtp_host[0] ? settings->smtp_from : "",
                .public_url = settings->public_url,
                .allow_private = settings->notify_allow_private,
                .attempts = (unsigned)settings->notify_attempts,
                .retry_ns = settings->notify_retry_ns,
                .timeout_ns = settings->notify_timeout_ns,
            },
    };
    return ERR_OK;
}

enum err notify_parts_start(struct notify_parts *p, struct app *app, bool quiet)
{
    const struct notifier_opts opts = {
        .outbox = &p->outbox,
        .db = app->db,
        .transport = {.ctx = p, .http = send_http, .mail = send_mail, .cut = cut},
        .threads = (unsigned)p->settings->notify_threads,
        .report = report,
        .report_ctx = p,
    };
    enum err e = quiet ? ERR_OK : notifier_new(&p->notifier, &opts);
    if (e) return e;
    p->service =
        (struct notify_service){.db = app->db, .outbox = &p->outbox, .notifier = p->notifier};
    p->outbox.wake_ctx = p->notifier;
    p->outbox.wake = quiet ? NULL : notifier_wake;
    app->notify = &p->service;
    const struct alerts_hook hook = notify_outbox_hook(&p->outbox);
    alerts_add_hook(app->alerts, &hook);
    return ERR_OK;
}

void notify_parts_stop(struct notify_parts *p)
{
    notifier_stop(p->notifier);
}

void notify_parts_done(struct notify_parts *p)
{
    p->outbox.wake = NULL;
    notifier_free(p->notifier);
    p->notifier = NULL;
}
