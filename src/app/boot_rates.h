#pragma once
/* app/boot_rates.h -- the limits per minute that several servers share (pilot/rate_share.h): where
 * there is a Redis and a store that others may work on, too.
 * Threads: the main thread.   Memory: b->pilot owns what is opened. */
#include "app/boot.h"

/* Before boot_pilot_open(). */
enum err boot_rates_open(struct boot *b, struct why *why) MUST_CHECK;
