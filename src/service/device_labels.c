/* Tags and groups themselves (see device_labels.h). Who has which: device_labels_set.c. */
#include "service/device_labels.h"

#include "service/auth_rules.h"
#include "service/device_state.h"
#include "service/event_types.h"

#include <stdio.h>

static const struct {
    const char *noun, *entity, *limit;
    const char *created, *created_title, *updated, *updated_title, *deleted, *deleted_title;
} words[LABEL_KINDS] = {
    [LABEL_TAG] = {"tag", "DEVICE_TAG", "tags-per-organization", EVENT_DEVICE_TAG_CREATED,
                   "Tag created", EVENT_DEVICE_TAG_UPDATED, "Tag changed", EVENT_DEVICE_TAG_DELETED,
                   "Tag deleted"},
    [LABEL_GROUP] = {"group", "DEVICE_GROUP", "groups-per-organization", EVENT_DEVICE_GROUP_CREATED,
                     "Group created", EVENT_DEVICE_GROUP_UPDATED, "Group changed",
                     EVENT_DEVICE_GROUP_DELETED, "Group deleted"},
};

const char *device_labels_noun(enum label_kind kind)
{
    return words[kind].noun;
}

static enum err note(struct device_service *s, struct sql_tx *tx, const struct actor *actor,
                     const struct label *l, const char *type, const char *title)
{
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)l->id);
    const struct event_note event = {.type = type,
                                     .entity_type = words[l->kind].entity,
                                     .entity_id = bytes_str(id),
                                     .title = title,
                                     .description = l->name,
                                     .org = l->org};
    return event_service_append(tx, clock_wall_ns(s->clock), actor, &event);
}

static bool is_color(struct bytes color)
{
    if (color.n != LABEL_COLOR_TEXT || color.p[0] != '#') return false;
    for (size_t i = 1; i < color.n; i++) {
        char c = color.p[i];
        bool digit = c >= '0' && c <= '9';
        if (!digit && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F')) return false;
    }
    return true;
}

static const char name_rule[] =
    "must have 1 to 100 printable characters without blanks at its ends";

static bool is_name(struct bytes name)
{
    struct bytes trimmed = bytes_trim(name);
    return trimmed.n && trimmed.n == name.n && auth_rules_is_text(name, LABEL_NAME_MAX);
}

static enum err check(const struct label *l, struct refusal *refusal)
{
    if (!is_name(l->name)) refusal_field(refusal, "name", name_rule);
    if (l->color.p && !is_color(l->color)) {
        refusal_field(refusal, "color", "must be # and six hexadecimal digits, as in #3B82F6");
    }
    if (l->description.n && !auth_rules_is_text(l->description, LABEL_DESCRIPTION_MAX)) {
        refusal_field(refusal, "description", "may have 500 printable characters at most");
    }
    return refusal_fields(refusal);
}

/* Looks first: a violated UNIQUE would fail the transaction. ret: the one that has the name. */
static enum err check_name(struct sql_tx *tx, const struct label *l, struct arena *arena,
                           struct refusal *refusal)
{
    struct label other;
    enum err e = catalog_labels_find_name(tx, l->org, l->kind, l->name, arena, &other);
    if (e == ERR_NOTFOUND || (!e && other.id == l->id)) return ERR_OK;
    if (e) return e;
    return why_say(&refusal->why, ERR_EXISTS, "There is a %s %.*s already", words[l->kind].noun,
                   (int)l->name.n, l->name.p);
}

static enum err insert(struct device_service *s, struct sql_tx *tx, const struct actor *actor,
                       struct label *l, struct refusal *refusal)
{
    int64_t used = 0;
    if (l->kind == LABEL_TAG && !l->color.p) l->color = BYTES(LABEL_COLOR_DEFAULT);
    l->created_ns = l->updated_ns = clock_wall_ns(s->clock);
    enum err e = catalog_labels_count(tx, l->org, l->kind, &used);
    if (!e && used >= LABELS_MAX)
        return refusal_limit(refusal, words[l->kind].limit, LABELS_MAX, used);
    if (!e) e = catalog_labels_insert(tx, l);
    return e ? e : note(s, tx, actor, l, words[l->kind].created, words[l->kind].created_title);
}

enum err device_labels_create(struct device_service *s, const struct actor *actor,
                              const struct label *given, struct arena *arena, struct label *ret,
                              struct refusal *refusal)
{
    struct sql_tx *tx;
    struct label l = {.org = actor->org,
                      .kind = given->kind,
                      .name = given->name,
                      .color = given->color,
                      .description = given->description};
    enum err e = check(&l, refusal);
    if (!e) e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = check_name(tx, &l, arena, refusal);
    if (!e) e = insert(s, tx, actor, &l, refusal);
    e = sql_end(tx, e);
    if (!e) *ret = l;
    return e;
}

static enum err update_in(struct device_service *s, struct sql_tx *tx, const struct actor *actor,
                          struct label *l, const struct label_change *change, struct arena *arena,
                          struct refusal *refusal)
{
    if (change->name.set) l->name = change->name.value;
    if (change->color.set) l->color = change->color.value;
    if (l->kind == LABEL_TAG && !l->color.p) l->color = BYTES(LABEL_COLOR_DEFAULT);
    if (change->description.set) l->description = change->description.value;
    l->updated_ns = clock_wall_ns(s->clock);
    enum err e = check(l, refusal);
    if (!e) e = check_name(tx, l, arena, refusal);
    if (!e) e = catalog_labels_update(tx, l);
    return e ? e : note(s, tx, actor, l, words[l->kind].updated, words[l->kind].updated_title);
}

enum err device_labels_update(struct device_service *s, const struct actor *actor,
                              enum label_kind kind, int64_t id, const struct label_change *change,
                              struct arena *arena, struct label *ret, struct refusal *refusal)
{
    struct sql_tx *tx;
    struct label l;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = catalog_labels_find(tx, actor->org, kind, id, arena, &l);
    if (!e) e = update_in(s, tx, actor, &l, change, arena, refusal);
    e = sql_end(tx, e);
    if (!e) *ret = l;
    return e;
}

enum err device_labels_delete(struct device_service *s, const struct actor *actor,
                              enum label_kind kind, int64_t id, struct arena *arena)
{
    struct sql_tx *tx;
    struct label l;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = catalog_labels_find(tx, actor->org, kind, id, arena, &l);
    if (!e) e = catalog_labels_delete(tx, actor->org, kind, id);
    if (!e) e = note(s, tx, actor, &l, words[kind].deleted, words[kind].deleted_title);
    return sql_end(tx, e);
}

static enum err resolve_id(struct sql_tx *tx, int64_t org, enum label_kind kind, int64_t id,
                           struct arena *arena, struct label *ret, struct refusal *refusal)
{
    enum err e = catalog_labels_find(tx, org, kind, id, arena, ret);
    return e == ERR_NOTFOUND ? refusal_missing(refusal, words[kind].noun) : e;
}

enum err device_labels_resolve(struct device_service *s, struct sql_tx *tx,
                               const struct actor *actor, enum label_kind kind,
                               const struct label *named, struct arena *arena, struct label *ret,
                               struct refusal *refusal)
{
    if (named->id) return resolve_id(tx, actor->org, kind, named->id, arena, ret, refusal);
    enum err e = catalog_labels_find_name(tx, actor->org, kind, named->name, arena, ret);
    if (e != ERR_NOTFOUND) return e;
    if (kind != LABEL_TAG) return refusal_missing(refusal, words[kind].noun);
    struct label l = {.org = actor->org, .kind = kind, .name = named->name};
    if (!is_name(l.name)) refusal_field(refusal, "tags", name_rule);
    e = refusal_fields(refusal);
    if (!e) e = insert(s, tx, actor, &l, refusal);
    if (!e) *ret = l;
    return e;
}
