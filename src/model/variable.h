#pragma once
/* model/variable.h -- one named series of one device, and how it is shown.
 * Threads: a value.   Memory: strings are borrowed from the arena they were read into; an absent
 * one has p == NULL. */
#include "base/bytes.h"

enum { VARIABLE_NAME_MAX = 100, VARIABLE_TEXT_MAX = 255, VARIABLE_DESCRIPTION_MAX = 2000 };

struct variable {
    int64_t id, org, device; /* id is the series */
    struct bytes name;       /* unique in its device, byte-exact, never changes */
    struct bytes display_name, description, unit;
    struct bytes data_type;   /* "NUMBER", … */
    struct bytes data_source; /* "AUTO" when its first value made it, "MANUAL", "SYNTHETIC" */
    struct bytes icon, color;
    double min_value, max_value; /* NAN = unknown */
    int64_t decimal_places;      /* -1 = unknown */
    int64_t created_ns, updated_ns;
};
