#pragma once
/* codec/column_value.h -- a column of doubles: as scaled decimals where they are decimals, else as
 * bit patterns or XORs, whichever is smaller. Every bit comes back (NaN payloads, -0.0, denormals).
 * Bytes: store/embedded/FORMAT.md, "Double column".
 * Threads: any; a scratch and a reader their owner only.   Memory: a reader borrows its bytes. */
#include "base/buf.h"
#include "codec/column_int.h"
#include "codec/column_xor.h"

enum column_kind { COLUMN_DECIMAL = 0, COLUMN_BITS = 1, COLUMN_XOR = 2 };
#define COLUMN_MAX_DIGITS 15u
extern const double column_value_powers[COLUMN_MAX_DIGITS + 1]; /* of ten; exact */

/* Working memory of an encoder. */
struct column_scratch {
    int64_t *a, *b; /* owned; `cap` integers each */
    size_t cap;
    struct buf trial[2];
};
void column_scratch_init(struct column_scratch *s);
void column_scratch_done(struct column_scratch *s);
/* Room for columns of n values. */
enum err column_scratch_fit(struct column_scratch *s, size_t n) MUST_CHECK;

/* How a column was written. */
struct column_shape {
    uint8_t kind, digits;
    bool has_sum;  /* sum_k: every value is a decimal and the sum of all is below 2^53 */
    int64_t sum_k; /* the exact sum times 10^digits */
};

/* Appends v[0 .. n), n >= 1, after column_scratch_fit(s, n). What did not fit is in out->err. */
void column_value_encode(struct buf *out, const double *v, size_t n, struct column_scratch *s,
                         struct column_shape *ret);

/* The integer k with v == k / 10^digits bit for bit and |k| <= 2^51; false: there is none. */
bool column_value_scale(double v, unsigned digits, int64_t *ret_k);
/* k / 10^digits, rounded once. */
double column_value_unscale(int64_t k, unsigned digits);

struct column_value_reader {
    uint8_t kind, digits, shift;
    struct column_int_reader ints;
    struct column_xor_reader xors;
    const uint8_t *exceptions, *exceptions_end; /* borrowed; the ones not met yet */
    uint64_t exceptions_left, next_exception;   /* position of the next one */
    uint64_t at;                                /* position of the next value */
};

/* false: corrupt. `n` bytes hold `count` values, and 8 more bytes behind them are readable. */
bool column_value_open(struct column_value_reader *r, unsigned kind, unsigned digits,
                       const uint8_t *p, size_t n, size_t count);
/* The next values, COLUMN_GROUP of them but for the last time; 0: corrupt, or none left. */
size_t column_value_next(struct column_value_reader *r, double *ret);
/* Everything was read: no values, no bytes and no exceptions are left. */
bool column_value_ended(const struct column_value_reader *r);
