#pragma once
/* store/registry_maps.h -- the tables behind store/registry.h.
 *
 *   entry    made with an id and a uuid, once; found again by both, so two threads that learn of
 *            the same row share one entry. Published: it is in the maps of names.
 *   table    the variables of one device: read without a lock. A slot's tag is stored last, with
 *            release, and read first, with acquire; a full table is replaced by a larger copy and
 *            kept, because somebody may still be reading it (the old ones together are smaller).
 *   pages    ids to pointers, 256 to a page, because ids are dense.
 *
 * Threads: functions that change something need the write lock, look-ups the read lock, unless
 * they say otherwise. The maps allocate under the write lock.   Memory: entries are the arena's. */
#include "base/arena.h"
#include "base/map.h"
#include "store/registry.h"
#include "sys/lock.h"

struct variable_table {
    uint32_t cap;                    /* a power of two, at most 3/4 used */
    _Atomic uint32_t *tags;          /* 0 = empty */
    struct reg_variable **variables; /* of the same slots */
};

struct device_entry {
    struct reg_device device;  /* first: a reg_device is its entry */
    uint8_t uuid_key[24];      /* organisation, uuid */
    struct bytes external_key; /* organisation, external id */
    struct variable_table *_Atomic table;
    uint8_t token[32];
    bool has_token, published;
    uint32_t generation;           /* of the news that saw it last */
    _Atomic int64_t saved_seen_ns; /* last_seen_ns as the catalog has it, or older */
    struct reg_variable *last;     /* the end of device.variables */
    struct device_entry *older;    /* of all entries */
};

struct registry {
    struct rwlock lock;
    struct sql_db *db;
    const struct clock *clock;
    struct rnd *rnd;
    const struct limits *limits; /* NULL: none */
    uint64_t seed;
    struct arena arena;
    struct map external, uuid, token; /* of published entries */
    struct map orgs;                  /* organisation -> its published entries by id */
    struct map device_pages, variable_pages;
    struct device_entry *_Atomic newest;
    struct rwlock properties_lock; /* guards properties: device -> what it said last */
    struct map properties;
    _Atomic uint64_t property_ticket;
    uint32_t generation; /* of news; their thread's */
};

struct org_devices {
    uint64_t org;
    struct reg_device **devices; /* in order of id */
    size_t n, cap;
};

void registry_maps_init(struct registry *r);
void registry_maps_done(struct registry *r);

static inline struct device_entry *registry_maps_entry(struct reg_device *d)
{
    return (struct device_entry *)d;
}
/* Writes the key of (org, text) into key and gives it; p == NULL when the text is too long. */
enum { REGISTRY_KEY_MAX = 8 + REGISTRY_EXTERNAL_ID_MAX };
struct bytes registry_maps_key(char key[REGISTRY_KEY_MAX], int64_t org, struct bytes text);

/* What the catalog says of a device; strings are borrowed for the call. */
struct device_row {
    int64_t id, org;
    struct uuid uuid;
    struct bytes external_id;
    int64_t provisioned_by, last_seen_ns;
    int presence;
    bool active;
};
/* The entry of this row, made when it is new; NULL without memory. */
struct reg_device *registry_maps_intern(struct registry *r, const struct device_row *row);
/* Puts it into the maps; again is fine. ERR_EXISTS: the external id leads to another device. */
enum err registry_maps_publish(struct registry *r, struct device_entry *e) MUST_CHECK;
void registry_maps_retire(struct registry *r, struct device_entry *e);
enum err registry_maps_set_token(struct registry *r, struct device_entry *e,
                                 const uint8_t *token_hash) MUST_CHECK;
/* The device's variable of this id and name, made when it is new; NULL without memory. */
struct reg_variable *registry_maps_variable(struct registry *r, struct reg_device *d, int64_t id,
                                            struct bytes name);
/* By internal key, published or not; NULL. */
struct device_entry *registry_maps_device_at(const struct registry *r, int64_t id);
struct reg_variable *registry_maps_variable_at(const struct registry *r, int64_t id);
/* Needs no lock. */
struct reg_variable *registry_maps_find_name(const struct registry *r, struct reg_device *d,
                                             struct bytes name);
