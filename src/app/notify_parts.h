#pragma once
/* app/notify_parts.h -- builds the outbox, the notifier and its way to the network from the
 * settings, and connects those who have something to tell.
 * Threads: the main thread builds and takes down.   Memory: owned by the caller's struct. */
#include "api/app.h"
#include "app/settings.h"
#include "service/auth_service.h"
#include "service/notify_service.h"

struct notify_parts {
    const struct settings *settings; /* borrowed */
    struct notify_outbox outbox;
    struct notify_service service;
    struct notifier *notifier;
    atomic_bool stop; /* cuts what is on its way */
};
/* Before the services: the outbox can be written to from then on. */
enum err notify_parts_init(struct notify_parts *p, const struct app *app,
                           const struct settings *settings, struct why *why) MUST_CHECK;
/* Threads; what a crash left in the outbox goes out now. quiet: the server of one command sends
 * nothing, what it owes waits for the next real one. */
enum err notify_parts_start(struct notify_parts *p, struct app *app, bool quiet) MUST_CHECK;
void notify_parts_stop(struct notify_parts *p); /* before the HTTP server: tests are answered */
void notify_parts_done(struct notify_parts *p); /* a zeroed one is fine */
void notify_parts_wake(void *p);                /* after a commit that owes somebody something */
/* For auth_service_opts.send_mail; ctx is the struct notify_parts. */
enum err notify_parts_send_mail(void *ctx, struct sql_tx *tx, int64_t org, const char *kind,
                                struct bytes to, struct bytes subject, struct bytes text);
