#pragma once
/* service/auth_avatars.h -- pictures of people: PNG or JPEG, a mebibyte at most. Everybody changes
 * his own, administrators those of their people; everybody of the organisation sees them.
 * Threads: any; every call blocks on the catalog.   Memory: copied into the arena.
 * Errors: ERR_NOTFOUND also for a foreign user; refusal tells the rest. */
#include "service/auth_users.h"
#include "store/catalog_avatars.h"

enum { AUTH_AVATAR_MAX_BYTES = 1 << 20 };

/* ERR_TOOLARGE; ERR_UNSUPPORTED: neither PNG nor JPEG, by what the bytes say. */
enum err auth_avatars_put(struct auth_service *s, const struct auth_reach *reach, int64_t user,
                          struct bytes image, const struct actor *actor, struct arena *arena,
                          struct user *ret, struct refusal *refusal) MUST_CHECK;
/* ERR_NOTFOUND: no such user, or one without a picture. */
enum err auth_avatars_get(struct auth_service *s, const struct auth_reach *reach, int64_t user,
                          struct arena *arena, struct avatar *ret) MUST_CHECK;
/* One that has none stays so. */
enum err auth_avatars_remove(struct auth_service *s, const struct auth_reach *reach, int64_t user,
                             const struct actor *actor, struct arena *arena,
                             struct refusal *refusal) MUST_CHECK;
