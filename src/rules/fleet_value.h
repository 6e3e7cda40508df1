#pragma once
/* rules/fleet_value.h -- the one number that a fleet rule looks at, made of many devices.
 *
 *   countDevices countOnline countOffline percentOnline   of the devices' status
 *   sum … range, without a window                         of the newest value of each device that
 *                                                         has the variable
 *   sum … range, with a window                            of all their readings in (now - w, now],
 *                                                         whole hours from rollups
 *
 * What is missing is not zero: without any value (or, for percentOnline, any device) there is no
 * number. stddev is of the population; median and percentiles interpolate linearly between closest
 * ranks (Hyndman and Fan 1996, type 7).
 * Threads: any; reads the store.   Memory: results in the caller's arena. */
#include "base/arena.h"
#include "model/fleet_rule.h"
#include "store/registry.h"
#include "store/telemetry.h"

struct fleet_scope {
    struct telemetry *telemetry; /* borrowed, as the rest */
    struct registry *registry;
    struct reg_device **devices; /* of one organisation, active and alive */
    size_t n;
    int64_t now_ns;
};
struct fleet_value {
    bool known;
    double value;
    struct reg_device **affected; /* those that were counted, or had a value */
    size_t affected_count;
};
enum err fleet_value_compute(const struct fleet_rule *r, const struct fleet_scope *scope,
                             struct arena *arena, struct fleet_value *ret,
                             struct why *why) MUST_CHECK;

/* The same functions over plain numbers, n > 0; values are sorted in place. f needs a variable. */
double fleet_value_of(enum fleet_function f, double *values, size_t n);
