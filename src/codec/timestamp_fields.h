#pragma once
/* codec/timestamp_fields.h -- a wall-clock reading taken apart, shared by the readers of fixed
 * forms (timestamp.c) and of forms told by a pattern (timestamp_pattern.c). The readers below
 * return where they stopped, or NULL when the bytes at p are something else. Threads: any. Memory:
 * nothing is kept. */
#include "base/err.h"

struct timestamp_fields {
    int year, month, day, hour, minute, second;
    int64_t fraction_ns;
    int offset_s; /* east of UTC is positive */
};

/* Checks and joins; ERR_INVALID also outside the range of int64 nanoseconds. */
enum err timestamp_fields_join(const struct timestamp_fields *f, int64_t *ret_ns,
                               struct why *why) MUST_CHECK;

const char *timestamp_fields_digits(const char *p, const char *end, int min, int max, int *ret);
/* One digit or more behind the point; what is below a nanosecond is cut. */
const char *timestamp_fields_fraction(const char *p, const char *end, int64_t *ret_ns);
/* Z, +hh, +hhmm or +hh:mm, hours to 23. */
const char *timestamp_fields_offset(const char *p, const char *end, int *ret_s);
