/* The tables behind the registry (see registry_maps.h). */
#include "store/registry_maps.h"

#include "base/mem.h"

enum { PAGE_IDS = 256, FIRST_TABLE = 8 };

struct id_page {
    uint64_t number; /* id / PAGE_IDS */
    void *at[PAGE_IDS];
};

void registry_maps_init(struct registry *r)
{
    rwlock_init(&r->lock, LOCK_RANK_REGISTRY);
    rnd_fill(r->rnd, &r->seed, sizeof r->seed);
    arena_init(&r->arena, SIZE_MAX / 2);
    struct map *maps[] = {&r->external, &r->uuid,         &r->token,
                          &r->orgs,     &r->device_pages, &r->variable_pages};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) map_init(maps[i], r->seed);
}

void registry_maps_done(struct registry *r)
{
    struct map_slot *slot;
    for (size_t at = 0; (slot = map_next(&r->orgs, &at));)
        mem_free(((struct org_devices *)slot->value)->devices);
    struct map *maps[] = {&r->external, &r->uuid,         &r->token,
                          &r->orgs,     &r->device_pages, &r->variable_pages};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) map_done(maps[i]);
    arena_done(&r->arena);
    rwlock_done(&r->lock);
}

struct bytes registry_maps_key(char key[REGISTRY_KEY_MAX], int64_t org, struct bytes text)
{
    if (text.n > REGISTRY_EXTERNAL_ID_MAX) return (struct bytes){NULL, 0};
    memcpy(key, &org, sizeof org);
    if (text.n) memcpy(key + sizeof org, text.p, text.n);
    return bytes_of(key, sizeof org + text.n);
}

static void *page_get(const struct map *pages, int64_t id)
{
    uint64_t number = (uint64_t)id / PAGE_IDS;
    const struct id_page *page = map_get(pages, map_u64(&number));
    return page ? page->at[(uint64_t)id % PAGE_IDS] : NULL;
}

static enum err page_put(struct registry *r, struct map *pages, int64_t id, void *value)
{
    uint64_t number = (uint64_t)id / PAGE_IDS;
    struct id_page *page = map_get(pages, map_u64(&number));
    if (!page) {
        if (!(page = arena_zalloc(&r->arena, sizeof *page))) return ERR_NOMEM;
        page->number = number;
        enum err e = map_put(pages, map_u64(&page->number), page);
        if (e) return e;
    }
    page->at[(uint64_t)id % PAGE_IDS] = value;
    return ERR_OK;
}

struct device_entry *registry_maps_device_at(const struct registry *r, int64_t id)
{
    return page_get(&r->device_pages, id);
}

struct reg_variable *registry_maps_variable_at(const struct registry *r, int64_t id)
{
    return page_get(&r->variable_pages, id);
}

struct reg_device *registry_maps_intern(struct registry *r, const struct device_row *row)
{
    struct device_entry *e = registry_maps_device_at(r, row->id);
    /* The same id with another uuid: the first row was rolled back, and the catalog gave its id
     * away. */
    if (e && uuid_equal(&e->device.uuid, &row->uuid)) return &e->device;
    char *key = arena_alloc(&r->arena, REGISTRY_KEY_MAX);
    e = arena_zalloc(&r->arena, sizeof *e);
    if (!e || !key) return NULL;
    e->external_key = registry_maps_key(key, row->org, row->external_id);
    if (!e->external_key.p) return NULL;
    memcpy(e->uuid_key, &row->org, sizeof row->org);
    memcpy(e->uuid_key + sizeof row->org, row->uuid.b, sizeof row->uuid.b);
    e->device.id = row->id;
    e->device.org = row->org;
    e->device.uuid = row->uuid;
    e->device.external_id = bytes_of(key + sizeof row->org, row->external_id.n);
    e->device.provisioned_by = row->provisioned_by;
    atomic_init(&e->device.active, row->active);
    atomic_init(&e->device.last_seen_ns, row->last_seen_ns);
    atomic_init(&e->saved_seen_ns, row->last_seen_ns);
    atomic_init(&e->device.presence, row->presence);
    atomic_init(&e->device.health, -1);
    if (page_put(r, &r->device_pages, row->id, e)) return NULL;
    e->older = atomic_load_explicit(&r->newest, memory_order_relaxed);
    /* Pairs with the acquire of registry_walk(), which walks without the lock. */
    atomic_store_explicit(&r->newest, e, memory_order_release);
    return &e->device;
}

static enum err org_add(struct registry *r, struct reg_device *d)
{
    uint64_t org = (uint64_t)d->org;
    struct org_devices *o = map_get(&r->orgs, map_u64(&org));
    if (!o) {
        if (!(o = arena_zalloc(&r->arena, sizeof *o))) return ERR_NOMEM;
        o->org = org;
        enum err e = map_put(&r->orgs, map_u64(&o->org), o);
        if (e) return e;
    }
    if (o->n == o->cap) {
        size_t cap = o->cap ? o->cap * 2 : 16;
        void *devices = mem_realloc(o->devices, cap * sizeof *o->devices);
        if (!devices) return ERR_NOMEM;
        o->devices = devices;
        o->cap = cap;
    }
    size_t at = o->n++; /* nearly always the last place: ids rise */
    for (; at && o->devices[at - 1]->id > d->id; at--) o->devices[at] = o->devices[at - 1];
    o->devices[at] = d;
    return ERR_OK;
}

static void org_remove(struct registry *r, const struct reg_device *d)
{
    uint64_t org = (uint64_t)d->org;
    struct org_devices *o = map_get(&r->orgs, map_u64(&org));
    size_t at = 0;
    if (!o) return;
    while (at < o->n && o->devices[at] != d) at++;
    if (at == o->n) return;
    o->n--;
    memmove(o->devices + at, o->devices + at + 1, (o->n - at) * sizeof *o->devices);
}

static struct bytes uuid_key(const struct device_entry *e)
{
    return bytes_of(e->uuid_key, sizeof e->uuid_key);
}

enum err registry_maps_publish(struct registry *r, struct device_entry *e)
{
    if (e->published) return ERR_OK;
    if (map_get(&r->external, e->external_key)) return ERR_EXISTS;
    enum err err = map_put(&r->external, e->external_key, e);
    if (!err) err = map_put(&r->uuid, uuid_key(e), e);
    if (!err) err = org_add(r, &e->device);
    if (err) {
        map_remove(&r->external, e->external_key);
        map_remove(&r->uuid, uuid_key(e));
        return err;
    }
    e->published = true;
    return ERR_OK;
}

/* With the lock: whoever came in by it is out (registry_use_token). */
static void drop_token(struct registry *r, struct device_entry *e)
{
    if (e->has_token) map_remove(&r->token, bytes_of(e->token, sizeof e->token));
    e->has_token = false;
    atomic_fetch_add_explicit(&e->device.token_epoch, 1, memory_order_relaxed);
}

void registry_maps_retire(struct registry *r, struct device_entry *e)
{
    drop_token(r, e);
    if (!e->published) return;
    map_remove(&r->external, e->external_key);
    map_remove(&r->uuid, uuid_key(e));
    org_remove(r, &e->device);
    e->published = false;
}

enum err registry_maps_set_token(struct registry *r, struct device_entry *e,
                                 const uint8_t *token_hash)
{
    struct bytes key = bytes_of(e->token, sizeof e->token);
    drop_token(r, e);
    if (!token_hash) return ERR_OK;
    if (map_get(&r->token, bytes_of(token_hash, sizeof e->token))) return ERR_EXISTS;
    memcpy(e->token, token_hash, sizeof e->token);
    enum err err = map_put(&r->token, key, e);
    e->has_token = !err;
    return err;
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)hash | 1; /* 0 is the empty slot */
}

struct reg_variable *registry_maps_find_name(const struct registry *r, struct reg_device *d,
                                             struct bytes name)
{
    const struct variable_table *t =
        atomic_load_explicit(&registry_maps_entry(d)->table, memory_order_acquire);
    if (!t) return NULL;
    uint64_t hash = bytes_hash(name, r->seed);
    uint32_t tag = tag_of(hash), slot = (uint32_t)(hash >> 32) & (t->cap - 1), seen;
    /* Pairs with the release in table_add(): a tag that is seen has its variable behind it. */
    while ((seen = atomic_load_explicit(&t->tags[slot], memory_order_acquire))) {
        if (seen == tag && bytes_equal(t->variables[slot]->name, name)) return t->variables[slot];
        slot = (slot + 1) & (t->cap - 1);
    }
    return NULL;
}

static void table_add(const struct registry *r, struct variable_table *t, struct reg_variable *v)
{
    uint64_t hash = bytes_hash(v->name, r->seed);
    uint32_t slot = (uint32_t)(hash >> 32) & (t->cap - 1);
    while (atomic_load_explicit(&t->tags[slot], memory_order_relaxed))
        slot = (slot + 1) & (t->cap - 1);
    t->variables[slot] = v;
    atomic_store_explicit(&t->tags[slot], tag_of(hash), memory_order_release);
}

/* The device's table with room for one more; a larger one holds what the old one held. */
static struct variable_table *table_with_room(struct registry *r, struct device_entry *e)
{
    struct variable_table *old = atomic_load_explicit(&e->table, memory_order_relaxed);
    uint32_t used = atomic_load_explicit(&e->device.variable_count, memory_order_relaxed);
    if (old && used < old->cap / 4 * 3) return old;
    struct variable_table *t = arena_alloc(&r->arena, sizeof *t);
    uint32_t cap = old ? old->cap * 2 : FIRST_TABLE;
    if (!t) return NULL;
    t->cap = cap;
    t->tags = arena_zalloc(&r->arena, cap * sizeof *t->tags);
    t->variables = arena_alloc(&r->arena, cap * sizeof(struct reg_variable *));
    if (!t->tags || !t->variables) return NULL;
    for (uint32_t i = 0; old && i < old->cap; i++)
        if (atomic_load_explicit(&old->tags[i], memory_order_relaxed))
            table_add(r, t, old->variables[i]);
    atomic_store_explicit(&e->table, t, memory_order_release);
    return t;
}

struct reg_variable *registry_maps_variable(struct registry *r, struct reg_device *d, int64_t id,
                                            struct bytes name)
{
    struct reg_variable *v = registry_maps_find_name(r, d, name);
    if (v) return v;
    struct variable_table *t = table_with_room(r, registry_maps_entry(d));
    v = arena_zalloc(&r->arena, sizeof *v);
    if (!t || !v) return NULL;
    v->name = arena_copy(&r->arena, name);
    if (!v->name.p || page_put(r, &r->variable_pages, id, v)) return NULL;
    v->id = id;
    v->device = d;
    struct device_entry *e = registry_maps_entry(d);
    table_add(r, t, v);
    /* Whoever walks the list does so without the lock: complete first, linked afterwards. */
    if (e->last)
        atomic_store_explicit(&e->last->next, v, memory_order_release);
    else
        atomic_store_explicit(&d->variables, v, memory_order_release);
    e->last = v;
    atomic_fetch_add_explicit(&d->variable_count, 1, memory_order_release);
    return v;
}
