#pragma once
/* service/device_bulk.h -- one operation on many devices, each with its own outcome. They go
 * through the catalog in pieces of BULK_PIECE devices, a transaction each: what was done stays done
 * when a later piece fails, and the lock is not held for all of them.
 * Threads: any; every call blocks on the catalog.   Memory: copied into the arena. */
#include "service/device_service.h"

enum { BULK_MAX = 1000, BULK_PIECE = 100 };

enum device_operation {
    DEVICE_DELETE,
    DEVICE_ENABLE,
    DEVICE_DISABLE,
    DEVICE_ASSIGN_TAGS,
    DEVICE_REMOVE_TAGS,
    DEVICE_ASSIGN_GROUP,
    DEVICE_REMOVE_FROM_GROUP,
    DEVICE_UPDATE_STATUS,
    DEVICE_OPERATIONS
};
/* "ASSIGN_TAGS", …; false for anything else. */
bool device_bulk_parse(struct bytes name, enum device_operation *ret);

struct device_bulk {
    enum device_operation operation;
    struct label_list labels; /* of …_TAGS: by id or name; of …_GROUP: one, by id */
    bool active;              /* of UPDATE_STATUS */
};
/* The fate of one device. */
struct device_outcome {
    struct bytes id; /* in: external id, else uuid text */
    const char *why; /* out: NULL when it was done */
};
/* ERR_NOTFOUND with refusal->missing: a label is not there, and nothing was done. */
enum err device_bulk_run(struct device_service *s, const struct actor *actor,
                         const struct device_bulk *bulk, struct device_outcome *items, size_t n,
                         struct arena *arena, struct refusal *refusal) MUST_CHECK;
