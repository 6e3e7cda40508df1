#pragma once
/* service/device_labels.h -- tags and groups: made, changed, deleted, given to devices. Names are
 * unique in their organisation and kind. A tag that a device is given by name is made when it is
 * not there; a group is named by its id. A foreign one is ERR_NOTFOUND like a missing one.
 * Threads: any; every call blocks on the catalog.   Memory: copied into the arena. */
#include "service/device_service.h"
#include "store/catalog_labels.h"

/* Of given are used kind, name, color, description. ERR_EXISTS, ERR_LIMIT, ERR_INVALID. */
enum err device_labels_create(struct device_service *s, const struct actor *actor,
                              const struct label *given, struct arena *arena, struct label *ret,
                              struct refusal *refusal) MUST_CHECK;
struct label_change {
    struct device_text name, color, description;
};
enum err device_labels_update(struct device_service *s, const struct actor *actor,
                              enum label_kind kind, int64_t id, const struct label_change *change,
                              struct arena *arena, struct label *ret,
                              struct refusal *refusal) MUST_CHECK;
/* Also from every device that has it. */
enum err device_labels_delete(struct device_service *s, const struct actor *actor,
                              enum label_kind kind, int64_t id, struct arena *arena) MUST_CHECK;

/* Labels with the devices that have them: LABEL_MEMBERS_MAX of one, LABELS_MEMBERS_MAX in all; the
 * counts are whole. Members are in order of label; labels by name. */
enum { LABELS_MEMBERS_MAX = 10000 };
struct label_view {
    struct label *labels;
    size_t n;
    struct label_member *members;
    size_t member_n;
};
enum err device_labels_list(struct device_service *s, int64_t org, enum label_kind kind,
                            const struct catalog_page *page, struct arena *arena,
                            struct label_view *ret, struct catalog_listing *ret_listing,
                            struct why *why) MUST_CHECK;
enum err device_labels_find(struct device_service *s, int64_t org, enum label_kind kind, int64_t id,
                            struct arena *arena, struct label_view *ret) MUST_CHECK;
/* All labels of the kind by name, and who has them: for sums over them. ERR_LIMIT past
 * LABELS_MAP_MAX. */
enum { LABELS_MAP_MAX = 200000 };
enum err device_labels_map(struct device_service *s, int64_t org, enum label_kind kind,
                           struct arena *arena, struct label_view *ret) MUST_CHECK;
/* Those of one device; device: external id, else uuid text. */
enum err device_labels_of(struct device_service *s, int64_t org, enum label_kind kind,
                          struct bytes device, struct arena *arena,
                          struct label_view *ret) MUST_CHECK;
/* Gives it to the device, or takes it away; again is fine. refusal->missing: which of the two is
 * not there. */
enum err device_labels_set(struct device_service *s, const struct actor *actor,
                           enum label_kind kind, int64_t id, struct bytes device, bool has,
                           struct arena *arena, struct label_view *ret,
                           struct refusal *refusal) MUST_CHECK;

/* --- for the family, inside a transaction ----------------------------------------------------- */
const char *device_labels_noun(enum label_kind kind); /* "tag", "group" */
/* One that a request names: by id, or a tag by its name, which is made. */
enum err device_labels_resolve(struct device_service *s, struct sql_tx *tx,
                               const struct actor *actor, enum label_kind kind,
                               const struct label *named, struct arena *arena, struct label *ret,
                               struct refusal *refusal) MUST_CHECK;
/* The device has these of the kind and no others. */
enum err device_labels_replace(struct device_service *s, struct sql_tx *tx,
                               const struct actor *actor, const struct device *d,
                               enum label_kind kind, const struct label_list *list,
                               struct arena *arena, struct refusal *refusal) MUST_CHECK;
/* One more; ERR_LIMIT past LABELS_PER_DEVICE. */
enum err device_labels_add(struct sql_tx *tx, const struct device *d, const struct label *label,
                           bool *ret_changed, struct refusal *refusal) MUST_CHECK;
