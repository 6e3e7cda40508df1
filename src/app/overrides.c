/* Overrides as rows of the settings (see overrides.h). */
#include "app/overrides.h"

#include "codec/json_write.h"
#include "service/event_service.h"
#include "service/event_types.h"
#include "store/catalog_settings.h"

#include <stdio.h>

enum { ROWS_MAX_BYTES = 4 << 20, KEY_MAX_BYTES = 256 };
static const struct bytes prefix = {"conf.", 5};

/* All rows in one read transaction. */
static enum err list_rows(struct sql_db *db, struct arena *arena, struct setting **ret,
                          size_t *ret_n, struct why *why)
{
    struct sql_tx *tx = NULL;
    enum err e = sql_begin(db, SQL_READ, &tx);
    if (!e) e = catalog_settings_list(tx, prefix, arena, ret, ret_n);
    sql_rollback(tx);
    return e ? why_say(why, e, "the overrides cannot be read: %s", err_sentence(e)) : ERR_OK;
}

/* A NUL-terminated copy; NULL without memory. */
static const char *text_of(struct arena *arena, struct bytes s)
{
    return arena_copy(arena, s).p;
}

static const char *key_of(struct arena *arena, const struct setting *row)
{
    return text_of(arena, bytes_of(row->key.p + prefix.n, row->key.n - prefix.n));
}

enum err overrides_load(struct conf *conf, struct sql_db *db, overrides_report *report, void *ctx,
                        struct why *why)
{
    struct arena arena;
    struct setting *rows = NULL;
    size_t n = 0;
    arena_init(&arena, ROWS_MAX_BYTES);
    enum err e = list_rows(db, &arena, &rows, &n, why);
    for (size_t i = 0; !e && i < n; i++) {
        struct why inner = {""};
        const char *key = key_of(&arena, &rows[i]), *value = text_of(&arena, rows[i].value);
        const char *who = text_of(&arena, rows[i].who);
        e = key && value && who ? conf_override(conf, key, value, who, &inner) : ERR_NOMEM;
        if (e == ERR_NOMEM) break;
        if (e && report) report(ctx, key, inner.text);
        e = ERR_OK;
    }
    arena_done(&arena);
    return e == ERR_NOMEM ? why_say(why, e, "%s", err_sentence(e)) : e;
}

/* A secret is not said, only that it was changed. */
static enum err note_change(struct sql_tx *tx, const struct conf *conf, const struct setting *row,
                            bool remove, const struct actor *actor)
{
    struct actor as = *actor;
    as.org = 0;
    const char *key = row->key.p + prefix.n;
    struct bytes value = conf_is_secret(conf, key) ? BYTES("********") : row->value;
    const struct event_note note = {
        .type = EVENT_CONFIG_CHANGED,
        .severity = EVENT_WARNING,
        .entity_type = "CONFIG",
        .entity_id = bytes_str(key),
        .title = remove ? "Configuration override taken away" : "Configuration override set",
        .description = remove ? bytes_of(NULL, 0) : value,
    };
    return event_service_append(tx, row->when_ns, &as, &note);
}

static enum err write_row(struct sql_db *db, const struct conf *conf, const struct setting *row,
                          bool remove, const struct actor *actor, struct why *why)
{
    struct arena arena;
    struct setting before;
    struct sql_tx *tx = NULL;
    arena_init(&arena, ROWS_MAX_BYTES);
    enum err e = sql_begin(db, SQL_WRITE, &tx);
    if (!e && remove) e = catalog_settings_get(tx, row->key, &arena, &before);
    if (!e) e = remove ? catalog_settings_remove(tx, row->key) : catalog_settings_put(tx, row);
    if (!e) e = note_change(tx, conf, row, remove, actor);
    if (tx) e = sql_end(tx, e);
    arena_done(&arena);
    if (e == ERR_NOTFOUND) return why_say(why, e, "%.100s has no override", row->key.p + prefix.n);
    return e ? why_say(why, e, "the override cannot be stored: %s", err_sentence(e)) : ERR_OK;
}

enum err overrides_set(struct conf *conf, struct sql_db *db, const struct clock *clock,
                       const char *key, const char *value, const struct actor *actor,
                       struct why *why)
{
    char name[KEY_MAX_BYTES];
    enum err e = value ? conf_check(conf, key, value, why) : ERR_OK;
    if (e) return e;
    int n = snprintf(name, sizeof name, "%s%s", prefix.p, key);
    if (n >= (int)sizeof name) return why_say(why, ERR_NOTFOUND, "that is not a key");
    struct setting row = {bytes_of(name, (size_t)n), bytes_str(value), actor->name,
                          clock_wall_ns(clock)};
    e = write_row(db, conf, &row, !value, actor, why);
    return e ? e : conf_override(conf, key, value, actor->name.p, why);
}

bool overrides_is_row(struct bytes setting)
{
    return setting.n > prefix.n && bytes_equal(bytes_of(setting.p, prefix.n), prefix);
}

enum err overrides_follow(struct conf *conf, struct sql_db *db, struct bytes setting,
                          struct why *why)
{
    struct arena arena;
    struct setting row = {.key = setting};
    struct sql_tx *tx;
    enum err e = sql_begin(db, SQL_READ, &tx);
    if (e) return e;
    arena_init(&arena, ROWS_MAX_BYTES);
    e = sql_end(tx, catalog_settings_get(tx, setting, &arena, &row));
    bool gone = e == ERR_NOTFOUND;
    if (!e || gone) {
        const char *key = text_of(&arena, bytes_of(setting.p + prefix.n, setting.n - prefix.n));
        const char *value = gone ? NULL : text_of(&arena, row.value);
        const char *who = gone ? "system" : text_of(&arena, row.who);
        bool room = key && who && (gone || value);
        e = room ? conf_override(conf, key, value, who, why) : ERR_NOMEM;
    }
    arena_done(&arena);
    return e == ERR_NOTFOUND || e == ERR_INVALID ? ERR_OK : e; /* of another version */
}

enum err overrides_write(const struct conf *conf, struct sql_db *db, struct buf *out,
                         struct why *why)
{
    struct arena arena;
    struct setting *rows = NULL;
    size_t n = 0;
    arena_init(&arena, ROWS_MAX_BYTES);
    enum err e = list_rows(db, &arena, &rows, &n, why);
    if (!e) {
        json_write_key(out, "overrides");
        json_write_open(out, '[');
    }
    for (size_t i = 0; !e && i < n; i++) {
        const char *key = key_of(&arena, &rows[i]);
        if (!key) e = ERR_NOMEM;
        bool secret = key && conf_is_secret(conf, key);
        json_write_open(out, '{');
        json_write_member_text(out, "key", key);
        json_write_member_str(out, "value", secret ? BYTES("********") : rows[i].value);
        json_write_member_str(out, "who", rows[i].who);
        json_write_member_time(out, "at", rows[i].when_ns);
        json_write_close(out, '}');
    }
    if (!e) json_write_close(out, ']');
    arena_done(&arena);
    return e;
}
