#pragma once
/* codec/column_int.h -- a column of 64-bit integers: predicted, then what is left in groups of
 * bits. Exact for every int64; all arithmetic is modulo 2^64. Bytes: store/embedded/FORMAT.md,
 * "Integer column". Threads: any; a reader its owner only.   Memory: a reader borrows its bytes. */
#include "base/buf.h"
#include "codec/column_group.h"

#include <stdbool.h>

/* Appends x[0 .. n), n >= 1. `scratch`: n more integers of room. What did not fit is in out->err.
 */
void column_int_encode(struct buf *out, const int64_t *x, size_t n, int64_t *scratch);

struct column_int_reader {
    const uint8_t *p, *end; /* borrowed; 8 bytes behind `end` are readable */
    uint64_t base, unit, ref;
    uint64_t m, d; /* the running value and, with order 2, its running difference */
    size_t left;   /* values not read yet */
    uint8_t order;
    bool flat;
};

/* false: corrupt. `n` bytes hold `count` values, and 8 more bytes behind them are readable. */
bool column_int_open(struct column_int_reader *r, const uint8_t *p, size_t n, size_t count);
/* The next values, COLUMN_GROUP of them but for the last time; 0: corrupt, or none left. */
size_t column_int_next(struct column_int_reader *r, int64_t *ret);
/* Nothing left to read: neither values nor bytes. */
static inline bool column_int_ended(const struct column_int_reader *r)
{
    return r->left == 0 && r->p == r->end;
}
