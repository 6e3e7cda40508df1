#pragma once
/* model/synthetic.h -- a variable that is computed from others of its device. Its results are the
 * points of an ordinary variable (data_source SYNTHETIC) of the same name.
 * Threads: a value.   Memory: strings are borrowed from the arena they were read into; an absent
 * one has p == NULL. */
#include "base/bytes.h"
#include "model/uuid.h"

enum { SYNTHETICS_PER_DEVICE = 50, SYNTHETICS_PER_ORG = 10000 };

struct synthetic {
    int64_t id, org; /* id: internal; outside it is the uuid */
    struct uuid uuid;
    int64_t device;
    struct bytes device_external_id, device_name; /* read only */
    int64_t series;                               /* of its results */
    struct bytes name;                            /* of that variable, never changes */
    struct bytes description, unit;               /* of that variable, read only here */
    struct bytes expression;                      /* rules/expression.h */
    bool enabled;
    int64_t created_ns, updated_ns;
};
