#pragma once
/* model/device_status.h -- whether a device can be heard: ONLINE for 60 minutes after its newest
 * live reading, OFFLINE after that, UNKNOWN when it never sent one.   Threads: any. */
#include "base/bytes.h"
#include "base/clock.h"

enum device_status { DEVICE_UNKNOWN, DEVICE_ONLINE, DEVICE_OFFLINE };
#define DEVICE_SILENCE_NS (60 * NS_PER_MINUTE) /* OFFLINE after this much of it */

enum device_status device_status_at(int64_t last_seen_ns, int64_t now_ns); /* 0 = never seen */
const char *device_status_name(enum device_status status);
/* False for anything but ONLINE, OFFLINE, UNKNOWN. */
bool device_status_parse(struct bytes name, enum device_status *ret);
