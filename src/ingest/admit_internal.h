#pragma once
/* ingest/admit_internal.h -- what admit.c and admit_provision.c share: one resolution under way.
 * Threads: owner only, but struct admit itself is any.   Memory: arena of the request. */
#include "base/map.h"
#include "ingest/admit.h"
#include "sys/lock.h"

struct admit {
    struct admit_opts opts;
    struct lock lock;      /* guards properties */
    struct map properties; /* device key -> struct last_properties: what was last written down */
};

struct resolve {
    struct admit *a;
    const struct principal *who;
    struct bytes path_device;
    const struct raw_batch *raw;
    struct admission *out;
    int64_t now_ns, cutoff_ns;
    struct arena *arena;
    bool *wants;                    /* per raw record: needs the catalog */
    bool properties_written;        /* this body's are; do not look again */
    struct reg_device *last_device; /* the usual body names one device many times in a row */
    struct bytes last_id;
};

/* Makes devices and variables that `wants` names, and writes changed properties, in one transaction
 * each; what the catalog refuses becomes a verdict. */
enum err admit_provision(struct resolve *r, struct why *why) MUST_CHECK;
/* Does the record say something about its device that was not written down yet? */
bool admit_properties_changed(struct admit *a, const struct reg_device *d,
                              const struct raw_record *raw);
