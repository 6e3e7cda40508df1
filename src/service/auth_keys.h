#pragma once
/* service/auth_keys.h -- API keys of a user: at most 10, shown once, rotated with a grace in which
 * both the old and the new one are good. Changes take a login, not a key (ERR_FORBIDDEN): a leaked
 * key must not be able to make more of itself. Threads: any; every call blocks on the catalog.
 * Memory: copied into the arena. */
#include "model/api_key.h"
#include "security/tokens.h"
#include "service/auth_service.h"

enum err auth_keys_list(struct auth_service *s, const struct actor *actor, struct arena *arena,
                        struct api_key **ret, size_t *ret_n) MUST_CHECK;
/* expires_ns 0 = never. ERR_LIMIT at the eleventh. */
enum err auth_keys_create(struct auth_service *s, const struct actor *actor, struct bytes name,
                          struct bytes description, int64_t expires_ns, struct arena *arena,
                          struct api_key *ret, char ret_key[TOKENS_KEY_TEXT + 1],
                          struct refusal *refusal) MUST_CHECK;
/* A new key of the same name; the old one ends after grace_ns. ERR_NOTFOUND. */
enum err auth_keys_rotate(struct auth_service *s, const struct actor *actor, int64_t key,
                          int64_t grace_ns, struct arena *arena, struct api_key *ret,
                          char ret_key[TOKENS_KEY_TEXT + 1], struct refusal *refusal) MUST_CHECK;
enum err auth_keys_revoke(struct auth_service *s, const struct actor *actor, int64_t key,
                          struct refusal *refusal) MUST_CHECK;
