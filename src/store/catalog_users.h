#pragma once
/* store/catalog_users.h -- the people.
 * Each call works inside the caller's transaction. Strings that are read are copied into `a`.
 * Errors: those of store/sql.h; ERR_NOTFOUND when there is no such row alive in that organisation.
 * Threads: as the tx. */
#include "base/arena.h"
#include "model/user.h"
#include "store/catalog_page.h"
#include "store/sql.h"

/* Fills u->id. ERR_EXISTS: username or e-mail is taken (look first to tell which). */
enum err catalog_users_insert(struct sql_tx *tx, struct user *u) MUST_CHECK;
enum err catalog_users_find(struct sql_tx *tx, int64_t org, int64_t user, struct arena *a,
                            struct user *ret) MUST_CHECK;
/* In any organisation, for an installation's administrator. */
enum err catalog_users_find_id(struct sql_tx *tx, int64_t user, struct arena *a,
                               struct user *ret) MUST_CHECK;
/* Deleted and not purged yet, in any organisation. */
enum err catalog_users_find_deleted(struct sql_tx *tx, int64_t user, struct arena *a,
                                    struct user *ret) MUST_CHECK;
/* For the login only: by username, else by e-mail, in any organisation; ASCII case is ignored. */
enum err catalog_users_find_login(struct sql_tx *tx, struct bytes login, struct arena *a,
                                  struct user *ret) MUST_CHECK;
enum err catalog_users_find_username(struct sql_tx *tx, struct bytes username, struct arena *a,
                                     struct user *ret) MUST_CHECK;
enum err catalog_users_find_email(struct sql_tx *tx, struct bytes email, struct arena *a,
                                  struct user *ret) MUST_CHECK;
/* Writes email, first_name, last_name, roles, enabled, theme_preference, avatar_version, updated_ns
 * of the row (u->org, u->id). */
enum err catalog_users_update(struct sql_tx *tx, const struct user *u) MUST_CHECK;
enum err catalog_users_set_password(struct sql_tx *tx, int64_t org, int64_t user,
                                    struct bytes password_hash, int64_t now_ns) MUST_CHECK;
/* Success sets last_login_ns and failed_logins = 0; failure counts up. */
enum err catalog_users_note_login(struct sql_tx *tx, int64_t org, int64_t user, bool success,
                                  int64_t now_ns) MUST_CHECK;
enum err catalog_users_delete(struct sql_tx *tx, int64_t org, int64_t user,
                              int64_t now_ns) MUST_CHECK;
/* User name and e-mail must be free. */
enum err catalog_users_restore(struct sql_tx *tx, int64_t org, int64_t user,
                               int64_t now_ns) MUST_CHECK;
/* The one that was deleted longest ago, before before_ns. */
enum err catalog_users_find_due(struct sql_tx *tx, int64_t before_ns, struct arena *a,
                                struct user *ret) MUST_CHECK;
/* Leaves the number and the times of a deleted one, nothing personal. */
enum err catalog_users_purge(struct sql_tx *tx, int64_t org, int64_t user,
                             int64_t now_ns) MUST_CHECK;
/* Enabled ones that have the role; org 0: in the whole installation. */
enum err catalog_users_count_role(struct sql_tx *tx, int64_t org, unsigned role,
                                  int64_t *ret) MUST_CHECK;
/* The organisation of the oldest user with that role; ERR_NOTFOUND: nobody has it. */
enum err catalog_users_role_org(struct sql_tx *tx, unsigned role, int64_t *ret_org) MUST_CHECK;
enum err catalog_users_count(struct sql_tx *tx, int64_t org, int64_t *ret) MUST_CHECK;
/* Of the whole installation: 0 means the first start. */
enum err catalog_users_count_all(struct sql_tx *tx, int64_t *ret) MUST_CHECK;
/* Sorts: id, username, email, createdAt. org 0: of every organisation; deleted: those that may
 * still be restored, instead of the living. */
enum err catalog_users_list(struct sql_tx *tx, int64_t org, bool deleted,
                            const struct catalog_page *page, struct arena *a, struct user **ret,
                            struct catalog_listing *ret_listing) MUST_CHECK;
