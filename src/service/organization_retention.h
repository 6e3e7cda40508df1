#pragma once
/* service/organization_retention.h -- how long an organisation keeps its points, when its
 * administrators choose something else than the installation's default. Kept in the settings as
 * "retention.<organisation>", in memory in ingest/retention.h; what is older goes with the next
 * hourly run.   Threads: any; blocks on the catalog.   Memory: none of its own. */
#include "ingest/retention.h"
#include "model/actor.h"
#include "service/refusal.h"
#include "store/sql.h"

#define ORGANIZATION_RETENTION_DAYS_MAX 36500

/* days 0 = for ever; -1 = the installation's default again. ERR_INVALID: out of range. */
enum err organization_retention_set(struct sql_db *db, struct retention *retention, int64_t org,
                                    int64_t days, int64_t now_ns, const struct actor *actor,
                                    struct refusal *refusal) MUST_CHECK;
