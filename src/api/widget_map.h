#pragma once
/* api/widget_map.h -- where devices are: for widgets of the type MAP. A device that sends
 * `latitude` and `longitude` is where it says; another one where its owner put it.
 * Threads: the call's.   Memory: the call's arena. */
#include "api/app.h"
#include "service/device_service.h"

struct widget_map {
    struct device *devices; /* those of the organisation that have a place */
    size_t n;
    bool read; /* once for all maps of a dashboard */
};
/* Member "positions". device: empty for all that have a place. ERR_NOTFOUND: no such device, and
 * nothing is written. */
enum err widget_map_write(struct api_call *c, struct widget_map *map, int64_t org,
                          struct bytes device, bool with_ids) MUST_CHECK;
