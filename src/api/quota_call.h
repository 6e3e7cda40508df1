#pragma once
/* api/quota_call.h -- between a request and its limits by day (pilot/quota.h) and by minute
 * (pilot/rates.h): what counts, and what is answered when there is no more.
 * Threads: the call's.   Memory: none. */
#include "api/app.h"
#include "pilot/quota.h"

/* Is this a call that the organisation's API calls are counted by? Telemetry is not, nor what
 * needs no credential; the pilot's own routes are, and are answered past the limit, too. */
bool quota_call_counts(const struct api_call *c);
/* One API call. ERR_MORE: again where it may block. ERR_RATE: answered. */
enum err quota_call_take(struct api_call *c, bool may_block) MUST_CHECK;
/* The limit per minute of the user or the device; of nobody there is none. As above. */
enum err quota_call_pace(struct api_call *c, bool may_block) MUST_CHECK;
/* The answer to a refused quota_take(): 429, or 413 when it is more than a day's. */
void quota_call_refuse(struct api_call *c, enum err e, enum limit what, int64_t n,
                       const struct quota_state *s);
