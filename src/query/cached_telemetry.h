#pragma once
/* query/cached_telemetry.h -- a store over a store: hours that were summed once are not summed
 * again. It keeps the contract of store/telemetry.h as the store below does, so nobody above knows.
 *
 * rollups()  whole hours that have ended come from the cache pilot-analytics, in entries of one
 *            series and UTC day (its 24 hours side by side: a year is 365 keys, not 8,760). What
 *            has not ended comes from below, as every scan does.
 * write()    advances the generation of each series and day that a late point fell into, and of
 *            each device for telemetry-query, behind the write and before its acknowledgement.
 * retain(), purge_device()  advance all of pilot-analytics and telemetry-query when they dropped
 *            something.
 *
 * An hour is cached a minute after its end at the earliest (nodes' clocks differ); a write into an
 * hour that has not ended anywhere needs no generation, because whoever could cache it reads later.
 * Threads: as the store below; rollups() may wait for another thread's flight.   Memory: owns the
 * store below. */
#include "cache/cache.h"
#include "store/telemetry.h"

/* Takes `below`: closing the one closes the other. On failure `below` stays the caller's. */
enum err cached_telemetry_new(struct telemetry **ret, struct telemetry *below, struct cache *cache,
                              const struct clock *clock) MUST_CHECK;
/* The slot of a device's generation in telemetry-query. */
uint32_t cached_telemetry_device_slot(int64_t org, int64_t device);
