#pragma once
/* model/limit.h -- what an installation or an organisation may have or use at most: the limits of
 * the pilot mode, by their names.
 *
 *   counts   so many of them exist at once; one more is refused (403)
 *   daily    so many a day, from 00:00 UTC on; one more is refused until the next day (429)
 *
 * Threads: immutable.   Memory: literals. */
#include "base/bytes.h"

enum limit {
    LIMIT_ORGANIZATIONS, /* in the whole installation; the others are an organisation's */
    LIMIT_USERS,
    LIMIT_DEVICES,
    LIMIT_DASHBOARDS,
    LIMIT_RULES,     /* rules of devices and of the fleet together */
    LIMIT_API_CALLS, /* a day */
    LIMIT_POINTS,    /* a day */
    LIMITS
};
enum { LIMIT_DAILY_FIRST = LIMIT_API_CALLS, LIMIT_DAILY = LIMITS - LIMIT_DAILY_FIRST };

/* The key that configures it, which is its name in refusals: "pilot.max-devices-per-org". */
const char *limit_key(enum limit what);
/* As a member of a JSON object: "maxDevices". */
const char *limit_member(enum limit what);
/* What is counted, for sentences: "devices". */
const char *limit_noun(enum limit what);
/* LIMITS when no limit has this key. */
enum limit limit_find_key(struct bytes key);
