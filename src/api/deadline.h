#pragma once
/* api/deadline.h -- how long a query of telemetry may take, from its arrival on: the settings of
 * contract §2, and what is answered past them. A client that is gone, or has closed its half of the
 * connection, waits for nothing: its query ends as well.
 * Threads: the call's.   Memory: the limit lives in the call. */
#include "api/api.h"

enum deadline_kind {
    DEADLINE_ROWS,       /* pilot.device.query-timeout */
    DEADLINE_AGGREGATES, /* pilot.analytics.aggregation-timeout */
};
/* For the call's queries; borrowed until its answer. */
const struct query_limit *deadline_of(struct api_call *c, enum deadline_kind kind);
/* api_fail(), but 503 with what to do for a query that was given up. */
void deadline_fail(struct api_call *c, enum err e, const struct why *why);
