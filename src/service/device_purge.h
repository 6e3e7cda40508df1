#pragma once
/* service/device_purge.h -- the end of a deleted device: after 7 days its telemetry and its row go
 * for good.   Threads: one at a time, on a thread that may block.   Memory: none kept. */
#include "service/device_service.h"

/* Purges up to 100 devices; *ret_n of them. The telemetry first: a crash in between finds the row
 * again and repeats what is harmless to repeat. */
enum err device_purge_run(struct device_service *s, size_t *ret_n) MUST_CHECK;
