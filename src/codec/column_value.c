/* Writing columns of doubles (see column_value.h; reading is column_value_reader.c).
 *
 * A sensor's 21.37 is the double nearest to 2137 / 100, and dividing 2137.0 by 100.0 gives exactly
 * that double again, since IEEE division is rounded correctly and both are exact. So such a column
 * is one of small integers. The number of digits is guessed from a few values and then proved on
 * every one; a few values that do not fit (-0.0, error codes) are kept aside. */
#include "codec/column_value.h"

#include "base/mem.h"
#include "codec/block.h"
#include "codec/column_bits.h"

#define SAMPLE             64u
#define EXCEPTION_BITS     80u                /* about what an exception costs */
#define DIGIT_BITS_TIMES_3 10u                /* a digit more costs log2(10) = 3.3 bits a value */
#define ROUNDER            6755399441055744.0 /* 1.5 * 2^52: adding it rounds to an integer */
#define LIMIT              2251799813685248.0 /* 2^51 */

const double column_value_powers[COLUMN_MAX_DIGITS + 1] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

void column_scratch_init(struct column_scratch *s)
{
    *s = (struct column_scratch){0};
    for (int i = 0; i < 2; i++) buf_init(&s->trial[i], BLOCK_MAX_ROWS * 16);
}

void column_scratch_done(struct column_scratch *s)
{
    mem_free(s->a);
    mem_free(s->b);
    for (int i = 0; i < 2; i++) buf_done(&s->trial[i]);
    column_scratch_init(s);
}

enum err column_scratch_fit(struct column_scratch *s, size_t n)
{
    if (n <= s->cap) return ERR_OK;
    size_t cap = 1024;
    while (cap < n) cap *= 2;
    int64_t *a = mem_array(cap, sizeof *a), *b = mem_array(cap, sizeof *b);
    if (!a || !b) {
        mem_free(a);
        mem_free(b);
        return ERR_NOMEM;
    }
    mem_free(s->a);
    mem_free(s->b);
    s->a = a;
    s->b = b;
    s->cap = cap;
    return ERR_OK;
}

static inline bool scale(double v, double power, int64_t *ret_k)
{
    double t = v * power;
    if (!(t >= -LIMIT && t <= LIMIT)) return false; /* NaN as well */
    double k = (t + ROUNDER) - ROUNDER;
    *ret_k = (int64_t)k;
    return column_double_bits(k / power) == column_double_bits(v);
}

bool column_value_scale(double v, unsigned digits, int64_t *ret_k)
{
    return scale(v, column_value_powers[digits], ret_k);
}

double column_value_unscale(int64_t k, unsigned digits)
{
    return (double)k / column_value_powers[digits];
}

/* The fewest digits with which all but one in sixteen of a few values are decimals. */
static bool guess_digits(const double *v, size_t n, unsigned *ret)
{
    size_t count = n < SAMPLE ? n : SAMPLE;
    for (unsigned digits = 0; digits <= COLUMN_MAX_DIGITS; digits++) {
        size_t misses = 0;
        int64_t k;
        for (size_t i = 0; i < count && misses <= count / 16; i++)
            if (!scale(v[i * n / count], column_value_powers[digits], &k)) misses++;
        if (misses > count / 16) continue;
        *ret = digits;
        return true;
    }
    return false;
}

/* Fills k; an exception repeats the one before it. How many there are. */
static size_t scale_all(const double *v, size_t n, unsigned digits, int64_t *k)
{
    size_t exceptions = 0;
    double power = column_value_powers[digits];
    int64_t before = 0;
    for (size_t i = 0; i < n; i++) {
        if (scale(v[i], power, &k[i])) {
            before = k[i];
            continue;
        }
        exceptions++;
        k[i] = before;
    }
    return exceptions;
}

/* The digits that would make the exceptions regular; COLUMN_MAX_DIGITS + 1: no number does. */
static unsigned digits_for_exceptions(const double *v, size_t n, unsigned digits)
{
    int64_t k;
    unsigned most = digits, looked = 0;
    for (size_t i = 0; i < n && looked < SAMPLE && most <= COLUMN_MAX_DIGITS; i++) {
        if (scale(v[i], column_value_powers[digits], &k)) continue;
        looked++;
        while (most <= COLUMN_MAX_DIGITS && !scale(v[i], column_value_powers[most], &k)) most++;
    }
    return most;
}

/* false: not decimals, or too few of them. */
static bool find_decimals(const double *v, size_t n, int64_t *k, unsigned *ret_digits,
                          size_t *ret_exceptions)
{
    unsigned digits;
    if (!guess_digits(v, n, &digits)) return false;
    size_t exceptions = scale_all(v, n, digits, k);
    if (exceptions) {
        unsigned more = digits_for_exceptions(v, n, digits);
        if (more <= COLUMN_MAX_DIGITS &&
            n * (more - digits) * DIGIT_BITS_TIMES_3 < exceptions * EXCEPTION_BITS * 3) {
            digits = more;
            exceptions = scale_all(v, n, digits, k);
        }
    }
    *ret_digits = digits;
    *ret_exceptions = exceptions;
    return exceptions <= n / 8;
}

static void put_exceptions(struct buf *out, const double *v, size_t n, double power)
{
    size_t last = 0;
    int64_t k;
    for (size_t i = 0; i < n; i++) {
        if (scale(v[i], power, &k)) continue;
        column_put_varint(out, i - last);
        column_put_u64(out, column_double_bits(v[i]));
        last = i;
    }
}

static void sum_up(struct column_shape *shape, const int64_t *k, size_t n)
{
    const int64_t limit = INT64_C(1) << 53;
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += k[i]; /* below 2^53 + 2^51 */
        if (sum > limit || sum < -limit) return;
    }
    shape->has_sum = true;
    shape->sum_k = sum;
}

/* Bit patterns as integers in the order of the doubles. */
static void encode_bits(struct buf *out, const double *v, size_t n, struct column_scratch *s)
{
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++) all |= column_double_bits(v[i]);
    all &= UINT64_MAX >> 1;
    unsigned shift = all ? (unsigned)__builtin_ctzll(all) : 0;
    column_put_u8(out, shift);
    for (size_t i = 0; i < n; i++) {
        uint64_t u = column_double_bits(v[i]), a = (u & (UINT64_MAX >> 1)) >> shift;
        s->a[i] = (int64_t)(u >> 63 ? ~a : a);
    }
    column_int_encode(out, s->a, n, s->b);
}

/* Puts the smaller of both forms for any doubles behind `start`, unless what stands there is
 * smaller. */
static void encode_any(struct buf *out, size_t start, const double *v, size_t n,
                       struct column_scratch *s, struct column_shape *shape)
{
    struct buf *bits = &s->trial[0], *xors = &s->trial[1];
    buf_clear(bits);
    buf_clear(xors);
    encode_bits(bits, v, n, s);
    column_xor_encode(xors, v, n);
    struct buf *best = bits->n <= xors->n ? bits : xors;
    enum err e = bits->err ? bits->err : xors->err;
    if (!out->err) out->err = e;
    if (out->n > start && out->n - start <= best->n) return;
    out->n = start;
    *shape = (struct column_shape){.kind = best == bits ? COLUMN_BITS : COLUMN_XOR};
    buf_add(out, best->p, best->n);
}

void column_value_encode(struct buf *out, const double *v, size_t n, struct column_scratch *s,
                         struct column_shape *ret)
{
    struct column_shape shape = {.kind = COLUMN_DECIMAL};
    size_t start = out->n, exceptions;
    unsigned digits;
    if (find_decimals(v, n, s->a, &digits, &exceptions)) {
        shape.digits = (uint8_t)digits;
        if (!exceptions) sum_up(&shape, s->a, n);
        column_put_varint(out, exceptions);
        if (exceptions) put_exceptions(out, v, n, column_value_powers[digits]);
        column_int_encode(out, s->a, n, s->b);
        /* below 5 bytes a value nothing for any doubles comes near */
        if (out->n - start < n * 5 + 16) {
            *ret = shape;
            return;
        }
    }
    encode_any(out, start, v, n, s, &shape);
    *ret = shape;
}
