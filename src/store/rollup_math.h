#pragma once
/* store/rollup_math.h -- hourly aggregates: made from samples, and joined.
 * Threads: any (values).   Memory: borrowed for the call. */
#include "model/record.h"

/* The start of the hour that holds ts_ns; also before 1970. */
int64_t rollup_hour(int64_t ts_ns);
/* Of n >= 1 samples of one hour in time order. The sum is compensated (Neumaier 1974), m2 is taken
 * in a second pass around the mean. */
struct rollup rollup_of(const struct sample *samples, size_t n);
/* `later` lies wholly behind `r`, in the same hour (Chan, Golub, LeVeque 1979). */
void rollup_join(struct rollup *r, const struct rollup *later);
