#pragma once
/* store/catalog_labels.h -- tags and groups, and which devices have them. Counts and members are of
 * living devices; a deleted one keeps its labels for a restore. Each call works inside the caller's
 * transaction; strings that are read are copied into `a`. Errors: those of store/sql.h;
 * ERR_NOTFOUND when there is no such row of that kind in that organisation. Threads: as the tx. */
#include "base/arena.h"
#include "model/device.h"
#include "store/catalog_page.h"
#include "store/sql.h"

enum {
    LABELS_MAX = 1000,        /* of one kind in one organisation */
    LABELS_PER_DEVICE = 100,  /* of one kind */
    LABEL_MEMBERS_MAX = 1000, /* names of devices in one answer about one label */
};

/* Fills l->id. ERR_EXISTS: the name is taken; look first where the transaction has to go on. */
enum err catalog_labels_insert(struct sql_tx *tx, struct label *l) MUST_CHECK;
enum err catalog_labels_update(struct sql_tx *tx, const struct label *l) MUST_CHECK;
/* With all its memberships. */
enum err catalog_labels_delete(struct sql_tx *tx, int64_t org, enum label_kind kind,
                               int64_t id) MUST_CHECK;
enum err catalog_labels_find(struct sql_tx *tx, int64_t org, enum label_kind kind, int64_t id,
                             struct arena *a, struct label *ret) MUST_CHECK;
enum err catalog_labels_find_name(struct sql_tx *tx, int64_t org, enum label_kind kind,
                                  struct bytes name, struct arena *a, struct label *ret) MUST_CHECK;
/* Sorts: id, name, createdAt; unless said, by name. */
enum err catalog_labels_list(struct sql_tx *tx, int64_t org, enum label_kind kind,
                             const struct catalog_page *page, struct arena *a, struct label **ret,
                             struct catalog_listing *ret_listing, struct why *why) MUST_CHECK;
enum err catalog_labels_count(struct sql_tx *tx, int64_t org, enum label_kind kind,
                              int64_t *ret) MUST_CHECK;

/* Has it already, or never had it: fine, *ret_changed (may be NULL) says so. */
enum err catalog_labels_assign(struct sql_tx *tx, int64_t org, int64_t device, int64_t label,
                               bool *ret_changed) MUST_CHECK;
enum err catalog_labels_remove(struct sql_tx *tx, int64_t org, int64_t device, int64_t label,
                               bool *ret_changed) MUST_CHECK;
/* All of the kind from the device. */
enum err catalog_labels_clear(struct sql_tx *tx, int64_t org, int64_t device,
                              enum label_kind kind) MUST_CHECK;
enum err catalog_labels_count_of(struct sql_tx *tx, int64_t org, int64_t device,
                                 enum label_kind kind, int64_t *ret) MUST_CHECK;
/* Fills tags and groups of n devices of one organisation: one query for each 64 of them. */
enum err catalog_labels_fill(struct sql_tx *tx, int64_t org, struct device *devices, size_t n,
                             struct arena *a) MUST_CHECK;

/* Who has a label: in order of label, then device; at most max rows. label 0: all of the kind. */
struct label_member {
    int64_t label, device;
    struct bytes external_id;
};
enum err catalog_labels_members(struct sql_tx *tx, int64_t org, enum label_kind kind, int64_t label,
                                size_t max, struct arena *a, struct label_member **ret,
                                size_t *ret_n) MUST_CHECK;
/* All of a deleted device, before its row goes. */
enum err catalog_labels_purge_device(struct sql_tx *tx, int64_t org, int64_t device) MUST_CHECK;
