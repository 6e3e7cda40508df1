/* Recommendations, applied and undone (see advice.h). What was there before is kept as three lines:
 * the key, what was set, and what was there, which is missing when there was no override. */
#include "pilot/advice.h"

#include "base/buf.h"
#include "store/catalog_events.h"
#include "store/catalog_settings.h"

enum { TEXT_MAX = 4096, KEY_MAX = 300 };

struct kept {
    struct bytes key, value, before; /* before.p == NULL: there was none */
};

static struct bytes setting_key(struct arena *a, struct bytes id)
{
    const char *text = arena_printf(a, "advice.%.*s", (int)id.n, id.p);
    return bytes_str(text ? text : "");
}

/* The next line of *text, p == NULL when there is none. */
static struct bytes take_line(struct bytes *text)
{
    if (!text->p) return bytes_of(NULL, 0);
    const char *end = memchr(text->p, '\n', text->n);
    struct bytes line = bytes_of(text->p, end ? (size_t)(end - text->p) : text->n);
    *text = end ? bytes_of(end + 1, text->n - line.n - 1) : bytes_of(NULL, 0);
    return line;
}

static enum err read_kept(struct advice *v, struct bytes id, struct arena *a, struct kept *ret)
{
    struct setting s;
    struct sql_tx *tx;
    enum err e = sql_begin(v->db, SQL_READ, &tx);
    if (e) return e;
    e = sql_end(tx, catalog_settings_get(tx, setting_key(a, id), a, &s));
    if (e) return e;
    struct bytes rest = s.value;
    ret->key = take_line(&rest);
    ret->value = take_line(&rest);
    ret->before = take_line(&rest);
    return ret->key.n && ret->value.p ? ERR_OK : ERR_CORRUPT;
}

static const char *text_of(struct arena *a, struct bytes b)
{
    return arena_printf(a, "%.*s", (int)b.n, b.p ? b.p : "");
}

static enum err tell(struct advice *v, struct sql_tx *tx, const char *type, struct bytes id,
                     const struct actor *actor, const char *what)
{
    struct event event = {
        .org = actor->org,
        .type = bytes_str(type),
        .severity = EVENT_INFO,
        .entity_type = BYTES("RECOMMENDATION"),
        .entity_id = id,
        .title = BYTES("Recommendation"),
        .description = bytes_str(what),
        .user = actor->user,
        .actor = actor->name,
        .address = actor->address,
        .request_id = actor->request_id,
        .created_ns = clock_wall_ns(v->clock),
    };
    return catalog_events_append(tx, &event);
}

/* The row with what was there, or its end, and the event. */
static enum err note(struct advice *v, const struct setting *row, bool there, const char *type,
                     struct bytes id, const struct actor *actor, const char *what)
{
    struct sql_tx *tx;
    enum err e = sql_begin(v->db, SQL_WRITE, &tx);
    if (e) return e;
    e = there ? catalog_settings_put(tx, row) : catalog_settings_remove(tx, row->key);
    if (!e) e = tell(v, tx, type, id, actor, what);
    return sql_end(tx, e);
}

/* Its key is still what applying made it. */
static bool is_applied(struct advice *v, struct bytes id, struct arena *a)
{
    struct kept kept;
    struct bytes now;
    bool live;
    if (read_kept(v, id, a, &kept)) return false;
    const char *key = text_of(a, kept.key);
    return key && !v->config.get(v->config.ctx, key, a, &now, &live) && now.p &&
           bytes_equal(now, kept.value);
}

enum err advice_list(struct advice *v, struct arena *a, struct advice_report *ret)
{
    struct recommendation *list = NULL;
    enum err e = watch_gather(v->watch, a, &ret->evidence);
    if (!e) e = recommend_run(&ret->evidence, a, &list, &ret->n);
    if (e) return e;
    ret->score = recommend_score(list, ret->n);
    ret->items = arena_zalloc(a, (ret->n + 1) * sizeof *ret->items);
    if (!ret->items) return ERR_NOMEM;
    for (size_t i = 0; i < ret->n; i++) {
        struct advice_item *item = &ret->items[i];
        struct bytes now;
        item->recommendation = list[i];
        if (!list[i].key || v->config.get(v->config.ctx, list[i].key, a, &now, &item->live))
            continue;
        item->applied = is_applied(v, list[i].id, a);
    }
    return ERR_OK;
}

/* The one of that id that holds now and can be applied while the server runs. */
static enum err find(struct advice *v, struct bytes id, struct arena *a, struct recommendation *ret,
                     struct why *why)
{
    struct advice_report report;
    enum err e = advice_list(v, a, &report);
    if (e) return e;
    for (size_t i = 0; i < report.n; i++) {
        const struct advice_item *item = &report.items[i];
        if (!bytes_equal(item->recommendation.id, id)) continue;
        *ret = item->recommendation;
        if (!ret->key)
            return why_say(why, ERR_IMPOSSIBLE,
                           "this is for a person to do: it is no key of the "
                           "configuration");
        if (!item->live)
            return why_say(why, ERR_IMPOSSIBLE,
                           "%s takes effect with a restart: set it to %.*s by hand", ret->key,
                           (int)ret->value.n, ret->value.p);
        return ERR_OK;
    }
    return ERR_NOTFOUND;
}

enum err advice_apply(struct advice *v, struct bytes id, const struct actor *actor, struct arena *a,
                      struct recommendation *ret, struct why *why)
{
    struct bytes before;
    bool live;
    enum err e = find(v, id, a, ret, why);
    if (!e) e = v->config.get(v->config.ctx, ret->key, a, &before, &live);
    if (e) return e;
    const char *row = arena_printf(a, "%s\n%.*s%s%.*s", ret->key, (int)ret->value.n, ret->value.p,
                                   before.p ? "\n" : "", (int)before.n, before.p ? before.p : "");
    const char *what =
        arena_printf(a, "%s is set to %.*s", ret->key, (int)ret->value.n, ret->value.p);
    const char *value = text_of(a, ret->value);
    if (!row || !what || !value) return ERR_NOMEM;
    struct setting s = {.key = setting_key(a, id),
                        .value = bytes_str(row),
                        .who = actor->name,
                        .when_ns = clock_wall_ns(v->clock)};
    e = note(v, &s, true, EVENT_RECOMMENDATION_APPLIED, id, actor, what);
    return e ? e : v->config.set(v->config.ctx, ret->key, value, actor, why);
}

enum err advice_undo(struct advice *v, struct bytes id, const struct actor *actor, struct arena *a,
                     struct bytes *ret_key, struct bytes *ret_value, struct why *why)
{
    struct kept kept;
    enum err e = read_kept(v, id, a, &kept);
    if (e) return e;
    if (!is_applied(v, id, a))
        return why_say(why, ERR_STALE, "%.*s was set again since; nothing is changed",
                       (int)kept.key.n, kept.key.p);
    const char *key = text_of(a, kept.key);
    const char *before = kept.before.p ? text_of(a, kept.before) : NULL;
    const char *what = arena_printf(a, "%.*s is what it was", (int)kept.key.n, kept.key.p);
    if (!key || !what || (kept.before.p && !before)) return ERR_NOMEM;
    e = v->config.set(v->config.ctx, key, before, actor, why);
    if (e) return e;
    const struct setting s = {.key = setting_key(a, id)};
    *ret_key = kept.key;
    *ret_value = kept.before;
    return note(v, &s, false, EVENT_RECOMMENDATION_UNDONE, id, actor, what);
}
