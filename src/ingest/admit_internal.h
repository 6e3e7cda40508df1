#pragma once
/* ingest/admit_internal.h -- what admit.c and admit_provision.c share: one resolution under way.
 * Threads: owner only, but struct admit itself is any.   Memory: arena of the request. */
#include "ingest/admit.h"

struct admit {
    struct admit_opts opts;
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
/* The id that record i goes by. */
static inline struct bytes admit_id_of(const struct resolve *r, size_t i)
{
    return r->path_device.n ? r->path_device : r->raw->records[i].device_id;
}

/* admit_properties.c: what messages say of their devices. */
/* Does record i say something about its device that was not written down yet? */
bool admit_properties_changed(const struct resolve *r, const struct reg_device *d, size_t i);
/* Writes what the body said last of each device of which it says something new. */
enum err admit_properties_write(struct resolve *r) MUST_CHECK;
