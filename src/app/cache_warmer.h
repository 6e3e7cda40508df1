#pragma once
/* app/cache_warmer.h -- makes what people are about to ask for, after a start and after a cache was
 * cleared: the devices of organisations that are alive, and the hours that their dashboards show,
 * those of the dashboards that changed last first.
 *
 *   cleared ──> organisations by their newest reading ──> devices ──> widgets ──> hours
 *
 * It has the lowest priority there is: a slice of every second on the housekeeper, one small piece
 * after the other through the same reads as everybody, so it waits for nobody's flight twice. It
 * ends early when half of the memory is full: the rest is for who asks.
 * Threads: owner only, on a thread that may block.   Memory: owns its lists. */
#include "base/err.h"

#include <stdint.h>

enum {
    CACHE_WARMER_ORGS = 1000,   /* organisations in one pass */
    CACHE_WARMER_WIDGETS = 500, /* of one organisation */
    CACHE_WARMER_DAYS = 31      /* of one widget */
};

struct app;
struct cache_warmer;
enum err cache_warmer_new(struct cache_warmer **ret, struct app *app) MUST_CHECK;
/* Goes on for about budget_ns; costs nothing when there is nothing to warm. */
enum err cache_warmer_run(struct cache_warmer *w, int64_t budget_ns) MUST_CHECK;
void cache_warmer_free(struct cache_warmer *w); /* NULL is fine */
