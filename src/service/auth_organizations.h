#pragma once
/* service/auth_organizations.h -- organisations: what they say of themselves, their end and the way
 * back.
 *
 *   delete ──> nobody of it gets in, no token sends, names are free ── 7 days ──> purged
 *                  └── restore: people, devices and tokens as they were
 *
 * O1  from the answer of a delete on, every credential of the organisation is refused: users are
 *     deleted with it, devices are hidden with it, each marked with the same instant.
 * O2  a restore brings back what that delete took, and nothing that was deleted before it. Somebody
 *     whose user name or address was taken meanwhile stays away; sessions and keys are gone.
 * Threads: any; every call blocks on the catalog.   Memory: copied into the arena.
 * Errors: refusal tells the rest. */
#include "service/auth_users.h"

/* A member that is not `set` stays. description and settings with p == NULL are cleared. */
struct auth_organization_change {
    bool name_set, description_set, settings_set;
    struct bytes name, description;
    struct bytes settings; /* a JSON object as text, checked by the caller */
};
enum err auth_organizations_update(struct auth_service *s, int64_t org,
                                   const struct auth_organization_change *change,
                                   const struct actor *actor, struct arena *arena,
                                   struct organization *ret, struct refusal *refusal) MUST_CHECK;
/* Living ones, or those that may still be restored. ERR_INVALID: no such sort. */
enum err auth_organizations_list(struct auth_service *s, bool deleted,
                                 const struct catalog_page *page, struct arena *arena,
                                 struct organization **ret,
                                 struct catalog_listing *ret_listing) MUST_CHECK;
enum err auth_organizations_count_users(struct auth_service *s, int64_t org,
                                        int64_t *ret) MUST_CHECK;
/* For an installation's administrator. ERR_CONFLICT: it is the actor's own. */
enum err auth_organizations_delete(struct auth_service *s, int64_t org, const struct actor *actor,
                                   struct arena *arena, struct refusal *refusal) MUST_CHECK;
/* ERR_NOTFOUND after the 7 days. ERR_EXISTS: the name was taken. *ret_left: users who stay away. */
enum err auth_organizations_restore(struct auth_service *s, int64_t org, const struct actor *actor,
                                    struct arena *arena, struct organization *ret,
                                    int64_t *ret_left, struct refusal *refusal) MUST_CHECK;
