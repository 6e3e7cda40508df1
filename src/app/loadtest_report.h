#pragma once
/* app/loadtest_report.h -- what the load test says at its end.
 * Threads: main.   Memory: appends to the caller's buffer. */
#include "app/loadtest.h"

struct loadtest_comparison;

void loadtest_report_text(const struct loadtest *t, struct buf *out);
/* c: NULL without one. */
void loadtest_report_json(const struct loadtest *t, const struct loadtest_comparison *c,
                          struct buf *out);
/* Was every series read back, and equal to what was acknowledged? */
bool loadtest_report_stored(const struct loadtest *t);
