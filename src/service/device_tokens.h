#pragma once
/* service/device_tokens.h -- the one token of a device: made, replaced, shown masked, taken away.
 * The old one is refused from the answer on. Threads: any; every call blocks on the catalog.
 * Memory: copied into the arena. */
#include "service/device_service.h"

/* A new token, whether there was one or not. */
enum err device_tokens_generate(struct device_service *s, const struct actor *actor,
                                struct bytes id, struct arena *arena, struct device *ret,
                                char ret_token[TOKENS_DEVICE_TEXT + 1]) MUST_CHECK;
/* The value is the caller's (administration, imports): ERR_INVALID unless a lower-case UUID,
 * ERR_EXISTS when any device has it. */
enum err device_tokens_set(struct device_service *s, const struct actor *actor, struct bytes id,
                           struct bytes token, struct arena *arena, struct device *ret) MUST_CHECK;
/* One that has none stays so. */
enum err device_tokens_revoke(struct device_service *s, const struct actor *actor, struct bytes id,
                              struct arena *arena, struct device *ret) MUST_CHECK;
