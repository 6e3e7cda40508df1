/* One row of the settings (see takeover.h): "kind source org device group ts points". */
#include "store/takeover.h"

#include "store/catalog_settings.h"

#include <inttypes.h>
#include <stdio.h>

#define KEY BYTES("takeover")

enum { TEXT_MAX = 256, NUMBERS = 5 };

static struct bytes cut_word(struct bytes *rest)
{
    struct bytes word;
    *rest = bytes_cut(*rest, ' ', &word);
    return word;
}

static bool copy_word(char *to, size_t max, struct bytes word)
{
    if (word.n > max) return false;
    memcpy(to, word.p, word.n);
    to[word.n] = 0;
    return true;
}

static bool parse(struct bytes text, struct takeover *ret)
{
    int64_t numbers[NUMBERS];
    struct bytes rest = text;
    bool fine = copy_word(ret->kind, TAKEOVER_KIND_MAX, cut_word(&rest));
    fine = fine && rest.p && copy_word(ret->source, TAKEOVER_SOURCE_MAX, cut_word(&rest));
    for (int i = 0; i < NUMBERS && fine; i++)
        fine = rest.p && bytes_to_i64(cut_word(&rest), &numbers[i]);
    if (!fine) return false;
    ret->org = numbers[0];
    ret->device = numbers[1];
    ret->group = numbers[2];
    ret->ts_ns = numbers[3];
    ret->points = (uint64_t)numbers[4];
    return true;
}

enum err takeover_read(struct sql_tx *tx, struct takeover *ret)
{
    struct arena arena;
    struct setting setting;
    struct takeover t = {.kind = ""};
    arena_init(&arena, 1 << 16);
    enum err e = catalog_settings_get(tx, KEY, &arena, &setting);
    if (!e && !parse(setting.value, &t)) e = ERR_CORRUPT;
    if (e == ERR_NOTFOUND) e = ERR_OK;
    arena_done(&arena);
    if (!e) *ret = t;
    return e;
}

enum err takeover_write(struct sql_tx *tx, const struct takeover *t, int64_t now_ns)
{
    char text[TEXT_MAX];
    snprintf(text, sizeof text, "%s %s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRIu64,
             t->kind, t->source, t->org, t->device, t->group, t->ts_ns, t->points);
    const struct setting setting = {KEY, bytes_str(text), bytes_str(t->kind), now_ns};
    return catalog_settings_put(tx, &setting);
}

enum err takeover_save(struct sql_db *db, const struct takeover *t, int64_t now_ns)
{
    struct sql_tx *tx;
    enum err e = sql_begin(db, SQL_WRITE, &tx);
    return e ? e : sql_end(tx, takeover_write(tx, t, now_ns));
}

enum err takeover_remove(struct sql_tx *tx)
{
    return catalog_settings_remove(tx, KEY);
}

enum err takeover_refuse(struct sql_db *db, struct why *why)
{
    struct sql_tx *tx;
    struct takeover t;
    enum err e = sql_begin(db, SQL_READ, &tx);
    if (!e) e = sql_end(tx, takeover_read(tx, &t));
    if (e) return why_say(why, e, "the catalog: %s", err_sentence(e));
    if (!t.kind[0]) return ERR_OK;
    return why_say(why, ERR_CONFLICT,
                   "this store is being filled by `%s`, which has not ended; run that command "
                   "again, it goes on where it was",
                   bytes_is(bytes_str(t.kind), "legacy") ? "sensorvision import legacy"
                                                         : "sensorvision move");
}
