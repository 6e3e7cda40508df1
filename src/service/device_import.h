#pragma once
/* service/device_import.h -- devices from a table: made when the external id is not there, else
 * changed, each row with its own outcome. Rows go through the catalog in pieces of BULK_PIECE, a
 * transaction each. A device that is made here has no token; one is generated when it is needed.
 * Threads: any; every call blocks on the catalog.   Memory: copied into the arena. */
#include "service/device_service.h"

enum { IMPORT_ROWS_MAX = 10000 };

struct device_import_row {
    struct bytes external_id;
    struct device_change change; /* what the row says; the rest stays */
    uint64_t line;
    const char *why; /* in: NULL, or why the row cannot be read; out: NULL when it was done */
    bool created;    /* out */
    bool limited;    /* out: refused, the organisation has as many devices as it may */
};
enum err device_import_run(struct device_service *s, const struct actor *actor,
                           struct device_import_row *rows, size_t n,
                           struct arena *arena) MUST_CHECK;
