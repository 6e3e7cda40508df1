#pragma once
/* service/organization_purge.h -- the end of a deleted organisation: after 7 days everything of it
 * goes for good, telemetry first. What stays is its number, so that none is ever given twice.
 * Threads: one at a time, on a thread that may block.   Memory: none kept. */
#include "service/device_service.h"

/* Works on the one that has waited longest, a bounded piece; *ret_more: there is more to do. A
 * crash in between finds the rest again. */
enum err organization_purge_run(struct device_service *s, bool *ret_more) MUST_CHECK;
