#pragma once
/* ingest/retention.h -- how long each organisation keeps its points: the installation's default, or
 * days of its own.   Threads: any.   Memory: owns its table. */
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct retention;
enum err retention_new(struct retention **ret, int64_t default_days) MUST_CHECK; /* 0 = for ever */
void retention_free(struct retention *r);
void retention_set_default(struct retention *r, int64_t days);
enum err retention_set(struct retention *r, int64_t org, int64_t days) MUST_CHECK;
/* Back to the installation's default. */
void retention_clear(struct retention *r, int64_t org);
/* 0 = for ever; *ret_own: the organisation has days of its own. */
int64_t retention_days(struct retention *r, int64_t org, bool *ret_own);
/* Points before this time are refused and dropped, a full hour; INT64_MIN: kept for ever. */
int64_t retention_cutoff_ns(struct retention *r, int64_t org, int64_t now_ns);
