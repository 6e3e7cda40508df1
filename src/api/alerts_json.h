#pragma once
/* api/alerts_json.h -- an alert in answers and in live frames (contract §9).
 * Threads: the call's.   Memory: nothing is kept. */
#include "base/buf.h"
#include "model/alert.h"

/* The members, without the braces. */
void alerts_json_members(struct buf *b, const struct alert *alert);
