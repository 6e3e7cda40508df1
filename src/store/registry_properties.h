#pragma once
/* store/registry_properties.h -- what devices say of themselves (location, rack, …), in memory
 * beside the catalog, so that ingest sees in a hundred nanoseconds that a message says nothing new,
 * and a list of newest values needs no catalog.
 *
 *   message ──> hold? ── yes ──> nothing to do
 *                 └ no ──> write: row + said ── commit ──> memory
 *   service ──> ticket (in its transaction) ── commit ──> put
 *
 * P1  memory shows what was committed last: a ticket is drawn inside the transaction, and a put
 *     with an older ticket than what stands there is ignored.
 * P2  the last word wins, whether a message or a person said it; what is not said again stays.
 * P3  a device has three columns (location, sensor_type, firmware_version) and at most
 *     DEVICE_PROPERTIES_MAX other properties; a new name past that is left out.
 * Threads: any; write() blocks on the catalog.   Memory: the registry owns its copies. */
#include "base/buf.h"
#include "model/device.h"
#include "store/registry.h"

enum { REGISTRY_PROPERTIES_ALL = DEVICE_PROPERTIES_MAX + 3 };

/* For registry.c: the empty table, what the catalog has, the end. */
void registry_properties_init(struct registry *r);
enum err registry_properties_load(struct registry *r, struct sql_tx *tx) MUST_CHECK;
void registry_properties_done(struct registry *r);

/* Is all of this what the device said last (or past P3)? */
bool registry_properties_hold(struct registry *r, int64_t device,
                              const struct device_property *said, size_t n);

struct property_change {
    int64_t org, device;
    const struct device_property *said; /* each name once */
    size_t n;
};
/* Merges what was said into the catalog, all in one transaction, and remembers it. A device that
 * was deleted meanwhile is passed over. */
enum err registry_properties_write(struct registry *r, const struct property_change *changes,
                                   size_t n, int64_t now_ns) MUST_CHECK;

/* For who writes a device's row himself: draw the ticket inside the transaction, after the write;
 * put the row after the commit. Without memory the device is forgotten here until it speaks. */
uint64_t registry_properties_ticket(struct registry *r);
void registry_properties_put(struct registry *r, uint64_t ticket, const struct device *d);

/* Appends what the device said as members of a JSON object that is open. */
void registry_properties_members(struct registry *r, int64_t device, struct buf *b);
