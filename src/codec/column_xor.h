#pragma once
/* codec/column_xor.h -- doubles as the XOR with the one before: what is left for values that are no
 * decimals (Gorilla: Pelkonen et al., VLDB 2015).   Bytes: FORMAT.md, "Double column", kind 2.
 * Threads: any; a reader its owner only.   Memory: a reader borrows its bytes. */
#include "base/buf.h"
#include "codec/column_group.h"

#include <stdbool.h>

/* Appends v[0 .. n), n >= 1, at most 9.7 bytes a value. What did not fit is in out->err. */
void column_xor_encode(struct buf *out, const double *v, size_t n);

struct column_xor_reader {
    const uint8_t *p;   /* borrowed; 8 bytes behind them are readable */
    uint64_t bit, bits; /* read so far, and all there are */
    uint64_t last;
    size_t left;
    unsigned leading, width; /* the last window; width 0: none yet */
    bool started;
};

/* false: corrupt. */
bool column_xor_open(struct column_xor_reader *r, const uint8_t *p, size_t n, size_t count);
/* The next values, COLUMN_GROUP of them but for the last time; 0: corrupt, or none left. */
size_t column_xor_next(struct column_xor_reader *r, double *ret);
bool column_xor_ended(const struct column_xor_reader *r);
