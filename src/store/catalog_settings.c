/* What the installation remembers (see catalog_settings.h). */
#include "store/catalog_settings.h"

#include "store/catalog_rows.h"

#define SELECT "SELECT key, value, who, when_ns FROM settings WHERE "

enum { SETTINGS_MAX = 10000 };

static void read_setting(struct catalog_reader *r, void *item)
{
    struct setting *s = item;
    s->key = catalog_rows_text(r);
    s->value = catalog_rows_text(r);
    s->who = catalog_rows_text(r);
    s->when_ns = catalog_rows_int(r);
}

enum err catalog_settings_get(struct sql_tx *tx, struct bytes key, struct arena *a,
                              struct setting *ret)
{
    return catalog_rows_one(tx, SELECT "key = $1", SQL_ARGS(SQL_T(key)), a, read_setting, ret,
                            sizeof *ret);
}

enum err catalog_settings_put(struct sql_tx *tx, const struct setting *s)
{
    return sql_exec(
        tx,
        "INSERT INTO settings (key, value, who, when_ns) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value, who = excluded.who, "
        "when_ns = excluded.when_ns",
        SQL_ARGS(SQL_T(s->key), SQL_B(s->value), catalog_rows_opt(s->who), SQL_I(s->when_ns)),
        NULL);
}

enum err catalog_settings_remove(struct sql_tx *tx, struct bytes key)
{
    return sql_exec(tx, "DELETE FROM settings WHERE key = $1", SQL_ARGS(SQL_T(key)), NULL);
}

enum err catalog_settings_list(struct sql_tx *tx, struct bytes prefix, struct arena *a,
                               struct setting **ret, size_t *ret_n)
{
    void *items;
    enum err e = catalog_rows_all(tx, SELECT "substr(key, 1, length($1)) = $1 ORDER BY key",
                                  SQL_ARGS(SQL_T(prefix)), a, read_setting, sizeof(struct setting),
                                  SETTINGS_MAX, &items, ret_n);
    if (!e) *ret = items;
    return e;
}
