#pragma once
/* store/catalog_synthetics.h -- synthetic variables, and how far those of a device have been
 * computed. One whose device is deleted is in no answer, and comes back when the device does. Each
 * call works inside the caller's transaction. Strings that are read are copied into `a`.
 * Errors: those of store/sql.h; ERR_NOTFOUND when there is no such row in that organisation.
 * Threads: as the tx. */
#include "base/arena.h"
#include "model/synthetic.h"
#include "store/catalog_page.h"
#include "store/sql.h"

/* Fills s->id. */
enum err catalog_synthetics_insert(struct sql_tx *tx, struct synthetic *s) MUST_CHECK;
enum err catalog_synthetics_find(struct sql_tx *tx, int64_t org, const struct uuid *uuid,
                                 struct arena *a, struct synthetic *ret) MUST_CHECK;
/* Writes expression, enabled and updated_ns of the row (org, id). */
enum err catalog_synthetics_update(struct sql_tx *tx, const struct synthetic *s) MUST_CHECK;
enum err catalog_synthetics_delete(struct sql_tx *tx, int64_t org, int64_t id) MUST_CHECK;
enum err catalog_synthetics_count(struct sql_tx *tx, int64_t org, int64_t *ret) MUST_CHECK;
/* Is that variable one? ERR_NOTFOUND: no. */
enum err catalog_synthetics_find_series(struct sql_tx *tx, int64_t org, int64_t device,
                                        int64_t series, struct arena *a,
                                        struct synthetic *ret) MUST_CHECK;

struct synthetic_filter {
    struct bytes q; /* part of the name, ASCII case ignored; empty: all */
    int64_t device; /* 0 = any */
    int enabled;    /* -1 = any */
};
/* Sorts: id, name, createdAt, updatedAt, enabled. */
enum err catalog_synthetics_list(struct sql_tx *tx, int64_t org,
                                 const struct synthetic_filter *filter,
                                 const struct catalog_page *page, struct arena *a,
                                 struct synthetic **ret, struct catalog_listing *ret_listing,
                                 struct why *why) MUST_CHECK;
/* All of a device, deleted or not, by id. */
enum err catalog_synthetics_list_device(struct sql_tx *tx, int64_t org, int64_t device,
                                        struct arena *a, struct synthetic **ret,
                                        size_t *ret_n) MUST_CHECK;
/* All of the next `devices` devices that have some, of any organisation, in order of device. */
enum err catalog_synthetics_load(struct sql_tx *tx, int64_t after_device, size_t devices,
                                 struct arena *a, struct synthetic **ret, size_t *ret_n) MUST_CHECK;

/* What is newer than this may not have been computed; ERR_NOTFOUND: nothing is saved. */
enum err catalog_synthetics_position(struct sql_tx *tx, int64_t org, int64_t device,
                                     int64_t *ret_ns) MUST_CHECK;
enum err catalog_synthetics_set_position(struct sql_tx *tx, int64_t org, int64_t device,
                                         int64_t position_ns) MUST_CHECK;
/* All of a deleted device, before its row goes. */
enum err catalog_synthetics_purge_device(struct sql_tx *tx, int64_t org, int64_t device) MUST_CHECK;
