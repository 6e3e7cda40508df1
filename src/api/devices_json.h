#pragma once
/* api/devices_json.h -- a device in answers, and a device's texts in bodies.
 * Threads: the call's.   Memory: nothing is kept. */
#include "api/api.h"
#include "service/device_service.h"

/* The object of contract §5; token: NULL, or shown once as apiToken. */
void devices_json_write(struct buf *b, const struct device *d, int64_t now_ns, const char *token);
/* A member that may be absent (stays), null (clears) or a value; wrong types add to the errors. */
struct device_text devices_json_text(struct api_fields *f, const char *name, size_t max_chars);
struct device_place devices_json_place(struct api_fields *f, const char *name);
