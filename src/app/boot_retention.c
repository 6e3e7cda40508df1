/* Settings "retention." + organisation (see boot_retention.h). */
#include "app/boot_retention.h"

#include "app/boot.h"
#include "ingest/retention.h"
#include "store/catalog_settings.h"

static const struct bytes prefix = {"retention.", 10};

bool boot_retention_is_setting(struct bytes key)
{
    return key.n > prefix.n && bytes_equal(bytes_of(key.p, prefix.n), prefix);
}

enum err boot_retention_load(struct boot *b)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct sql_tx *tx;
    struct setting *settings = NULL;
    size_t n = 0;
    enum err e = sql_begin(b->app.db, SQL_READ, &tx);
    if (!e) {
        e = catalog_settings_list(tx, prefix, &arena, &settings, &n);
        e = sql_end(tx, e);
    }
    for (size_t i = 0; i < n && !e; i++) {
        int64_t org, days;
        struct bytes key = settings[i].key;
        struct bytes id = bytes_of(key.p + prefix.n, key.n - prefix.n);
        if (bytes_to_i64(id, &org) && bytes_to_i64(settings[i].value, &days))
            e = retention_set(b->app.retention, org, days);
    }
    arena_done(&arena);
    return e;
}

enum err boot_retention_follow(struct boot *b, struct bytes key)
{
    struct arena arena;
    struct setting row;
    struct sql_tx *tx;
    int64_t org, days;
    if (!bytes_to_i64(bytes_of(key.p + prefix.n, key.n - prefix.n), &org)) return ERR_OK;
    enum err e = sql_begin(b->app.db, SQL_READ, &tx);
    if (e) return e;
    arena_init(&arena, 1 << 16);
    e = sql_end(tx, catalog_settings_get(tx, key, &arena, &row));
    if (e == ERR_NOTFOUND) {
        retention_clear(b->app.retention, org);
        e = ERR_OK;
    } else if (!e && bytes_to_i64(row.value, &days)) {
        e = retention_set(b->app.retention, org, days);
    }
    arena_done(&arena);
    return e;
}
