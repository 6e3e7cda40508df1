#pragma once
/* ingest/admit.h -- from what a body says to what the store takes: who may send for which device,
 * which series a name is, when it happened.
 *
 * A1  validity is per record: each raw record gets a verdict, the good ones form the record set.
 * A2  a device of another organisation is an unknown one.
 * A3  new devices and variables are durable in the catalog before the set names them.
 * Threads: any.   Memory: the admission lives in the caller's arena. */
#include "base/arena.h"
#include "codec/raw_batch.h"
#include "ingest/retention.h"
#include "model/principal.h"
#include "model/record.h"
#include "store/registry.h"

enum { ADMIT_NEW_DEVICES_MAX = 10000 }; /* of one request: about a second of the catalog */

struct admit_opts {
    struct registry *registry;
    struct sql_db *db;
    struct retention *retention;
    const struct clock *clock;
    bool auto_provision;   /* telemetry.auto-provision.enabled */
    bool token_own_device; /* device.token-scope == device */
};

struct admit_verdict {
    enum err code; /* ERR_OK: it is in the set */
    const char *why;
};

struct admission {
    struct record_set set;
    struct reg_device **devices;     /* of set.records[i] */
    struct admit_verdict *verdicts;  /* of raw->records[i] */
    int64_t *times_ns;               /* of raw->records[i]: the time it was given */
    struct reg_device **raw_devices; /* of raw->records[i]; NULL when refused */
    size_t raw_count, refused;
    struct limits_room room; /* max != 0: a record would have made a device too many */
    int64_t received_ns;
};

struct admit;
enum err admit_new(struct admit **ret, const struct admit_opts *opts) MUST_CHECK;
void admit_free(struct admit *a);

/* path_device: the device of the URL, empty when the body names it. may_block false: ERR_MORE when
 * the catalog is needed (something is new); call again from an executor. ERR_TOOLARGE: more than
 * ADMIT_NEW_DEVICES_MAX devices would be made, none was. Other errors: ERR_NOMEM,
 * or a catalog that does not answer. */
enum err admit_resolve(struct admit *a, const struct principal *who, struct bytes path_device,
                       const struct raw_batch *raw, bool may_block, struct arena *arena,
                       struct admission *ret, struct why *why) MUST_CHECK;

/* After the set is durable: devices were seen. Any thread. */
void admit_note_seen(const struct admission *admission);
