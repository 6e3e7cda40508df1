#pragma once
/* rules/notify_alertmanager.h -- alerts as a Prometheus Alertmanager takes them (API v2): raised
 * and resolved as deliveries of the outbox, and everything that is open again from time to time,
 * because an Alertmanager takes for resolved what it has not heard of for a while.
 * Threads: any; blocks on the catalog and the network.   Memory: borrowed for the call. */
#include "base/buf.h"
#include "rules/notify_send.h"

#define NOTIFY_ALERTMANAGER_TARGET "alertmanager"

/* Where it takes them: base as configured, with or without a slash at its end. */
void notify_alertmanager_url(struct buf *out, const char *base);
/* One object of the array; ends_ns 0: the Alertmanager decides. public_url: "" = no link. */
void notify_alertmanager_write(struct buf *out, const struct alert *alert, int64_t ends_ns,
                               const char *public_url);
/* All open alerts of all organisations, in requests of 500. *ret: of the last request. */
enum err notify_alertmanager_resend(const struct notify_outbox *o, struct sql_db *db,
                                    const struct notify_transport *transport,
                                    struct notify_answer *ret) MUST_CHECK;
