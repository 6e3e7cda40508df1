#pragma once
/* store/postgres/postgres_array.h -- arrays of numbers as PostgreSQL sends and takes them in binary
 * form: dimensions, a flag for nulls, the element's type, then each element with its length, most
 * significant byte first (its array_send and array_recv).
 * Threads: owner only.   Memory: the buffer is the caller's arena's. */
#include "base/arena.h"

/* One-dimensional, of n elements; p == NULL without memory. */
struct bytes postgres_array_of_ints(struct arena *a, const int64_t *v, size_t n);
struct bytes postgres_array_of_reals(struct arena *a, const double *v, size_t n);

/* A column's value of one row, without nulls. False: not such an array. */
struct postgres_array {
    const uint8_t *elements; /* each 4 bytes of length and 8 of value; borrowed */
    size_t n;
};
bool postgres_array_read(const char *p, int length, struct postgres_array *ret);
int64_t postgres_array_int(const struct postgres_array *a, size_t i);
double postgres_array_real(const struct postgres_array *a, size_t i);
