#pragma once
/* store/catalog_devices.h -- the devices. What changes here must be told to store/registry.h after
 * the commit (publish, set_token, retire, restore): ingest asks only there. Each call works inside
 * the caller's transaction. Strings that are read are copied into `a`. Errors: those of
 * store/sql.h; ERR_NOTFOUND when there is no such row alive in that organisation. Threads: as the
 * tx. */
#include "base/arena.h"
#include "model/device.h"
#include "store/catalog_page.h"
#include "store/sql.h"

enum { DEVICE_TOKEN_HASH = 32 };

/* Fills d->id. token_hash may be NULL. ERR_EXISTS: the external id is taken in its organisation. */
enum err catalog_devices_insert(struct sql_tx *tx, struct device *d,
                                const uint8_t token_hash[DEVICE_TOKEN_HASH]) MUST_CHECK;
enum err catalog_devices_find(struct sql_tx *tx, int64_t org, int64_t device, struct arena *a,
                              struct device *ret) MUST_CHECK;
enum err catalog_devices_find_external(struct sql_tx *tx, int64_t org, struct bytes external_id,
                                       struct arena *a, struct device *ret) MUST_CHECK;
enum err catalog_devices_find_uuid(struct sql_tx *tx, int64_t org, const struct uuid *uuid,
                                   struct arena *a, struct device *ret) MUST_CHECK;
/* Deleted ones only, for a restore: the one deleted last with that external id, or by uuid. */
enum err catalog_devices_find_deleted(struct sql_tx *tx, int64_t org,
                                      struct bytes external_id_or_uuid, struct arena *a,
                                      struct device *ret) MUST_CHECK;
/* Writes name, description, active, location, sensor_type, firmware_version, latitude, longitude,
 * altitude, properties, updated_ns of the row (d->org, d->id). */
enum err catalog_devices_update(struct sql_tx *tx, const struct device *d) MUST_CHECK;
/* Writes location, sensor_type, firmware_version, properties, updated_ns of the row. */
enum err catalog_devices_set_properties(struct sql_tx *tx, const struct device *d) MUST_CHECK;
/* token_hash NULL removes the token. */
enum err catalog_devices_set_token(struct sql_tx *tx, int64_t org, int64_t device,
                                   const uint8_t token_hash[DEVICE_TOKEN_HASH],
                                   struct bytes display, int64_t now_ns) MUST_CHECK;
enum err catalog_devices_touch_token(struct sql_tx *tx, int64_t org, int64_t device,
                                     int64_t now_ns) MUST_CHECK;
/* Never moves backwards. */
enum err catalog_devices_set_seen(struct sql_tx *tx, int64_t org, int64_t device,
                                  int64_t seen_ns) MUST_CHECK;
/* The status that was told of it last (model of reg_device.presence). ERR_NOTFOUND: no such device,
 * or that was told already. */
enum err catalog_devices_set_presence(struct sql_tx *tx, int64_t org, int64_t device,
                                      int presence) MUST_CHECK;
/* Soft: the token is gone, the external id is free. */
enum err catalog_devices_delete(struct sql_tx *tx, int64_t org, int64_t device,
                                int64_t now_ns) MUST_CHECK;
/* ERR_EXISTS: the external id was taken meanwhile. The token does not come back. */
enum err catalog_devices_restore(struct sql_tx *tx, int64_t org, int64_t device,
                                 int64_t now_ns) MUST_CHECK;
/* With their organisation: all that are alive, tokens kept, and the way back for those that were
 * deleted at that very instant. */
enum err catalog_devices_delete_all(struct sql_tx *tx, int64_t org, int64_t now_ns) MUST_CHECK;
enum err catalog_devices_restore_all(struct sql_tx *tx, int64_t org, int64_t deleted_ns,
                                     int64_t now_ns) MUST_CHECK;
/* Removes the row and its variables for good; only a deleted one. */
enum err catalog_devices_purge(struct sql_tx *tx, int64_t org, int64_t device) MUST_CHECK;
/* Up to `cap` devices deleted before, any organisation, oldest first: (org, id) pairs. */
struct device_key {
    int64_t org, device;
};
enum err catalog_devices_list_purgeable(struct sql_tx *tx, int64_t before_ns,
                                        struct device_key *ret, size_t cap,
                                        size_t *ret_n) MUST_CHECK;
enum err catalog_devices_count(struct sql_tx *tx, int64_t org, int64_t *ret) MUST_CHECK;

struct device_filter {
    struct bytes q; /* part of name or externalId, ASCII case ignored; empty: all */
    bool seen_set;  /* use the next two: last_seen_ns in [seen_from, seen_to) */
    int64_t seen_from_ns, seen_to_ns; /* never seen is 0 */
    bool located;                     /* has latitude and longitude */
    int64_t deleted_after_ns;         /* deleted later than this; 0: the living */
    int64_t labels[LABEL_KINDS];      /* one of each kind that all of them have; 0: any */
};
/* Sorts: id, name, externalId, createdAt, deletedAt, updatedAt, lastSeenAt, location, sensorType,
 * active. */
enum err catalog_devices_list(struct sql_tx *tx, int64_t org, const struct device_filter *filter,
                              const struct catalog_page *page, struct arena *a, struct device **ret,
                              struct catalog_listing *ret_listing, struct why *why) MUST_CHECK;
