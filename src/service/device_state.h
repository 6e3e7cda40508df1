#pragma once
/* service/device_state.h -- what the files of the device family share; nobody else includes it.
 * Threads: as the transaction.   Memory: copied into the arena. */
#include "service/device_service.h"
#include "service/event_service.h"

/* External id, else uuid text; ERR_NOTFOUND for a foreign one, too. */
enum err device_state_find(struct sql_tx *tx, int64_t org, struct bytes id, struct arena *arena,
                           struct device *ret) MUST_CHECK;
/* What only the registry knows yet: when it was last seen, when its token was used (keeps D2). */
void device_state_live(struct device_service *s, struct device *d);
enum err device_state_event(struct device_service *s, struct sql_tx *tx, const struct actor *actor,
                            const char *type, const char *title, const struct device *d) MUST_CHECK;
