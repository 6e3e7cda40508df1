/* What messages say of their devices: location and the like of JSON's metadata, property tags of
 * line protocol. One pass finds out whether a body says anything new; only then all that it says of
 * those devices is gathered, the last word of each, and written. */
#include "base/map.h"
#include "ingest/admit_internal.h"
#include "store/registry_properties.h"

enum {
    SAID_MAX = 3 + RAW_PROPERTIES_MAX,
    WRITE_AT_ONCE = 512 /* devices in one transaction: others wait for the catalog */
};

/* The properties of record i. */
static size_t list_said(const struct raw_batch *raw, size_t i, struct device_property *ret)
{
    const struct raw_record *record = &raw->records[i];
    size_t n = 0;
    if (record->location.p)
        ret[n++] = (struct device_property){BYTES("location"), record->location};
    if (record->sensor_type.p)
        ret[n++] = (struct device_property){BYTES("sensor_type"), record->sensor_type};
    if (record->firmware_version.p)
        ret[n++] = (struct device_property){BYTES("firmware_version"), record->firmware_version};
    for (size_t k = 0; k < record->property_count && n < SAID_MAX; k++) {
        const struct raw_property *p = &raw->properties[record->first_property + k];
        ret[n++] = (struct device_property){p->name, p->value};
    }
    return n;
}

static inline bool says_something(const struct raw_record *raw)
{
    return raw->property_count || raw->location.p || raw->sensor_type.p || raw->firmware_version.p;
}

bool admit_properties_changed(const struct resolve *r, const struct reg_device *d, size_t i)
{
    struct device_property said[SAID_MAX];
    if (!says_something(&r->raw->records[i])) return false;
    size_t n = list_said(r->raw, i, said);
    return !registry_properties_hold(r->a->opts.registry, d->id, said, n);
}

/* What the body says of one device. */
struct said_list {
    uint64_t device; /* the map's key */
    struct device_property *items;
    size_t n, cap;
};

/* The devices of which the body says something new, in order of appearance. */
struct gathering {
    struct map by_device;            /* device -> its list */
    struct said_list *lists;         /* in the arena, as the changes */
    struct property_change *changes; /* of the same devices */
    size_t n;
};

static struct reg_device *device_of(const struct resolve *r, size_t i)
{
    if (r->out->verdicts[i].code || !says_something(&r->raw->records[i])) return NULL;
    return registry_find_device(r->a->opts.registry, r->who->org, admit_id_of(r, i));
}

static struct said_list *list_of(const struct gathering *g, const struct reg_device *d)
{
    uint64_t key = d ? (uint64_t)d->id : 0;
    return d ? map_get(&g->by_device, map_u64(&key)) : NULL;
}

static enum err add_device(struct gathering *g, const struct reg_device *d)
{
    if (list_of(g, d)) return ERR_OK;
    struct said_list *l = &g->lists[g->n];
    *l = (struct said_list){.device = (uint64_t)d->id};
    g->changes[g->n++] = (struct property_change){.org = d->org, .device = d->id};
    return map_put(&g->by_device, map_u64(&l->device), l);
}

static enum err find_devices(struct resolve *r, struct gathering *g)
{
    size_t n = 0;
    for (size_t i = 0; i < r->raw->record_count; i++) n += r->wants[i];
    g->lists = arena_array(r->arena, n, sizeof *g->lists);
    g->changes = arena_array(r->arena, n, sizeof *g->changes);
    enum err e = g->lists && g->changes ? ERR_OK : ERR_NOMEM;
    for (size_t i = 0; i < r->raw->record_count && !e; i++) {
        const struct reg_device *d = r->wants[i] ? device_of(r, i) : NULL;
        if (d && admit_properties_changed(r, d, i)) e = add_device(g, d);
    }
    return e;
}

/* Room for what all records say, the device's other records included. */
static enum err make_room(struct resolve *r, struct gathering *g)
{
    struct device_property said[SAID_MAX];
    for (size_t i = 0; i < r->raw->record_count; i++) {
        struct said_list *l = list_of(g, device_of(r, i));
        if (l) l->cap += list_said(r->raw, i, said);
    }
    for (size_t i = 0; i < g->n; i++) {
        struct said_list *l = &g->lists[i];
        if (l->cap > REGISTRY_PROPERTIES_ALL) l->cap = REGISTRY_PROPERTIES_ALL;
        l->items = arena_array(r->arena, l->cap, sizeof *l->items);
        if (!l->items) return ERR_NOMEM;
    }
    return ERR_OK;
}

/* The later record's word counts. */
static void merge_said(struct said_list *l, const struct device_property *said, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < l->n && !bytes_equal(l->items[k].name, said[i].name)) k++;
        if (k == l->cap) continue;
        l->items[k] = said[i];
        if (k == l->n) l->n++;
    }
}

static enum err gather_said(struct resolve *r, struct gathering *g)
{
    struct device_property said[SAID_MAX];
    enum err e = make_room(r, g);
    if (e) return e;
    for (size_t i = 0; i < r->raw->record_count; i++) {
        struct said_list *l = list_of(g, device_of(r, i));
        if (l) merge_said(l, said, list_said(r->raw, i, said));
    }
    for (size_t i = 0; i < g->n; i++) {
        g->changes[i].said = g->lists[i].items;
        g->changes[i].n = g->lists[i].n;
    }
    return ERR_OK;
}

enum err admit_properties_write(struct resolve *r)
{
    struct gathering g = {.n = 0};
    map_init(&g.by_device, 0);
    enum err e = find_devices(r, &g);
    if (!e && g.n) e = gather_said(r, &g);
    for (size_t at = 0; at < g.n && !e; at += WRITE_AT_ONCE) {
        size_t n = g.n - at < WRITE_AT_ONCE ? g.n - at : WRITE_AT_ONCE;
        e = registry_properties_write(r->a->opts.registry, &g.changes[at], n, r->now_ns);
    }
    map_done(&g.by_device);
    return e;
}
