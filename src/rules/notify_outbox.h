#pragma once
/* rules/notify_outbox.h -- who has to be told, written down in the transaction of what happened.
 *
 *   alert ── transaction { alert, event, a row for each receiver } ── commit ── wake ── notifier
 *   mail  ── transaction { invitation, reset, …, a row } ────────────── commit ── wake ┘
 *
 * U1  what is owed is in the catalog exactly when its cause is: nothing is lost by a crash, and
 *     nothing is told of what did not happen.
 * U2  a row that has no chance (1,000 are waiting for the same receiver, mail is not configured) is
 *     written as failed with its reason, so that the log shows it.
 * U3  the log of an organisation is bounded: about every 256th line that ends takes the oldest ones
 *     past NOTIFY_LOG_LINES away, up to 1,024 of them.
 * Threads: any; calls inside a transaction block on the catalog.   Memory: settings are copied but
 * for their texts, which are borrowed for ever. */
#include "base/clock.h"
#include "model/notification.h"
#include "rules/alerts.h"
#include "store/sql.h"

enum { NOTIFY_WAITING_MAX = 1000 };     /* deliveries that wait for one receiver */
enum { NOTIFY_LOG_LINES = 100 * 1000 }; /* of an organisation that were sent, and that failed */

struct notify_site {
    const char *webhook_url, *webhook_secret; /* of the installation; "" = none */
    const char *alertmanager_url;             /* "" = none */
    int64_t resend_ns;                        /* open alerts are told to it again this often */
    const char *mail_from;                    /* "" = mail is not configured */
    const char *public_url;                   /* for links in mails; "" = none */
    bool allow_private;                       /* users' webhooks may go to private addresses */
    unsigned attempts;                        /* of one delivery, at most */
    int64_t retry_ns;                         /* the first wait, doubled with every attempt */
    int64_t timeout_ns;                       /* of one attempt */
};

struct notify_outbox {
    const struct clock *clock;
    struct rnd *rnd;
    struct notify_site site;
    int64_t log_lines;       /* NOTIFY_LOG_LINES */
    void (*wake)(void *ctx); /* may be NULL; must not block */
    void *wake_ctx;
};

/* For alerts_add_hook(); o stays where it is. */
struct alerts_hook notify_outbox_hook(struct notify_outbox *o);

/* A mail to one address. Only subject, what and about reach the log; text goes when it is sent. */
struct notify_mail {
    int64_t org;
    struct bytes to, subject, text;
    const char *what;  /* "PASSWORD_RESET", "INVITATION" */
    const char *about; /* a sentence for the log */
};
enum err notify_outbox_mail(struct notify_outbox *o, struct sql_tx *tx,
                            const struct notify_mail *mail) MUST_CHECK;
/* In the transaction in which a row has ended (keeps U3). */
enum err notify_outbox_ended(struct notify_outbox *o, struct sql_tx *tx,
                             const struct notification *n) MUST_CHECK;
/* After the commit of a transaction that wrote something. Never blocks. */
void notify_outbox_wake(struct notify_outbox *o);
