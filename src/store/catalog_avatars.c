/* Pictures of people (see catalog_avatars.h). */
#include "store/catalog_avatars.h"

#include "store/catalog_rows.h"

static void read_avatar(struct catalog_reader *r, void *item)
{
    struct avatar *v = item;
    v->media_type = catalog_rows_text(r);
    v->image = catalog_rows_text(r);
}

enum err catalog_avatars_put(struct sql_tx *tx, int64_t org, int64_t user,
                             const struct avatar *avatar)
{
    return sql_exec(
        tx,
        "INSERT INTO avatars (org, user_id, media_type, image) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (org, user_id) DO UPDATE SET media_type = excluded.media_type, "
        "image = excluded.image",
        SQL_ARGS(SQL_I(org), SQL_I(user), SQL_T(avatar->media_type), SQL_B(avatar->image)), NULL);
}

enum err catalog_avatars_get(struct sql_tx *tx, int64_t org, int64_t user, struct arena *a,
                             struct avatar *ret)
{
    return catalog_rows_one(tx,
                            "SELECT media_type, image FROM avatars WHERE org = $1 AND user_id = $2",
                            SQL_ARGS(SQL_I(org), SQL_I(user)), a, read_avatar, ret, sizeof *ret);
}

enum err catalog_avatars_remove(struct sql_tx *tx, int64_t org, int64_t user)
{
    return sql_exec(tx, "DELETE FROM avatars WHERE org = $1 AND user_id = $2",
                    SQL_ARGS(SQL_I(org), SQL_I(user)), NULL);
}
