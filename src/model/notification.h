#pragma once
/* model/notification.h -- who is to be told of alerts, and every single telling: webhooks of an
 * organisation, what its people want, and deliveries, which are both the outbox and the log.
 * Threads: values.   Memory: strings are borrowed from the arena they were read into; an absent one
 * has p == NULL. */
#include "model/alert.h"

enum notify_channel {
    NOTIFY_WEBHOOK,
    NOTIFY_EMAIL,
    NOTIFY_ALERTMANAGER, /* of the installation; nobody can prefer it */
    NOTIFY_IN_APP,       /* only kept for those who set it: live sockets show alerts anyway */
    NOTIFY_CHANNELS
};
/* "WEBHOOK", …; never NULL for a member of the enum. */
static inline const char *notify_channel_name(enum notify_channel c)
{
    static const char *const names[] = {"WEBHOOK", "EMAIL", "ALERTMANAGER", "IN_APP"};
    return (unsigned)c < NOTIFY_CHANNELS ? names[c] : "WEBHOOK";
}

/* Changes of alerts as the outside calls them; bit 1 << change in a webhook's filter. */
enum { NOTIFY_CHANGES = 3, NOTIFY_ALL_CHANGES = (1 << NOTIFY_CHANGES) - 1 };
static inline const char *notify_change_name(enum alert_change c)
{
    static const char *const names[] = {"alert.raised", "alert.acknowledged", "alert.resolved"};
    return (unsigned)c < NOTIFY_CHANGES ? names[c] : "alert.raised";
}

enum { WEBHOOK_NAME_MAX = 100 };
struct webhook {
    int64_t id, org;
    struct bytes name, url;
    struct bytes secret; /* shown once, when it is made */
    unsigned changes;    /* bits 1 << enum alert_change */
    enum alert_severity min_severity;
    bool enabled;
    int64_t created_ns, updated_ns;
};

/* What a person wants to be told of by one channel. */
struct notify_preference {
    int64_t id, org, user;
    enum notify_channel channel;
    bool enabled;
    struct bytes destination; /* a mail address or a URL; absent: the user's own address */
    struct bytes secret;      /* of a WEBHOOK */
    enum alert_severity min_severity;
    int64_t created_ns, updated_ns;
    struct bytes email; /* out, in lists of receivers: the user's own address */
};

enum notification_state { NOTIFICATION_PENDING, NOTIFICATION_SENT, NOTIFICATION_FAILED };

/* One delivery to one receiver. */
struct notification {
    int64_t id, org;
    struct uuid uuid; /* X-SensorVision-Delivery: the same at every attempt */
    enum notify_channel channel;
    /* Who gets it, for the lookup at sending time: a webhook, a preference, or neither. */
    int64_t webhook, preference;
    struct bytes target;                        /* deliveries of one target go out one at a time */
    int64_t user;                               /* 0: of the organisation */
    struct bytes what;                          /* "alert.raised", "test", "INVITATION", … */
    struct bytes alert;                         /* its uuid as text */
    struct bytes destination, subject, message; /* as the log shows them, without secrets */
    struct bytes payload; /* the request's or the mail's text; gone once it has ended */
    enum notification_state state;
    int64_t attempts;
    int64_t status;     /* HTTP or SMTP, of the last attempt; 0 = no answer */
    struct bytes error; /* of the last attempt */
    int64_t created_ns, next_ns, ended_ns;
};
