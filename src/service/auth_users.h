#pragma once
/* service/auth_users.h -- people, administered by others: made, changed, taken away, brought back.
 *
 *   delete ──> hidden; sessions and keys end; user name and e-mail are free ── 7 days ──> purged
 *                  └── restore, by an administrator, with the roles there were
 *
 * U1  nobody grants, changes or removes a role that is above his own: an organisation's
 *     administrator cannot touch an installation's.
 * U2  an organisation that has an enabled administrator keeps one, and so does the installation.
 * U3  nobody disables, demotes or removes himself: a second person looks.
 * U4  whose roles change or who is disabled loses every session, from the answer on.
 * Threads: any; every call blocks on the catalog, create also on Argon2.
 * Memory: copied into the arena.   Errors: ERR_NOTFOUND also for a foreign user; ERR_FORBIDDEN
 * (U1), ERR_CONFLICT (U2, U3), ERR_EXISTS, ERR_LIMIT, ERR_INVALID; refusal tells the rest. */
#include "service/auth_accounts.h"

#define AUTH_RESTORABLE_NS (7 * NS_PER_DAY)

/* Whom the caller administers. */
struct auth_reach {
    int64_t org;    /* 0 = every organisation */
    unsigned roles; /* the caller's own */
};
/* The roles that somebody with these may give and take. */
unsigned auth_users_grantable(unsigned roles);

/* org: where the user is made; the reach must include it. roles 0: ROLE_USER. */
enum err auth_users_create(struct auth_service *s, const struct auth_reach *reach, int64_t org,
                           const struct auth_registration *given, unsigned roles,
                           const struct actor *actor, struct arena *arena, struct user *ret,
                           struct organization *ret_org, struct refusal *refusal) MUST_CHECK;
enum err auth_users_find(struct auth_service *s, const struct auth_reach *reach, int64_t user,
                         struct arena *arena, struct user *ret,
                         struct organization *ret_org) MUST_CHECK;
/* reach->org 0: of every organisation. deleted: those that may still be restored. */
enum err auth_users_list(struct auth_service *s, const struct auth_reach *reach, bool deleted,
                         const struct catalog_page *page, struct arena *arena, struct user **ret,
                         struct catalog_listing *ret_listing) MUST_CHECK;

/* A member that is not `set` stays. A name with p == NULL is cleared. */
struct auth_user_change {
    bool first_name_set, last_name_set, email_set, roles_set, enabled_set;
    struct bytes first_name, last_name, email;
    unsigned roles;
    bool enabled;
};
enum err auth_users_update(struct auth_service *s, const struct auth_reach *reach, int64_t user,
                           const struct auth_user_change *change, const struct actor *actor,
                           struct arena *arena, struct user *ret, struct organization *ret_org,
                           struct refusal *refusal) MUST_CHECK;
enum err auth_users_delete(struct auth_service *s, const struct auth_reach *reach, int64_t user,
                           const struct actor *actor, struct arena *arena,
                           struct refusal *refusal) MUST_CHECK;
/* ERR_NOTFOUND after the 7 days. ERR_EXISTS: user name or e-mail was taken meanwhile. */
enum err auth_users_restore(struct auth_service *s, const struct auth_reach *reach, int64_t user,
                            const struct actor *actor, struct arena *arena, struct user *ret,
                            struct organization *ret_org, struct refusal *refusal) MUST_CHECK;
/* Purges whom the 7 days are over for, at most 100; *ret_n of them. */
enum err auth_users_purge(struct auth_service *s, size_t *ret_n) MUST_CHECK;
