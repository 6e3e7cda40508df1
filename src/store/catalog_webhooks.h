#pragma once
/* store/catalog_webhooks.h -- who is told of alerts: webhooks of an organisation, and what its
 * people prefer. Each call works inside the caller's transaction. Strings that are read are copied
 * into `a`.   Errors: those of store/sql.h, ERR_NOTFOUND.   Threads: as the tx. */
#include "base/arena.h"
#include "model/notification.h"
#include "store/sql.h"

/* --- webhooks: a deleted one is as good as none ----------------------------------------------- */
enum err catalog_webhooks_insert(struct sql_tx *tx, struct webhook *w) MUST_CHECK; /* fills id */
enum err catalog_webhooks_find(struct sql_tx *tx, int64_t org, int64_t id, struct arena *a,
                               struct webhook *ret) MUST_CHECK;
enum err catalog_webhooks_list(struct sql_tx *tx, int64_t org, struct arena *a,
                               struct webhook **ret, size_t *ret_n) MUST_CHECK;
enum err catalog_webhooks_count(struct sql_tx *tx, int64_t org, int64_t *ret) MUST_CHECK;
/* Everything but id, organisation and creation. */
enum err catalog_webhooks_update(struct sql_tx *tx, const struct webhook *w) MUST_CHECK;
enum err catalog_webhooks_delete(struct sql_tx *tx, int64_t org, int64_t id,
                                 int64_t now_ns) MUST_CHECK;

/* --- preferences: one of each channel for a user ---------------------------------------------- */
/* Inserts, or replaces that of the same user and channel; fills id and created_ns. */
enum err catalog_webhooks_prefer(struct sql_tx *tx, struct notify_preference *p) MUST_CHECK;
enum err catalog_webhooks_preference(struct sql_tx *tx, int64_t org, int64_t user,
                                     enum notify_channel channel, struct arena *a,
                                     struct notify_preference *ret) MUST_CHECK;
enum err catalog_webhooks_preference_by_id(struct sql_tx *tx, int64_t org, int64_t id,
                                           struct arena *a,
                                           struct notify_preference *ret) MUST_CHECK;
enum err catalog_webhooks_preferences(struct sql_tx *tx, int64_t org, int64_t user, struct arena *a,
                                      struct notify_preference **ret, size_t *ret_n) MUST_CHECK;
enum err catalog_webhooks_unprefer(struct sql_tx *tx, int64_t org, int64_t user,
                                   enum notify_channel channel) MUST_CHECK;
/* Enabled ones of users who may still log in, for an alert of that severity. */
enum err catalog_webhooks_receivers(struct sql_tx *tx, int64_t org, enum alert_severity severity,
                                    struct arena *a, struct notify_preference **ret,
                                    size_t *ret_n) MUST_CHECK;
