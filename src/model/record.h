#pragma once
/* model/record.h -- a record is what one device says at one time; a point is one of its values.
 * Records travel in sets: one request's records, never split by the pipeline.
 * Memory: a set is borrowed from its request until the write completes. */
#include <stddef.h>
#include <stdint.h>

struct point {
    int64_t series; /* variable id, unique in the installation, dense from 1 */
    double value;   /* finite */
};

struct record {
    int64_t org, device; /* device: the catalog's integer key, not the uuid */
    int64_t ts_ns;
    uint32_t first, count; /* its points: set->points[first .. first+count) */
};

struct record_set {
    struct record *records;
    size_t record_count;
    struct point *points;
    size_t point_count;
};

struct sample {
    int64_t ts_ns;
    double value;
};

/* What is known of one series in [hour_ns, hour_ns + 1 h). min and max ignore order; first and
 * last are by time. m2 is the sum of squared distances from the mean (Welford 1962; merged as in
 * Chan, Golub, LeVeque 1979), so stddev = sqrt(m2 / count). */
struct rollup {
    int64_t hour_ns;
    uint64_t count;
    double sum, min, max, first, last, m2;
    int64_t first_ns, last_ns;
};
