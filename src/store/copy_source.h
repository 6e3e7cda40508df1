#pragma once
/* store/copy_source.h -- what the catalog says there is to copy: devices in the order of their
 * keys, deleted ones that can still come back among them, and their series.
 * Threads: one.   Memory: the caller's struct; mem_free() the array of series. */
#include "store/sql.h"

#include <stdbool.h>

enum { COPY_SOURCE_DEVICES = 256 };

struct copy_device {
    int64_t org, device;
};
struct copy_source {
    struct sql_db *db; /* set by the caller, the rest zero */
    struct copy_device batch[COPY_SOURCE_DEVICES];
    size_t n, at;
    bool ended;
};

/* Devices behind `last`; ERR_END. */
enum err copy_source_next(struct copy_source *s, struct copy_device last,
                          struct copy_device *ret) MUST_CHECK;
/* Ascending. */
enum err copy_source_series(struct sql_db *db, const struct copy_device *d, int64_t **ret,
                            size_t *ret_n) MUST_CHECK;
