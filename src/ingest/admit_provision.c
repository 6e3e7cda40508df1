/* What is new: devices and variables that a body names for the first time are made in the catalog,
 * one item for each device, all in one transaction. */
#include "base/map.h"
#include "ingest/admit_internal.h"

/* One item for each device that the body wants something made of. */
struct plan {
    struct provision *items;
    uint32_t *first; /* of items[i]: its first record + 1 … */
    uint32_t *next;  /* of a record: the next one of the same item + 1, 0 at the end */
    size_t n;
    struct map by_id; /* id -> item */
};

static enum err plan_alloc(struct resolve *r, struct plan *p, size_t devices)
{
    map_init(&p->by_id, 0);
    p->items = arena_array(r->arena, devices, sizeof *p->items);
    p->first = arena_array(r->arena, devices, sizeof *p->first);
    p->next = arena_array(r->arena, r->raw->record_count, sizeof *p->next);
    return p->items && p->first && p->next ? ERR_OK : ERR_NOMEM;
}

/* Chains record i to the item of its device, which is made when it is the first one. */
static enum err plan_record(struct resolve *r, struct plan *p, size_t i)
{
    struct bytes id = admit_id_of(r, i);
    struct provision *item = map_get(&p->by_id, id);
    if (!item) {
        item = &p->items[p->n++];
        *item = (struct provision){
            .org = r->who->org,
            .external_id = id,
            .device = registry_find_device(r->a->opts.registry, r->who->org, id),
            .by_device = r->who->kind == PRINCIPAL_DEVICE ? r->who->device->id : 0,
            .actor = r->who->as,
            .create_device = true,
        };
        enum err e = map_put(&p->by_id, id, item);
        if (e) return e;
    }
    uint32_t *first = &p->first[item - p->items];
    p->next[i] = *first;
    *first = (uint32_t)i + 1;
    return ERR_OK;
}

/* From the last record to the first, so that each chain runs forward. */
static enum err plan_devices(struct resolve *r, struct plan *p)
{
    enum err e = ERR_OK;
    for (size_t i = r->raw->record_count; i-- && !e;)
        if (r->wants[i]) e = plan_record(r, p, i);
    return e;
}

/* Gives one item every name its records use, each once. */
static enum err plan_names_of(struct resolve *r, const struct plan *p, size_t item,
                              struct bytes *names, size_t *ret_n)
{
    struct map seen;
    map_init(&seen, 0);
    enum err e = ERR_OK;
    size_t n = 0;
    for (uint32_t i = p->first[item]; i && !e; i = p->next[i - 1]) {
        const struct raw_record *raw = &r->raw->records[i - 1];
        for (uint32_t k = 0; k < raw->count && !e; k++) {
            struct bytes name = r->raw->values[raw->first + k].name;
            if (map_get(&seen, name)) continue;
            e = map_put(&seen, name, &p->items[item]);
            names[n++] = name;
        }
    }
    map_done(&seen);
    *ret_n = n;
    return e;
}

static enum err plan_names(struct resolve *r, struct plan *p, struct bytes *names,
                           struct reg_variable **variables)
{
    for (size_t i = 0; i < p->n; i++) {
        size_t n = 0;
        enum err e = plan_names_of(r, p, i, names, &n);
        if (e) return e;
        p->items[i].names = names;
        p->items[i].name_count = n;
        p->items[i].variables = variables;
        names += n;
        variables += n;
    }
    return ERR_OK;
}

static const char *provision_why(enum err e)
{
    switch (e) {
    case ERR_FORBIDDEN:
        return "this device was deleted less than 24 hours ago; restore it first";
    case ERR_LIMIT:
        return "this device has as many variables as a device may have";
    case ERR_NOTFOUND:
        return "no such device";
    default:
        return NULL;
    }
}

/* Its records get the verdict, and the item is dropped. */
static void drop_item(struct resolve *r, struct plan *p, size_t at, enum err code, const char *why)
{
    for (uint32_t i = p->first[at]; i; i = p->next[i - 1])
        r->out->verdicts[i - 1] = (struct admit_verdict){code, why};
    p->items[at] = p->items[--p->n];
    p->first[at] = p->first[p->n];
}

/* Turns the catalog's refusal of one item into verdicts of its records, and drops the item. */
static bool refuse_item(struct resolve *r, struct plan *p, size_t at, enum err code)
{
    const char *why = provision_why(code);
    if (!why || at >= p->n) return false;
    drop_item(r, p, at, code, why);
    return true;
}

/* All that do not fit in one pass: one by one would be a transaction for each of them. */
static bool refuse_unroomed(struct resolve *r, struct plan *p, size_t at)
{
    if (at >= p->n || !p->items[at].room.max) return false;
    const struct limits_room room = p->items[at].room;
    int64_t fit = room.max > room.used ? room.max - room.used : 0;
    r->out->room = room;
    for (size_t i = 0; i < p->n;) {
        if (p->items[i].device || fit-- > 0)
            i++;
        else
            drop_item(r, p, i, ERR_LIMIT,
                      "your organisation has as many devices as it may "
                      "(pilot.max-devices-per-org)");
    }
    return true;
}

static bool has_room(const struct resolve *r, const struct provision *item)
{
    if (!item->device) return item->name_count <= REGISTRY_VARIABLES_PER_DEVICE;
    size_t all = atomic_load(&item->device->variable_count);
    for (size_t i = 0; i < item->name_count; i++)
        all += !registry_find_variable(r->a->opts.registry, item->device, item->names[i]);
    return all <= REGISTRY_VARIABLES_PER_DEVICE;
}

/* Before the catalog is asked: it would insert the names first and hold every other writer up. */
static void refuse_overfull(struct resolve *r, struct plan *p)
{
    for (size_t i = p->n; i--;)
        if (!has_room(r, &p->items[i])) refuse_item(r, p, i, ERR_LIMIT);
}

static enum err make_all(struct resolve *r, struct plan *p, struct why *why)
{
    refuse_overfull(r, p);
    while (p->n) {
        size_t at = SIZE_MAX;
        enum err e = registry_provision(r->a->opts.registry, p->items, p->n, &at, why);
        if (!e) return ERR_OK;
        if (e == ERR_LIMIT && refuse_unroomed(r, p, at)) continue;
        if (!refuse_item(r, p, at, e)) return e;
    }
    return ERR_OK;
}

static enum err check_new_devices(const struct plan *p, struct why *why)
{
    size_t fresh = 0;
    for (size_t i = 0; i < p->n; i++) fresh += p->items[i].device == NULL;
    if (fresh <= ADMIT_NEW_DEVICES_MAX) return ERR_OK;
    return why_say(why, ERR_TOOLARGE,
                   "this request would make %zu new devices; one request makes %d at most, send it "
                   "in parts",
                   fresh, ADMIT_NEW_DEVICES_MAX);
}

enum err admit_provision(struct resolve *r, struct why *why)
{
    size_t wanting = 0, names = 0;
    for (size_t i = 0; i < r->raw->record_count; i++)
        if (r->wants[i]) wanting++, names += r->raw->records[i].count;
    struct bytes *name_room = arena_array(r->arena, names, sizeof *name_room);
    struct reg_variable **variable_room =
        arena_array(r->arena, names, sizeof(struct reg_variable *));
    if (!name_room || !variable_room) return ERR_NOMEM;
    struct plan p = {0};
    enum err e = plan_alloc(r, &p, wanting);
    if (!e) e = plan_devices(r, &p);
    if (!e) e = check_new_devices(&p, why);
    if (!e) e = plan_names(r, &p, name_room, variable_room);
    map_done(&p.by_id);
    if (!e) e = make_all(r, &p, why);
    if (!e) e = admit_properties_write(r);
    r->properties_written = true;
    return e;
}
