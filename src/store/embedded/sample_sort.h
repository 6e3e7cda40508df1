#pragma once
/* store/embedded/sample_sort.h -- samples into time order, the last of equal times kept.
 * Threads: any (values).   Memory: borrowed for the call. */
#include "model/record.h"

#include <stdbool.h>

/* Sorts a[0 .. n) by time (a stable merge sort, so positions tell who was last) and drops all but
 * the last of equal times; how many are left. `scratch` has room for n samples. */
size_t sample_sort_unique(struct sample *a, size_t n, struct sample *scratch);
