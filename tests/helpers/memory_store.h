#pragma once
/* memory_store.h -- the simplest telemetry store that keeps store/telemetry.h: one sorted array per
 * series. Tests of ingest and query use it; a test may hold its writes or make them fail.
 * Threads: any.   Memory: owned by the store. */
#include "store/telemetry.h"

struct telemetry *memory_store_new(void);
/* Until released, write() waits (and counts the waiting calls). */
void memory_store_hold(struct telemetry *t);
void memory_store_release(struct telemetry *t);
void memory_store_wait_held(struct telemetry *t); /* returns once a write is waiting */
/* The next n calls of write() fail with e. */
void memory_store_fail(struct telemetry *t, int n, enum err e);
/* Calls of write() with more than one set fail with e, until reset with ERR_OK. */
void memory_store_fail_groups(struct telemetry *t, enum err e);
size_t memory_store_writes(struct telemetry *t);       /* calls that succeeded */
size_t memory_store_last_group(struct telemetry *t);   /* sets in the newest of them */
size_t memory_store_last_records(struct telemetry *t); /* records in it */
size_t memory_store_purged(struct telemetry *t); /* calls of purge_device(), which only counts */
