/* The people (see catalog_users.h). */
#include "store/catalog_users.h"

#include "store/catalog_rows.h"

#define COLUMNS                                                                                    \
    "id, org, username, email, first_name, last_name, password_hash, roles, enabled, "             \
    "theme_preference, avatar_version, failed_logins, last_failed_ns, last_login_ns, "             \
    "password_changed_ns, created_ns, updated_ns, deleted_ns"
#define SELECT "SELECT " COLUMNS " FROM users WHERE "

static void read_user(struct catalog_reader *r, void *item)
{
    struct user *u = item;
    u->id = catalog_rows_int(r);
    u->org = catalog_rows_int(r);
    u->username = catalog_rows_text(r);
    u->email = catalog_rows_text(r);
    u->first_name = catalog_rows_text(r);
    u->last_name = catalog_rows_text(r);
    u->password_hash = catalog_rows_text(r);
    u->roles = (unsigned)catalog_rows_int(r);
    u->enabled = catalog_rows_int(r) != 0;
    u->theme_preference = catalog_rows_text(r);
    u->avatar_version = catalog_rows_int(r);
    u->failed_logins = catalog_rows_int(r);
    u->last_failed_ns = catalog_rows_int(r);
    u->last_login_ns = catalog_rows_int(r);
    u->password_changed_ns = catalog_rows_int(r);
    u->created_ns = catalog_rows_int(r);
    u->updated_ns = catalog_rows_int(r);
    u->deleted_ns = catalog_rows_int(r);
}

enum err catalog_users_insert(struct sql_tx *tx, struct user *u)
{
    return catalog_rows_insert(
        tx,
        "INSERT INTO users (org, username, email, first_name, last_name, password_hash, roles, "
        "enabled, theme_preference, avatar_version, password_changed_ns, created_ns, updated_ns) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING id",
        SQL_ARGS(SQL_I(u->org), SQL_T(u->username), SQL_T(u->email),
                 catalog_rows_opt(u->first_name), catalog_rows_opt(u->last_name),
                 SQL_T(u->password_hash), SQL_I(u->roles), SQL_I(u->enabled),
                 catalog_rows_opt(u->theme_preference), SQL_I(u->avatar_version),
                 SQL_I(u->password_changed_ns), SQL_I(u->created_ns), SQL_I(u->updated_ns)),
        &u->id);
}

enum err catalog_users_find(struct sql_tx *tx, int64_t org, int64_t user, struct arena *a,
                            struct user *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND id = $2 AND deleted_ns = 0",
                            SQL_ARGS(SQL_I(org), SQL_I(user)), a, read_user, ret, sizeof *ret);
}

enum err catalog_users_find_id(struct sql_tx *tx, int64_t user, struct arena *a, struct user *ret)
{
    return catalog_rows_one(tx, SELECT "id = $1 AND deleted_ns = 0", SQL_ARGS(SQL_I(user)), a,
                            read_user, ret, sizeof *ret);
}

enum err catalog_users_find_deleted(struct sql_tx *tx, int64_t user, struct arena *a,
                                    struct user *ret)
{
    return catalog_rows_one(tx, SELECT "id = $1 AND deleted_ns <> 0 AND purged_ns = 0",
                            SQL_ARGS(SQL_I(user)), a, read_user, ret, sizeof *ret);
}

enum err catalog_users_find_username(struct sql_tx *tx, struct bytes username, struct arena *a,
                                     struct user *ret)
{
    return catalog_rows_one(tx, SELECT "lower(username) = lower($1) AND deleted_ns = 0",
                            SQL_ARGS(SQL_T(username)), a, read_user, ret, sizeof *ret);
}

enum err catalog_users_find_email(struct sql_tx *tx, struct bytes email, struct arena *a,
                                  struct user *ret)
{
    return catalog_rows_one(tx, SELECT "lower(email) = lower($1) AND deleted_ns = 0",
                            SQL_ARGS(SQL_T(email)), a, read_user, ret, sizeof *ret);
}

enum err catalog_users_find_login(struct sql_tx *tx, struct bytes login, struct arena *a,
                                  struct user *ret)
{
    enum err e = catalog_users_find_username(tx, login, a, ret);
    return e == ERR_NOTFOUND ? catalog_users_find_email(tx, login, a, ret) : e;
}

enum err catalog_users_update(struct sql_tx *tx, const struct user *u)
{
    return catalog_rows_change(
        tx,
        "UPDATE users SET email = $1, first_name = $2, last_name = $3, roles = $4, enabled = $5, "
        "theme_preference = $6, avatar_version = $7, updated_ns = $8 "
        "WHERE org = $9 AND id = $10 AND deleted_ns = 0",
        SQL_ARGS(SQL_T(u->email), catalog_rows_opt(u->first_name), catalog_rows_opt(u->last_name),
                 SQL_I(u->roles), SQL_I(u->enabled), catalog_rows_opt(u->theme_preference),
                 SQL_I(u->avatar_version), SQL_I(u->updated_ns), SQL_I(u->org), SQL_I(u->id)));
}

enum err catalog_users_set_password(struct sql_tx *tx, int64_t org, int64_t user,
                                    struct bytes password_hash, int64_t now_ns)
{
    return catalog_rows_change(
        tx,
        "UPDATE users SET password_hash = $1, password_changed_ns = $2, "
        "updated_ns = $2 WHERE org = $3 AND id = $4 AND deleted_ns = 0",
        SQL_ARGS(SQL_T(password_hash), SQL_I(now_ns), SQL_I(org), SQL_I(user)));
}

enum err catalog_users_note_login(struct sql_tx *tx, int64_t org, int64_t user, bool success,
                                  int64_t now_ns)
{
    return catalog_rows_change(
        tx,
        success ? "UPDATE users SET last_login_ns = $1, failed_logins = 0 "
                  "WHERE org = $2 AND id = $3 AND deleted_ns = 0"
                : "UPDATE users SET last_failed_ns = $1, failed_logins = failed_logins + 1 "
                  "WHERE org = $2 AND id = $3 AND deleted_ns = 0",
        SQL_ARGS(SQL_I(now_ns), SQL_I(org), SQL_I(user)));
}

enum err catalog_users_delete(struct sql_tx *tx, int64_t org, int64_t user, int64_t now_ns)
{
    return catalog_rows_change(
        tx, "UPDATE users SET deleted_ns = $1 WHERE org = $2 AND id = $3 AND deleted_ns = 0",
        SQL_ARGS(SQL_I(now_ns), SQL_I(org), SQL_I(user)));
}

enum err catalog_users_restore(struct sql_tx *tx, int64_t org, int64_t user, int64_t now_ns)
{
    return catalog_rows_change(tx,
                               "UPDATE users SET deleted_ns = 0, updated_ns = $1 "
                               "WHERE org = $2 AND id = $3 AND deleted_ns <> 0 AND purged_ns = 0",
                               SQL_ARGS(SQL_I(now_ns), SQL_I(org), SQL_I(user)));
}

enum err catalog_users_find_due(struct sql_tx *tx, int64_t before_ns, struct arena *a,
                                struct user *ret)
{
    return catalog_rows_one(tx,
                            SELECT "deleted_ns <> 0 AND deleted_ns < $1 AND purged_ns = 0 "
                                   "ORDER BY deleted_ns, id LIMIT 1",
                            SQL_ARGS(SQL_I(before_ns)), a, read_user, ret, sizeof *ret);
}

enum err catalog_users_purge(struct sql_tx *tx, int64_t org, int64_t user, int64_t now_ns)
{
    return catalog_rows_change(
        tx,
        "UPDATE users SET username = '', email = '', first_name = NULL, last_name = NULL, "
        "password_hash = '', theme_preference = NULL, avatar_version = 0, purged_ns = $1 "
        "WHERE org = $2 AND id = $3 AND deleted_ns <> 0",
        SQL_ARGS(SQL_I(now_ns), SQL_I(org), SQL_I(user)));
}

enum err catalog_users_count_role(struct sql_tx *tx, int64_t org, unsigned role, int64_t *ret)
{
    return catalog_rows_number(tx,
                               org ? "SELECT count(*) FROM users WHERE (roles & $1) <> 0 "
                                     "AND enabled <> 0 AND deleted_ns = 0 AND org = $2"
                                   : "SELECT count(*) FROM users WHERE (roles & $1) <> 0 "
                                     "AND enabled <> 0 AND deleted_ns = 0 AND org <> $2",
                               SQL_ARGS(SQL_I(role), SQL_I(org)), ret);
}

enum err catalog_users_role_org(struct sql_tx *tx, unsigned role, int64_t *ret_org)
{
    *ret_org = 0;
    enum err e = catalog_rows_number(tx,
                                     "SELECT coalesce((SELECT org FROM users "
                                     "WHERE (roles & $1) <> 0 AND enabled <> 0 AND deleted_ns = 0 "
                                     "ORDER BY id LIMIT 1), 0)",
                                     SQL_ARGS(SQL_I(role)), ret_org);
    return e || *ret_org ? e : ERR_NOTFOUND;
}

enum err catalog_users_count(struct sql_tx *tx, int64_t org, int64_t *ret)
{
    return catalog_rows_number(tx, "SELECT count(*) FROM users WHERE org = $1 AND deleted_ns = 0",
                               SQL_ARGS(SQL_I(org)), ret);
}

enum err catalog_users_count_all(struct sql_tx *tx, int64_t *ret)
{
    return catalog_rows_number(tx, "SELECT count(*) FROM users WHERE deleted_ns = 0", SQL_NO_ARGS,
                               ret);
}

enum err catalog_users_list(struct sql_tx *tx, int64_t org, bool deleted,
                            const struct catalog_page *page, struct arena *a, struct user **ret,
                            struct catalog_listing *ret_listing)
{
    static const struct catalog_sort sorts[] = {{"id", "id"},
                                                {"username", "lower(username)"},
                                                {"email", "lower(email)"},
                                                {"createdAt", "created_ns"}};
    static const struct catalog_list list = {COLUMNS,
                                             "users",
                                             sorts,
                                             sizeof sorts / sizeof sorts[0],
                                             false,
                                             read_user,
                                             sizeof(struct user)};
    struct catalog_where where = {0};
    void *items;
    catalog_rows_where(&where, deleted ? "deleted_ns <> ?" : "deleted_ns = ?", SQL_I(0));
    catalog_rows_where(&where, "purged_ns = ?", SQL_I(0));
    if (org) catalog_rows_where(&where, "org = ?", SQL_I(org));
    enum err e = catalog_rows_page(tx, &list, &where, page, a, &items, ret_listing, NULL);
    if (!e) *ret = items;
    return e;
}
