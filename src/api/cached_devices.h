#pragma once
/* api/cached_devices.h -- devices in answers, from the cache pilot-devices: what the catalog says
 * of them is kept as text, what changes with every reading (status, lastSeenAt, health) is written
 * anew each time, from the registry. A change of any device or label of the organisation ends its
 * entries (query/cached_catalog.h).
 *
 *   entry   listing | device, seen, n, n, text before, text behind | device …
 *
 * Threads: executors.   Memory: appends to the caller's buffer. */
#include "api/api.h"
#include "service/device_service.h"

/* Appends the objects of a list, with commas; ret_listing and errors as device_service_list(). */
enum err cached_devices_list(struct api_call *c, const struct device_query *query,
                             const struct catalog_page *page, struct catalog_listing *ret_listing,
                             struct why *why) MUST_CHECK;
/* Appends one object. ERR_NOTFOUND. */
enum err cached_devices_one(struct api_call *c, struct bytes id) MUST_CHECK;

/* Makes the entries that a page of an organisation asks for first, without an answer. */
enum err cached_devices_warm(struct app *app, int64_t org) MUST_CHECK;
