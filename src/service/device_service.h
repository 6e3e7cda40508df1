#pragma once
/* service/device_service.h -- the devices of an organisation. Every look-up starts with the
 * organisation: a foreign device is ERR_NOTFOUND like a missing one.
 *
 *   change ──> catalog transaction, with its event ── commit ──> registry (what ingest sees)
 *
 * D1  a deleted device is hidden and its token refused from the answer on; its external id is free.
 * D2  an answer never shows an older lastSeenAt than a reading that was acknowledged.
 * Threads: any; every call but status blocks on the catalog.   Memory: copied into the arena.
 * More of the family: device_tokens.h, variable_service.h. */
#include "base/arena.h"
#include "model/actor.h"
#include "model/device.h"
#include "model/device_status.h"
#include "security/tokens.h"
#include "service/refusal.h"
#include "store/catalog_devices.h"
#include "store/registry.h"
#include "store/telemetry.h"

/* Who hangs on devices: rules end with one and come back with it. Set at start; members may be
 * NULL. */
struct device_watcher {
    void *ctx;
    /* In the transaction that deletes it; an error takes it back. */
    enum err (*removing)(void *ctx, struct sql_tx *tx, const struct actor *actor,
                         const struct device *d);
    /* After the commit. d->deleted_ns: 0 when it came back. */
    void (*changed)(void *ctx, const struct device *d);
};

struct device_service {
    struct sql_db *db; /* borrowed, as the rest */
    struct registry *registry;
    struct telemetry *telemetry; /* values of variables */
    const struct clock *clock;
    struct rnd *rnd;
    struct device_watcher watcher;
    const struct limits *limits; /* NULL: none */
};

/* Takes d's external_id and descriptive members, gives the finished device and its token, once.
 * ERR_EXISTS, ERR_LIMIT, ERR_INVALID. */
enum err device_service_create(struct device_service *s, const struct actor *actor,
                               const struct device *given, struct arena *arena, struct device *ret,
                               char ret_token[TOKENS_DEVICE_TEXT + 1],
                               struct refusal *refusal) MUST_CHECK;
/* The same inside a transaction of the caller: after the commit device_service_inserted(), with the
 * ticket that registry_properties_ticket() gave inside it. */
struct device_new {
    struct device device;
    char token[TOKENS_DEVICE_TEXT + 1];
    uint8_t hash[TOKENS_HASH];
};
enum err device_service_insert(struct device_service *s, struct sql_tx *tx,
                               const struct actor *actor, const struct device *given,
                               struct arena *arena, struct device_new *ret,
                               struct refusal *refusal) MUST_CHECK;
enum err device_service_inserted(struct device_service *s, uint64_t ticket,
                                 const struct device_new *made) MUST_CHECK;
/* id: external id, else uuid text. */
enum err device_service_find(struct device_service *s, int64_t org, struct bytes id,
                             struct arena *arena, struct device *ret) MUST_CHECK;

struct device_query {
    struct bytes q;
    bool by_status;
    enum device_status status;
    struct bytes tag; /* only those with this tag; empty: all */
    int64_t group;    /* only those of this group; 0: all */
    bool located;     /* only those that have a latitude and a longitude */
    bool deleted;     /* those that can be restored, and no others */
};
enum err device_service_list(struct device_service *s, int64_t org,
                             const struct device_query *query, const struct catalog_page *page,
                             struct arena *arena, struct device **ret,
                             struct catalog_listing *ret_listing, struct why *why) MUST_CHECK;

/* What to change; a member that is not `set` stays. */
struct device_text {
    bool set;
    struct bytes value; /* p == NULL clears */
};
struct device_place {
    bool set;
    double value; /* NAN clears */
};
struct device_labels {
    bool set;
    struct label_list list; /* all of the kind from now on: by id, or a tag by its name alone */
};
struct device_change {
    struct device_text name, description, location, sensor_type, firmware_version;
    struct device_place latitude, longitude, altitude;
    bool active_set, active;
    struct device_labels tags, groups;
};
enum err device_service_update(struct device_service *s, const struct actor *actor, struct bytes id,
                               const struct device_change *change, struct arena *arena,
                               struct device *ret, struct refusal *refusal) MUST_CHECK;
enum err device_service_delete(struct device_service *s, const struct actor *actor, struct bytes id,
                               struct arena *arena) MUST_CHECK;
/* Back for DEVICE_RESTORABLE_NS after its delete, with everything but its token. id: uuid text, or
 * the external id, which means the one that was deleted last. ERR_NOTFOUND; ERR_EXISTS: the
 * external id was taken meanwhile; ERR_LIMIT. */
#define DEVICE_RESTORABLE_NS (7 * NS_PER_DAY)
enum err device_service_restore(struct device_service *s, const struct actor *actor,
                                struct bytes id, struct arena *arena, struct device *ret,
                                struct refusal *refusal) MUST_CHECK;
