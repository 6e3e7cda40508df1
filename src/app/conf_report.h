#pragma once
/* app/conf_report.h -- a loaded configuration, for people and for programs.
 * Threads: any, one at a time per struct conf.   Memory: appends to the caller's buffer. */
#include "conf/conf.h"

/* Every effective key with its origin and LIVE or RESTART, then what is bad, planned, the JVM's and
 * unknown. The number of bad values. */
size_t conf_report_text(const struct conf *c, struct buf *out);
size_t conf_report_json(const struct conf *c, struct buf *out);
/* The same notes as lines of the log. */
void conf_report_log(const struct conf *c);
