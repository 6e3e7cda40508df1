#pragma once
/* service/device_health.h -- how well a device does, from 0 to 100, looked at every 5 minutes
 * (contract §5):
 *
 *   round(0.40 uptime + 0.30 alerts + 0.20 data + 0.10 status)
 *
 * The score is derived, so it lives in the registry only and is computed again after a start.
 * Records of the last 24 hours are counted as the readings of the device's busiest variable: a
 * device that sends its variables together sends one record for each.
 * Threads: one at a time, on a thread that may block.   Memory: owns its pass. */
#include "service/device_service.h"

#define DEVICE_HEALTH_PERIOD_NS (5 * NS_PER_MINUTE)

struct device_vitals {
    int64_t silent_ns; /* since it was last seen; INT64_MAX = never seen */
    int64_t open_alerts;
    int64_t records_24h;
    enum device_status status;
};
int device_health_score(const struct device_vitals *v);
/* "EXCELLENT" from 80, "GOOD" 60, "FAIR" 40, "POOR" 20, else "CRITICAL". */
const char *device_health_name(int score);

struct device_health;
enum err device_health_new(struct device_health **ret, struct sql_db *db, struct registry *registry,
                           struct telemetry *telemetry, const struct clock *clock) MUST_CHECK;
/* Goes on with the pass under way for about budget_ns, or begins one when it is due. *ret_done: a
 * pass has ended with this call. */
enum err device_health_run(struct device_health *h, int64_t budget_ns, bool *ret_done) MUST_CHECK;
void device_health_free(struct device_health *h); /* NULL is fine */
