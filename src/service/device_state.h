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

/* --- steps of a change, inside its transaction; each leaves d as its row is then -------------- */
/* What a new device starts from, without a token; its tags and groups are the wish. */
struct device device_state_from(struct device_service *s, const struct actor *actor,
                                const struct device *given);
/* ERR_LIMIT: the organisation has as many devices as it may. */
enum err device_state_check_room(struct device_service *s, struct sql_tx *tx, int64_t org,
                                 struct refusal *refusal) MUST_CHECK;
/* hash NULL: no token. ERR_EXISTS fails the transaction: look first where it has to go on. */
enum err device_state_insert(struct device_service *s, struct sql_tx *tx, const struct actor *actor,
                             struct device *d, const uint8_t *hash, struct arena *arena,
                             struct refusal *refusal) MUST_CHECK;
enum err device_state_change(struct device_service *s, struct sql_tx *tx, const struct actor *actor,
                             struct device *d, const struct device_change *change,
                             struct arena *arena, struct refusal *refusal) MUST_CHECK;
enum err device_state_remove(struct device_service *s, struct sql_tx *tx, const struct actor *actor,
                             struct device *d) MUST_CHECK;

/* --- what the registry is told after the commit; ticket: drawn in the transaction ------------- */
enum err device_state_born(struct device_service *s, uint64_t ticket, const struct device *d,
                           const uint8_t *hash) MUST_CHECK;
void device_state_changed(struct device_service *s, uint64_t ticket, const struct device *d);
enum err device_state_back(struct device_service *s, uint64_t ticket,
                           const struct device *d) MUST_CHECK; /* restored */
void device_state_gone(struct device_service *s, const struct device *d);
