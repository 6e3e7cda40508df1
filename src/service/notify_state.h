#pragma once
/* service/notify_state.h -- what the files of notify_service share.   Threads: as the call. */
#include "service/notify_service.h"

static inline int64_t notify_state_now(const struct notify_service *s)
{
    return clock_wall_ns(s->outbox->clock);
}
/* A URL that users may have called: ERR_OK, or the field is wrong. */
void notify_state_check_url(const struct notify_service *s, struct bytes url, const char *field,
                            struct refusal *refusal);
/* What of a URL may be shown to everybody and logged. */
struct bytes notify_state_origin(struct bytes url);
enum err notify_state_event(struct notify_service *s, struct sql_tx *tx, const struct actor *actor,
                            const char *type, const char *entity, const char *title, int64_t id,
                            struct bytes description) MUST_CHECK;
/* A new secret in the arena; p == NULL without memory. */
struct bytes notify_state_secret(struct notify_service *s, struct arena *arena);
