#pragma once
/* api/series.h -- from the names in a request to devices, series and ranges of time.
 * A foreign or missing device or variable answers the same.   Threads: the call's.   Memory:
 * arena. */
#include "api/app.h"
#include "store/registry.h"

/* NULL: answered with 404. */
struct reg_device *series_device(struct api_call *c, struct bytes id);
/* By its exact name, then by its alias (kwConsumption = kw_consumption, powerFactor =
 * power_factor). NULL: no such variable; nothing is answered. */
struct reg_variable *series_variable(struct app *app, struct reg_device *d, struct bytes name);

struct series_list {
    struct reg_variable **variables;
    int64_t *ids; /* of variables[i] */
    size_t n;
};
/* `names`: comma separated, empty = all in order of creation. False: answered (400 names the
 * unknown variable; 503 without memory). */
bool series_choose(struct api_call *c, struct reg_device *d, struct bytes names,
                   struct series_list *ret);

/* from/to (aliases start/end, startTime/endTime); default the last 24 h, or since the beginning.
 * False: answered with 400. */
struct series_range {
    int64_t from_ns, to_ns;
    bool from_said, to_said;
};
bool series_read_range(struct api_call *c, struct series_range *ret);
/* A whole number in [low, high], `absent` when not there. False: answered with 400. */
bool series_read_count(struct api_call *c, const char *name, uint64_t absent, uint64_t low,
                       uint64_t high, uint64_t *ret);

/* {deviceId,timestamp,<electrical five>,<variables>}; values[i] NaN: absent. */
void series_write_row(struct buf *b, struct bytes device_id, int64_t ts_ns,
                      const struct series_list *list, const double *values, bool electrical);
