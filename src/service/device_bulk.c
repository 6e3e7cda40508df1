/* Many devices at once (see device_bulk.h). */
#include "service/device_bulk.h"

#include "service/device_labels.h"
#include "service/device_state.h"
#include "service/event_types.h"
#include "store/registry_properties.h"

bool device_bulk_parse(struct bytes name, enum device_operation *ret)
{
    static const char *const names[DEVICE_OPERATIONS] = {
        [DEVICE_DELETE] = "DELETE",
        [DEVICE_ENABLE] = "ENABLE",
        [DEVICE_DISABLE] = "DISABLE",
        [DEVICE_ASSIGN_TAGS] = "ASSIGN_TAGS",
        [DEVICE_REMOVE_TAGS] = "REMOVE_TAGS",
        [DEVICE_ASSIGN_GROUP] = "ASSIGN_GROUP",
        [DEVICE_REMOVE_FROM_GROUP] = "REMOVE_FROM_GROUP",
        [DEVICE_UPDATE_STATUS] = "UPDATE_STATUS",
    };
    for (int i = 0; i < DEVICE_OPERATIONS; i++) {
        if (!bytes_is(name, names[i])) continue;
        *ret = (enum device_operation)i;
        return true;
    }
    return false;
}

/* One run of it. */
struct bulk_run {
    struct device_service *s;
    struct sql_tx *tx;
    const struct actor *actor;
    const struct device_bulk *bulk;
    enum label_kind kind;
    struct label *labels; /* what bulk->labels names */
    size_t label_n;
    struct arena *arena;
};

/* --- labels ----------------------------------------------------------------------------------- */

static bool uses_labels(enum device_operation o)
{
    return o == DEVICE_ASSIGN_TAGS || o == DEVICE_REMOVE_TAGS || o == DEVICE_ASSIGN_GROUP ||
           o == DEVICE_REMOVE_FROM_GROUP;
}

/* A tag that is only named is made to be assigned; to be removed it need not exist. */
static enum err resolve_one(struct bulk_run *r, const struct label *named, struct refusal *refusal)
{
    struct label *at = &r->labels[r->label_n];
    enum err e;
    if (r->bulk->operation == DEVICE_REMOVE_TAGS && !named->id) {
        e = catalog_labels_find_name(r->tx, r->actor->org, r->kind, named->name, r->arena, at);
        if (e == ERR_NOTFOUND) return ERR_OK;
    } else {
        e = device_labels_resolve(r->s, r->tx, r->actor, r->kind, named, r->arena, at, refusal);
    }
    if (!e) r->label_n++;
    return e;
}

static enum err resolve(struct bulk_run *r, struct refusal *refusal)
{
    enum device_operation o = r->bulk->operation;
    const struct label_list *list = &r->bulk->labels;
    if (!uses_labels(o)) return ERR_OK;
    bool tags = o == DEVICE_ASSIGN_TAGS || o == DEVICE_REMOVE_TAGS;
    r->kind = tags ? LABEL_TAG : LABEL_GROUP;
    r->labels = arena_array(r->arena, list->n + 1, sizeof *r->labels);
    enum err e = r->labels ? sql_begin(r->s->db, SQL_WRITE, &r->tx) : ERR_NOMEM;
    if (e) return e;
    for (size_t i = 0; !e && i < list->n; i++) e = resolve_one(r, &list->items[i], refusal);
    return sql_end(r->tx, e);
}

static enum err label_one(struct bulk_run *r, const struct device *d, struct refusal *refusal)
{
    static const char *const titles[LABEL_KINDS][2] = {{"Tags removed", "Tags assigned"},
                                                       {"Removed from a group", "Put in a group"}};
    enum device_operation o = r->bulk->operation;
    bool gives = o == DEVICE_ASSIGN_TAGS || o == DEVICE_ASSIGN_GROUP, any = false;
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < r->label_n; i++) {
        bool changed = false;
        e = gives ? device_labels_add(r->tx, d, &r->labels[i], &changed, refusal)
                  : catalog_labels_remove(r->tx, d->org, d->id, r->labels[i].id, &changed);
        any = any || changed;
    }
    if (!any || (e && e != ERR_LIMIT)) return e;
    enum err noted =
        device_state_event(r->s, r->tx, r->actor, EVENT_DEVICE_UPDATED, titles[r->kind][gives], d);
    return noted ? noted : e; /* a limit is this device's fate, and what it got before stays */
}

/* --- one device ------------------------------------------------------------------------------- */

static enum err activate(struct bulk_run *r, struct device *d, bool active, struct refusal *refusal)
{
    const struct device_change change = {.active_set = true, .active = active};
    return device_state_change(r->s, r->tx, r->actor, d, &change, r->arena, refusal);
}

static enum err do_one(struct bulk_run *r, struct device *d, struct refusal *refusal)
{
    switch (r->bulk->operation) {
    case DEVICE_DELETE:
        return device_state_remove(r->s, r->tx, r->actor, d);
    case DEVICE_ENABLE:
        return activate(r, d, true, refusal);
    case DEVICE_DISABLE:
        return activate(r, d, false, refusal);
    case DEVICE_UPDATE_STATUS:
        return activate(r, d, r->bulk->active, refusal);
    default:
        return label_one(r, d, refusal);
    }
}

/* What is this device's own fault, and leaves the transaction whole. */
static const char *fate_of(struct bulk_run *r, enum err e, const struct refusal *refusal)
{
    if (e == ERR_NOTFOUND) return "There is no such device.";
    if (e == ERR_LIMIT)
        return r->kind == LABEL_TAG ? "The device would have more than 100 tags."
                                    : "The device would be in more than 100 groups.";
    if (e == ERR_INVALID)
        return refusal->why.text[0] ? arena_copy_str(r->arena, refusal->why.text)
                                    : "The device has a field that is not valid.";
    return NULL;
}

static enum err run_one(struct bulk_run *r, struct device_outcome *item, struct device *d)
{
    struct refusal refusal = {.fields = 0};
    *d = (struct device){.id = 0};
    enum err e = device_state_find(r->tx, r->actor->org, item->id, r->arena, d);
    if (!e) e = do_one(r, d, &refusal);
    item->why = NULL;
    if (!e) return ERR_OK;
    d->id = 0; /* nothing to tell the registry */
    item->why = fate_of(r, e, &refusal);
    return item->why ? ERR_OK : e;
}

/* --- a piece ---------------------------------------------------------------------------------- */

static void tell_registry(struct bulk_run *r, uint64_t ticket, const struct device *devices,
                          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!devices[i].id || uses_labels(r->bulk->operation)) continue;
        if (r->bulk->operation == DEVICE_DELETE)
            device_state_gone(r->s, &devices[i]);
        else
            device_state_changed(r->s, ticket, &devices[i]);
    }
}

static enum err run_piece(struct bulk_run *r, struct device_outcome *items, size_t n)
{
    struct device devices[BULK_PIECE];
    enum err e = sql_begin(r->s->db, SQL_WRITE, &r->tx);
    if (e) return e;
    for (size_t i = 0; !e && i < n; i++) e = run_one(r, &items[i], &devices[i]);
    uint64_t ticket = registry_properties_ticket(r->s->registry);
    e = sql_end(r->tx, e);
    if (!e) tell_registry(r, ticket, devices, n);
    return e;
}

enum err device_bulk_run(struct device_service *s, const struct actor *actor,
                         const struct device_bulk *bulk, struct device_outcome *items, size_t n,
                         struct arena *arena, struct refusal *refusal)
{
    struct bulk_run r = {.s = s, .actor = actor, .bulk = bulk, .arena = arena};
    enum err e = resolve(&r, refusal);
    for (size_t at = 0; !e && at < n; at += BULK_PIECE)
        e = run_piece(&r, items + at, n - at < BULK_PIECE ? n - at : BULK_PIECE);
    return e;
}
