#pragma once
/* api/metrics_operations.h -- the families of the performance layer: database, operations.
 * Threads: the call's.   Memory: appends to the answer. */
#include "api/api.h"
#include "base/buf.h"

void metrics_operations_write(struct app *app, struct buf *b);
