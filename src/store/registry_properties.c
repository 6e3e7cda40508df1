/* What devices say of themselves (see registry_properties.h). The catalog keeps three names as
 * columns and the others as one JSON object of strings; here they are one list. */
#include "store/registry_properties.h"

#include "base/mem.h"
#include "codec/json_text.h"
#include "codec/json_write.h"
#include "store/catalog_devices.h"
#include "store/catalog_rows.h"
#include "store/registry_maps.h"

enum { JSON_MAX = 1 << 20, ARENA_MAX = 1 << 28 };

struct entry {
    uint64_t device; /* the map's key */
    uint64_t ticket;
    size_t n, others;               /* others: without the three columns */
    struct device_property items[]; /* their bytes stand behind them */
};

/* A list while it is made of a row. */
struct list {
    struct device_property items[REGISTRY_PROPERTIES_ALL];
    size_t n, others;
};

static bool is_column(struct bytes name)
{
    return bytes_is(name, "location") || bytes_is(name, "sensor_type") ||
           bytes_is(name, "firmware_version");
}

void registry_properties_init(struct registry *r)
{
    rwlock_init(&r->properties_lock, LOCK_RANK_PROPERTIES);
    map_init(&r->properties, r->seed);
}

void registry_properties_done(struct registry *r)
{
    size_t at = 0;
    for (struct map_slot *s; (s = map_next(&r->properties, &at));) mem_free(s->value);
    map_done(&r->properties);
    rwlock_done(&r->properties_lock);
}

uint64_t registry_properties_ticket(struct registry *r)
{
    return atomic_fetch_add_explicit(&r->property_ticket, 1, memory_order_relaxed) + 1;
}

/* --- lists ------------------------------------------------------------------------------------ */

/* Sets or adds one property; true when the list is another one now. */
static bool list_set(struct list *l, struct device_property p)
{
    size_t i = 0;
    while (i < l->n && !bytes_equal(l->items[i].name, p.name)) i++;
    bool known = i < l->n, other = !is_column(p.name);
    if (known && bytes_equal(l->items[i].value, p.value)) return false;
    if (!known && other && l->others == DEVICE_PROPERTIES_MAX) return false; /* keeps P3 */
    if (!known) l->n++, l->others += other;
    l->items[i] = p;
    return true;
}

static void list_set_column(struct list *l, const char *name, struct bytes value)
{
    if (value.p) list_set(l, (struct device_property){bytes_str(name), value});
}

static enum err list_read_json(struct list *l, struct bytes json, struct arena *a)
{
    struct json_reader reader;
    struct json_token t;
    struct why why = {""};
    json_text_init(&reader, json, a, 1);
    enum err e = json_text_next(&reader, &t, &why);
    while (!e && !(e = json_text_next(&reader, &t, &why)) && t.kind == JSON_KEY) {
        struct bytes name = t.text;
        e = json_text_next(&reader, &t, &why);
        if (!e && t.kind == JSON_STRING) list_set(l, (struct device_property){name, t.text});
    }
    return e == ERR_INVALID ? ERR_CORRUPT : e; /* only we write this column */
}

/* Strings are borrowed from the row, or from the arena. */
static enum err list_read(struct list *l, const struct device *d, struct arena *a)
{
    l->n = l->others = 0;
    list_set_column(l, "location", d->location);
    list_set_column(l, "sensor_type", d->sensor_type);
    list_set_column(l, "firmware_version", d->firmware_version);
    return d->properties.n ? list_read_json(l, d->properties, a) : ERR_OK;
}

/* The other way round; the row borrows from list and arena. */
static enum err list_apply(const struct list *l, struct device *d, struct arena *a)
{
    struct buf b;
    buf_init(&b, JSON_MAX);
    json_write_open(&b, '{');
    for (size_t i = 0; i < l->n; i++) {
        const struct device_property *p = &l->items[i];
        if (bytes_is(p->name, "location")) {
            d->location = p->value;
        } else if (bytes_is(p->name, "sensor_type")) {
            d->sensor_type = p->value;
        } else if (bytes_is(p->name, "firmware_version")) {
            d->firmware_version = p->value;
        } else {
            json_write_key_bytes(&b, p->name);
            json_write_string(&b, p->value);
        }
    }
    json_write_close(&b, '}');
    enum err e = b.err;
    if (!e && l->others) {
        d->properties = arena_copy(a, buf_bytes(&b));
        if (!d->properties.p) e = ERR_NOMEM;
    }
    buf_done(&b);
    return e;
}

/* --- the table -------------------------------------------------------------------------------- */

static struct entry *entry_new(const struct list *l, int64_t device, uint64_t ticket)
{
    size_t text = 0;
    for (size_t i = 0; i < l->n; i++) text += l->items[i].name.n + l->items[i].value.n;
    struct entry *e = mem_alloc(sizeof *e + l->n * sizeof e->items[0] + text);
    if (!e) return NULL;
    *e = (struct entry){(uint64_t)device, ticket, l->n, l->others};
    char *to = (char *)&e->items[l->n];
    for (size_t i = 0; i < l->n; i++) {
        struct bytes name = l->items[i].name, value = l->items[i].value;
        memcpy(to, name.p, name.n);
        e->items[i].name = bytes_of(to, name.n);
        to += name.n;
        if (value.n) memcpy(to, value.p, value.n);
        e->items[i].value = bytes_of(to, value.n);
        to += value.n;
    }
    return e;
}

/* Takes fresh over; NULL forgets the device. */
static void table_put(struct registry *r, uint64_t device, uint64_t ticket, struct entry *fresh)
{
    rwlock_write(&r->properties_lock);
    struct entry *old = map_get(&r->properties, map_u64(&device)), *gone = fresh;
    if (!old || old->ticket < ticket) { /* keeps P1 */
        if (old) map_remove(&r->properties, map_u64(&device));
        bool says = fresh && (fresh->n || old);
        if (says && !map_put(&r->properties, map_u64(&fresh->device), fresh)) gone = NULL;
    } else {
        old = NULL;
    }
    rwlock_release(&r->properties_lock);
    mem_free(old);
    mem_free(gone);
}

void registry_properties_put(struct registry *r, uint64_t ticket, const struct device *d)
{
    struct list l;
    struct arena a;
    arena_init(&a, ARENA_MAX);
    struct entry *fresh = list_read(&l, d, &a) ? NULL : entry_new(&l, d->id, ticket);
    table_put(r, (uint64_t)d->id, ticket, fresh);
    arena_done(&a);
}

static void load_row(struct registry *r, struct catalog_reader *c)
{
    struct device d = {.id = catalog_rows_int(c)};
    d.location = catalog_rows_text(c);
    d.sensor_type = catalog_rows_text(c);
    d.firmware_version = catalog_rows_text(c);
    d.properties = catalog_rows_text(c);
    if (!c->err) registry_properties_put(r, registry_properties_ticket(r), &d);
}

/* Deleted devices too: they may be restored. */
enum err registry_properties_load(struct registry *r, struct sql_tx *tx)
{
    struct sql_cursor *c;
    struct sql_row row;
    enum err e = sql_query(tx,
                           "SELECT id, location, sensor_type, firmware_version, properties "
                           "FROM devices WHERE location IS NOT NULL OR sensor_type IS NOT NULL "
                           "OR firmware_version IS NOT NULL OR properties IS NOT NULL",
                           SQL_NO_ARGS, &c);
    if (e) return e;
    struct arena a;
    arena_init(&a, ARENA_MAX);
    while (!(e = sql_next(c, &row))) {
        struct catalog_reader reader = {.row = &row, .arena = &a};
        load_row(r, &reader);
        if ((e = reader.err)) break;
        arena_reset(&a);
    }
    arena_done(&a);
    sql_finish(c);
    return e == ERR_END ? ERR_OK : e;
}

/* A message names its properties in the same order every time: the search begins where the last
 * one ended. */
static bool entry_holds(const struct entry *e, struct device_property p, size_t *at)
{
    for (size_t i = 0; i < e->n; i++) {
        size_t k = *at + i < e->n ? *at + i : *at + i - e->n;
        if (!bytes_equal(e->items[k].name, p.name)) continue;
        *at = k + 1;
        return bytes_equal(e->items[k].value, p.value);
    }
    return e->others == DEVICE_PROPERTIES_MAX && !is_column(p.name);
}

bool registry_properties_hold(struct registry *r, int64_t device,
                              const struct device_property *said, size_t n)
{
    uint64_t key = (uint64_t)device;
    rwlock_read(&r->properties_lock);
    const struct entry *e = map_get(&r->properties, map_u64(&key));
    bool held = e || !n;
    size_t at = 0;
    for (size_t i = 0; i < n && held; i++) held = entry_holds(e, said[i], &at);
    rwlock_release(&r->properties_lock);
    return held;
}

void registry_properties_members(struct registry *r, int64_t device, struct buf *b)
{
    uint64_t key = (uint64_t)device;
    rwlock_read(&r->properties_lock);
    const struct entry *e = map_get(&r->properties, map_u64(&key));
    for (size_t i = 0; e && i < e->n; i++) {
        json_write_key_bytes(b, e->items[i].name);
        json_write_string(b, e->items[i].value);
    }
    rwlock_release(&r->properties_lock);
}

/* --- what messages say ------------------------------------------------------------------------ */

/* One device of the transaction; *ret stays NULL for a deleted one. */
static enum err write_one(struct registry *r, struct sql_tx *tx, const struct property_change *c,
                          int64_t now_ns, struct arena *a, struct entry **ret)
{
    struct device d;
    struct list l;
    bool changed = false;
    enum err e = catalog_devices_find(tx, c->org, c->device, a, &d);
    if (e) return e == ERR_NOTFOUND ? ERR_OK : e;
    if ((e = list_read(&l, &d, a))) return e;
    for (size_t i = 0; i < c->n; i++) changed |= list_set(&l, c->said[i]);
    d.updated_ns = now_ns;
    if (changed) e = list_apply(&l, &d, a);
    if (!e && changed) e = catalog_devices_set_properties(tx, &d);
    if (e) return e;
    *ret = entry_new(&l, c->device, registry_properties_ticket(r));
    return *ret ? ERR_OK : ERR_NOMEM;
}

enum err registry_properties_write(struct registry *r, const struct property_change *changes,
                                   size_t n, int64_t now_ns)
{
    struct sql_tx *tx;
    struct arena a;
    arena_init(&a, ARENA_MAX);
    struct entry **fresh = arena_zalloc(&a, n * sizeof(struct entry *) + 1);
    enum err e = fresh ? sql_begin(r->db, SQL_WRITE, &tx) : ERR_NOMEM;
    if (!e) {
        for (size_t i = 0; i < n && !e; i++)
            e = write_one(r, tx, &changes[i], now_ns, &a, &fresh[i]);
        e = sql_end(tx, e);
    }
    for (size_t i = 0; fresh && i < n; i++) {
        if (!e && fresh[i])
            table_put(r, fresh[i]->device, fresh[i]->ticket, fresh[i]);
        else
            mem_free(fresh[i]);
    }
    arena_done(&a);
    return e;
}
