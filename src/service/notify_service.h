#pragma once
/* service/notify_service.h -- who may have whom told: webhooks of an organisation, what a person
 * prefers, the log of deliveries, and the test button. Every change appends its event; secrets and
 * the rest of a URL behind its host never reach one.
 * Threads: any; every call blocks on the catalog.   Memory: what is read is copied into the arena.
 */
#include "model/actor.h"
#include "rules/notifier.h"
#include "service/refusal.h"
#include "store/catalog_notifications.h"
#include "store/catalog_page.h"

enum {
    NOTIFY_WEBHOOKS_PER_ORG = 20,
    NOTIFY_TESTS_PER_MINUTE = 10, /* of an organisation */
};

struct notify_service {
    struct sql_db *db;
    struct notify_outbox *outbox;
    struct notifier *notifier;
};

/* What a request says; a member counts when its `set` is true, or p != NULL. */
struct webhook_change {
    bool name_set, changes_set, enabled_set, min_severity_set;
    struct bytes name, url; /* name: p == NULL clears */
    unsigned changes;
    enum alert_severity min_severity;
    bool enabled;
};
enum err notify_service_webhooks(struct notify_service *s, int64_t org, struct arena *arena,
                                 struct webhook **ret, size_t *ret_n) MUST_CHECK;
enum err notify_service_webhook(struct notify_service *s, int64_t org, int64_t id,
                                struct arena *arena, struct webhook *ret) MUST_CHECK;
/* ret->secret is there in this answer and that of rotate only. ERR_LIMIT, ERR_INVALID. */
enum err notify_service_create(struct notify_service *s, const struct actor *actor,
                               const struct webhook_change *given, struct arena *arena,
                               struct webhook *ret, struct refusal *refusal) MUST_CHECK;
enum err notify_service_update(struct notify_service *s, const struct actor *actor, int64_t id,
                               const struct webhook_change *given, struct arena *arena,
                               struct webhook *ret, struct refusal *refusal) MUST_CHECK;
/* A new secret, from the next delivery on. */
enum err notify_service_rotate(struct notify_service *s, const struct actor *actor, int64_t id,
                               struct arena *arena, struct webhook *ret) MUST_CHECK;
enum err notify_service_delete(struct notify_service *s, const struct actor *actor,
                               int64_t id) MUST_CHECK;

enum err notify_service_preferences(struct notify_service *s, const struct actor *actor,
                                    struct arena *arena, struct notify_preference **ret,
                                    size_t *ret_n) MUST_CHECK;
/* given: channel, enabled, destination, min_severity. ret->secret (WEBHOOK): when it is new.
 * any_mailbox false: mail goes to the account's own address, nobody else is written to. */
enum err notify_service_prefer(struct notify_service *s, const struct actor *actor,
                               const struct notify_preference *given, bool any_mailbox,
                               struct arena *arena, struct notify_preference *ret,
                               struct refusal *refusal) MUST_CHECK;
enum err notify_service_unprefer(struct notify_service *s, const struct actor *actor,
                                 enum notify_channel channel) MUST_CHECK;

enum err notify_service_log(struct notify_service *s, int64_t org,
                            const struct notification_filter *filter,
                            const struct catalog_page *page, struct arena *arena,
                            struct notification **ret, struct catalog_listing *ret_listing,
                            struct why *why) MUST_CHECK;
enum err notify_service_stats(struct notify_service *s, int64_t org,
                              const struct notification_filter *filter,
                              struct notification_counts *ret) MUST_CHECK;

/* The test button: t->done, t->user are the caller's, the rest is filled here; t and the arena stay
 * until done() was called, from a thread of the notifier. ERR_RATE, ERR_FULL, ERR_NOTFOUND. */
enum err notify_service_test_webhook(struct notify_service *s, const struct actor *actor,
                                     int64_t id, struct arena *arena, struct notifier_try *t,
                                     struct refusal *refusal) MUST_CHECK;
/* EMAIL or WEBHOOK of the actor; EMAIL without a preference goes to the own address. */
enum err notify_service_test_channel(struct notify_service *s, const struct actor *actor,
                                     enum notify_channel channel, struct arena *arena,
                                     struct notifier_try *t, struct refusal *refusal) MUST_CHECK;
