/* Offers of a place in an organisation (see catalog_invitations.h). */
#include "store/catalog_invitations.h"

#include "store/catalog_rows.h"

#define COLUMNS                                                                                    \
    "id, org, email, roles, hash, invited_by, inviter, sends, created_ns, expires_ns, "            \
    "accepted_ns, revoked_ns"
#define SELECT "SELECT " COLUMNS " FROM invitations WHERE "
#define OPEN   "accepted_ns = 0 AND revoked_ns = 0"

static struct sql_value hash_value(const uint8_t hash[INVITATION_HASH])
{
    return SQL_B(bytes_of(hash, INVITATION_HASH));
}

static void read_invitation(struct catalog_reader *r, void *item)
{
    struct invitation *i = item;
    i->id = catalog_rows_int(r);
    i->org = catalog_rows_int(r);
    i->email = catalog_rows_text(r);
    i->roles = (unsigned)catalog_rows_int(r);
    catalog_rows_blob(r, i->hash, INVITATION_HASH);
    i->invited_by = catalog_rows_int(r);
    i->inviter = catalog_rows_text(r);
    i->sends = catalog_rows_int(r);
    i->created_ns = catalog_rows_int(r);
    i->expires_ns = catalog_rows_int(r);
    i->accepted_ns = catalog_rows_int(r);
    i->revoked_ns = catalog_rows_int(r);
}

enum err catalog_invitations_insert(struct sql_tx *tx, struct invitation *i)
{
    return catalog_rows_insert(
        tx,
        "INSERT INTO invitations (org, email, roles, hash, invited_by, inviter, sends, created_ns, "
        "expires_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
        SQL_ARGS(SQL_I(i->org), SQL_T(i->email), SQL_I(i->roles), hash_value(i->hash),
                 SQL_I(i->invited_by), catalog_rows_opt(i->inviter), SQL_I(i->sends),
                 SQL_I(i->created_ns), SQL_I(i->expires_ns)),
        &i->id);
}

enum err catalog_invitations_find(struct sql_tx *tx, int64_t org, int64_t id, struct arena *a,
                                  struct invitation *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND id = $2", SQL_ARGS(SQL_I(org), SQL_I(id)), a,
                            read_invitation, ret, sizeof *ret);
}

enum err catalog_invitations_find_open(struct sql_tx *tx, int64_t org, struct bytes email,
                                       struct arena *a, struct invitation *ret)
{
    return catalog_rows_one(tx, SELECT "org = $1 AND lower(email) = lower($2) AND " OPEN,
                            SQL_ARGS(SQL_I(org), SQL_T(email)), a, read_invitation, ret,
                            sizeof *ret);
}

enum err catalog_invitations_find_hash(struct sql_tx *tx, const uint8_t hash[INVITATION_HASH],
                                       int64_t now_ns, struct arena *a, struct invitation *ret)
{
    return catalog_rows_one(
        tx,
        SELECT "hash = $1 AND expires_ns > $2 AND " OPEN " AND EXISTS (SELECT 1 FROM organizations "
               "o WHERE o.id = invitations.org AND o.deleted_ns = 0)",
        SQL_ARGS(hash_value(hash), SQL_I(now_ns)), a, read_invitation, ret, sizeof *ret);
}

enum err catalog_invitations_count_open(struct sql_tx *tx, int64_t org, int64_t now_ns,
                                        int64_t *ret)
{
    return catalog_rows_number(
        tx, "SELECT count(*) FROM invitations WHERE org = $1 AND expires_ns > $2 AND " OPEN,
        SQL_ARGS(SQL_I(org), SQL_I(now_ns)), ret);
}

enum err catalog_invitations_update(struct sql_tx *tx, const struct invitation *i)
{
    return catalog_rows_change(
        tx,
        "UPDATE invitations SET hash = $1, sends = $2, expires_ns = $3, accepted_ns = $4, "
        "revoked_ns = $5 WHERE org = $6 AND id = $7",
        SQL_ARGS(hash_value(i->hash), SQL_I(i->sends), SQL_I(i->expires_ns), SQL_I(i->accepted_ns),
                 SQL_I(i->revoked_ns), SQL_I(i->org), SQL_I(i->id)));
}

enum err catalog_invitations_list(struct sql_tx *tx, int64_t org, const struct catalog_page *page,
                                  struct arena *a, struct invitation **ret,
                                  struct catalog_listing *ret_listing, struct why *why)
{
    static const struct catalog_sort sorts[] = {{"id", "id"},
                                                {"email", "lower(email)"},
                                                {"createdAt", "created_ns"},
                                                {"expiresAt", "expires_ns"}};
    static const struct catalog_list list = {COLUMNS,
                                             "invitations",
                                             sorts,
                                             sizeof sorts / sizeof sorts[0],
                                             true,
                                             read_invitation,
                                             sizeof(struct invitation)};
    struct catalog_where where = {0};
    void *items;
    catalog_rows_where(&where, "org = ?", SQL_I(org));
    enum err e = catalog_rows_page(tx, &list, &where, page, a, &items, ret_listing, why);
    if (!e) *ret = items;
    return e;
}
