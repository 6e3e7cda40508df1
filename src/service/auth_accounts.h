#pragma once
/* service/auth_accounts.h -- people and their organisations: register, read, change.
 * Threads: any; every call blocks on the catalog, those with a password also on Argon2.
 * Memory: what is read is copied into the arena.   Errors: refusal tells the rest. */
#include "model/organization.h"
#include "model/user.h"
#include "service/auth_service.h"
#include "store/catalog_page.h"

struct auth_registration {
    struct bytes username, email, password, first_name, last_name;
    struct bytes organization; /* empty: "{username}'s Organization" */
};
/* A new organisation with its first user, its administrator, logged in. ERR_FORBIDDEN: registration
 * is off. ERR_EXISTS: user name, e-mail or organisation is taken. ERR_LIMIT, ERR_INVALID. */
enum err auth_accounts_register(struct auth_service *s, const struct auth_registration *given,
                                const struct actor *actor, struct arena *arena,
                                struct auth_tokens *ret, struct refusal *refusal) MUST_CHECK;
/* A user of an existing organisation, without a login: for the command line. */
enum err auth_accounts_add_user(struct auth_service *s, int64_t org,
                                const struct auth_registration *given, unsigned roles,
                                const struct actor *actor, int64_t *ret_user,
                                struct refusal *refusal) MUST_CHECK;
/* The same inside a transaction of the caller; the name was checked. */
struct bytes auth_accounts_check_name(struct bytes name, struct refusal *refusal); /* trimmed */
enum err auth_accounts_insert_organization(struct auth_service *s, struct sql_tx *tx,
                                           struct bytes name, const struct actor *actor,
                                           int64_t *ret_org, struct refusal *refusal) MUST_CHECK;
enum err auth_accounts_add_organization(struct auth_service *s, struct bytes name,
                                        const struct actor *actor, int64_t *ret_org,
                                        struct refusal *refusal) MUST_CHECK;

enum err auth_accounts_find(struct auth_service *s, int64_t org, int64_t user, struct arena *arena,
                            struct user *ret, struct organization *ret_org) MUST_CHECK;
enum err auth_accounts_find_organization(struct auth_service *s, int64_t org, struct arena *arena,
                                         struct organization *ret) MUST_CHECK;
/* ERR_INVALID: no such sort. */
enum err auth_accounts_list(struct auth_service *s, int64_t org, const struct catalog_page *page,
                            struct arena *arena, struct user **ret,
                            struct catalog_listing *ret_listing) MUST_CHECK;

/* A run with p == NULL leaves its field as it is. */
struct auth_preferences {
    struct bytes theme, first_name, last_name;
};
enum err auth_accounts_set_preferences(struct auth_service *s, const struct actor *actor,
                                       const struct auth_preferences *given,
                                       struct refusal *refusal) MUST_CHECK;

/* Ends every session of the user and starts a fresh one for whoever asked. ERR_INVALID: the current
 * password is wrong or the new one too short. ERR_RATE as login. */
enum err auth_accounts_change_password(struct auth_service *s, const struct actor *actor,
                                       struct bytes current, struct bytes fresh,
                                       struct arena *arena, struct auth_tokens *ret,
                                       struct refusal *refusal) MUST_CHECK;
/* Without knowing the old one: for the command line. */
enum err auth_accounts_set_password(struct auth_service *s, struct bytes login, struct bytes fresh,
                                    const struct actor *actor, struct refusal *refusal) MUST_CHECK;

/* The same work for any address. The token lives an hour, until the address changes at most, works
 * once and goes to opts.send_mail only. Past AUTH_RESET_MAILS_PER_HOUR nothing is sent, and nobody
 * can tell. ERR_RATE: of the one who asks. */
enum { AUTH_RESET_MAILS_PER_HOUR = 3 };
enum err auth_accounts_forgot_password(struct auth_service *s, struct bytes email,
                                       const struct actor *actor,
                                       struct refusal *refusal) MUST_CHECK;
enum err auth_accounts_reset_password(struct auth_service *s, struct bytes token,
                                      struct bytes fresh, const struct actor *actor,
                                      struct refusal *refusal) MUST_CHECK;
