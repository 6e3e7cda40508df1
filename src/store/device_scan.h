#pragma once
/* store/device_scan.h -- the readings of a device as records, several series side by side: what a
 * copy reads and writes.
 *
 *   store has records_open ── its own ──> records      else the series' scans, merged by time
 *
 * Threads: owner only.   Memory: constant: a slice of each series, or a row. */
#include "store/telemetry.h"

enum { DEVICE_SCAN_SERIES = 64 }; /* merged at once, at most */

struct device_scan;
/* `series` ascending, borrowed until close; a point of any other one is left out. At most
 * device_scan_width() of them. */
enum err device_scan_open(struct device_scan **ret, struct telemetry *t,
                          const struct scan_range *range, const int64_t *series,
                          size_t n) MUST_CHECK;
/* One time and its points, ascending in time; borrowed until the next call. ERR_END. */
enum err device_scan_next(struct device_scan *s, int64_t *ret_ts_ns, const struct point **ret,
                          size_t *ret_n) MUST_CHECK;
void device_scan_close(struct device_scan *s); /* NULL is fine */
/* How many series one scan of this store takes. */
size_t device_scan_width(const struct telemetry *t);
