/* Which devices have which tags and groups (see device_labels.h). */
#include "service/device_labels.h"
#include "service/device_state.h"
#include "service/event_types.h"

/* --- in the transaction ----------------------------------------------------------------------- */

static enum err check_room(enum label_kind kind, size_t n, struct refusal *refusal)
{
    static const char *const limits[LABEL_KINDS] = {"tags-per-device", "groups-per-device"};
    if (n < LABELS_PER_DEVICE) return ERR_OK;
    return refusal_limit(refusal, limits[kind], LABELS_PER_DEVICE, (int64_t)n);
}

enum err device_labels_add(struct sql_tx *tx, const struct device *d, const struct label *label,
                           bool *ret_changed, struct refusal *refusal)
{
    int64_t used = 0;
    enum err e = catalog_labels_assign(tx, d->org, d->id, label->id, ret_changed);
    if (!e && *ret_changed) e = catalog_labels_count_of(tx, d->org, d->id, label->kind, &used);
    if (e || used <= LABELS_PER_DEVICE) return e;
    *ret_changed = false; /* taken back, so that the transaction can go on */
    e = catalog_labels_remove(tx, d->org, d->id, label->id, NULL);
    return e ? e : check_room(label->kind, (size_t)used - 1, refusal);
}

enum err device_labels_replace(struct device_service *s, struct sql_tx *tx,
                               const struct actor *actor, const struct device *d,
                               enum label_kind kind, const struct label_list *list,
                               struct arena *arena, struct refusal *refusal)
{
    struct label label;
    enum err e = list->n > LABELS_PER_DEVICE ? check_room(kind, list->n, refusal) : ERR_OK;
    if (!e) e = catalog_labels_clear(tx, d->org, d->id, kind);
    for (size_t i = 0; !e && i < list->n; i++) {
        e = device_labels_resolve(s, tx, actor, kind, &list->items[i], arena, &label, refusal);
        if (!e) e = catalog_labels_assign(tx, d->org, d->id, label.id, NULL);
    }
    return e;
}

/* --- one device, one label -------------------------------------------------------------------- */

static enum err view_one(struct sql_tx *tx, int64_t org, enum label_kind kind, int64_t id,
                         struct arena *arena, struct label_view *ret)
{
    struct label_view v = {.labels = arena_alloc(arena, sizeof *v.labels), .n = 1};
    if (!v.labels) return ERR_NOMEM;
    enum err e = catalog_labels_find(tx, org, kind, id, arena, v.labels);
    if (!e)
        e = catalog_labels_members(tx, org, kind, id, LABEL_MEMBERS_MAX, arena, &v.members,
                                   &v.member_n);
    if (!e) *ret = v;
    return e;
}

static enum err set_in(struct device_service *s, struct sql_tx *tx, const struct actor *actor,
                       const struct label *label, struct bytes device, bool has,
                       struct arena *arena, struct refusal *refusal)
{
    static const char *const titles[LABEL_KINDS][2] = {{"Tag removed", "Tag assigned"},
                                                       {"Removed from a group", "Put in a group"}};
    struct device d;
    bool changed = false;
    enum err e = device_state_find(tx, actor->org, device, arena, &d);
    if (e == ERR_NOTFOUND) return refusal_missing(refusal, "device");
    if (e) return e;
    e = has ? device_labels_add(tx, &d, label, &changed, refusal)
            : catalog_labels_remove(tx, d.org, d.id, label->id, &changed);
    if (e || !changed) return e;
    return device_state_event(s, tx, actor, EVENT_DEVICE_UPDATED, titles[label->kind][has], &d);
}

enum err device_labels_set(struct device_service *s, const struct actor *actor,
                           enum label_kind kind, int64_t id, struct bytes device, bool has,
                           struct arena *arena, struct label_view *ret, struct refusal *refusal)
{
    struct sql_tx *tx;
    struct label label;
    enum err e = sql_begin(s->db, SQL_WRITE, &tx);
    if (e) return e;
    e = catalog_labels_find(tx, actor->org, kind, id, arena, &label);
    if (!e) e = set_in(s, tx, actor, &label, device, has, arena, refusal);
    if (!e) e = view_one(tx, actor->org, kind, id, arena, ret);
    return sql_end(tx, e);
}

/* --- reading ---------------------------------------------------------------------------------- */

enum err device_labels_find(struct device_service *s, int64_t org, enum label_kind kind, int64_t id,
                            struct arena *arena, struct label_view *ret)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    return e ? e : sql_end(tx, view_one(tx, org, kind, id, arena, ret));
}

static enum err list_in(struct sql_tx *tx, int64_t org, enum label_kind kind,
                        const struct catalog_page *page, struct arena *arena, struct label_view *v,
                        struct catalog_listing *listing, struct why *why)
{
    enum err e = catalog_labels_list(tx, org, kind, page, arena, &v->labels, listing, why);
    if (!e)
        e = catalog_labels_members(tx, org, kind, 0, LABELS_MEMBERS_MAX, arena, &v->members,
                                   &v->member_n);
    v->n = listing->count;
    return e;
}

enum err device_labels_list(struct device_service *s, int64_t org, enum label_kind kind,
                            const struct catalog_page *page, struct arena *arena,
                            struct label_view *ret, struct catalog_listing *ret_listing,
                            struct why *why)
{
    struct sql_tx *tx;
    struct label_view v = {.n = 0};
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (!e) e = sql_end(tx, list_in(tx, org, kind, page, arena, &v, ret_listing, why));
    if (!e) *ret = v;
    return e;
}

enum err device_labels_map(struct device_service *s, int64_t org, enum label_kind kind,
                           struct arena *arena, struct label_view *ret)
{
    struct sql_tx *tx;
    struct label_view v = {.n = 0};
    struct catalog_listing listing = {0};
    const struct catalog_page all = {.size = LABELS_MAX, .no_total = true};
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_labels_list(tx, org, kind, &all, arena, &v.labels, &listing, NULL);
    if (!e)
        e = catalog_labels_members(tx, org, kind, 0, LABELS_MAP_MAX + 1, arena, &v.members,
                                   &v.member_n);
    e = sql_end(tx, e);
    if (!e && v.member_n > LABELS_MAP_MAX) return ERR_LIMIT;
    v.n = listing.count;
    if (!e) *ret = v;
    return e;
}

static bool has_label(const struct label_list *list, int64_t id)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i].id == id) return true;
    return false;
}

enum err device_labels_of(struct device_service *s, int64_t org, enum label_kind kind,
                          struct bytes device, struct arena *arena, struct label_view *ret)
{
    struct sql_tx *tx;
    struct device d;
    struct label_view v = {.n = 0};
    struct catalog_listing listing = {0};
    const struct catalog_page all = {.size = LABELS_MAX, .no_total = true};
    enum err e = sql_begin(s->db, SQL_READ, &tx);
    if (e) return e;
    e = device_state_find(tx, org, device, arena, &d);
    if (!e) e = catalog_labels_fill(tx, org, &d, 1, arena);
    if (!e) e = list_in(tx, org, kind, &all, arena, &v, &listing, NULL);
    e = sql_end(tx, e);
    if (e) return e;
    const struct label_list *own = kind == LABEL_TAG ? &d.tags : &d.groups;
    size_t kept = 0;
    for (size_t i = 0; i < v.n; i++)
        if (has_label(own, v.labels[i].id)) v.labels[kept++] = v.labels[i];
    v.n = kept;
    *ret = v;
    return ERR_OK;
}
