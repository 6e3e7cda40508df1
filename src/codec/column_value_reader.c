/* Reading columns of doubles (see column_value.h). */
#include "codec/column_in.h"
#include "codec/column_value.h"

/* The next exception is `distance` behind the last one; only the first may be 0 away. */
static bool step_exception(struct column_value_reader *r, bool first)
{
    struct column_in in = column_in_of(r->exceptions, (size_t)(r->exceptions_end - r->exceptions));
    uint64_t distance = column_get_varint(&in);
    if (in.bad || column_left(&in) < 8 || (!first && !distance)) return false;
    if (distance > UINT32_MAX) return false;
    r->next_exception += distance;
    r->exceptions = in.p;
    return true;
}

/* Looks through all exceptions once, to find where the integers begin. */
static bool open_decimal(struct column_value_reader *r, const uint8_t *p, size_t n, size_t count)
{
    struct column_in in = column_in_of(p, n);
    r->exceptions_left = column_get_varint(&in);
    r->exceptions = in.p;
    if (in.bad || r->exceptions_left > count) return false;
    for (uint64_t i = 0; i < r->exceptions_left; i++) {
        column_get_varint(&in);
        column_get_u64(&in);
    }
    r->exceptions_end = in.p;
    if (in.bad) return false;
    if (r->exceptions_left && !step_exception(r, true)) return false;
    return column_int_open(&r->ints, in.p, column_left(&in), count);
}

bool column_value_open(struct column_value_reader *r, unsigned kind, unsigned digits,
                       const uint8_t *p, size_t n, size_t count)
{
    *r = (struct column_value_reader){.kind = (uint8_t)kind, .digits = (uint8_t)digits};
    if (digits > COLUMN_MAX_DIGITS || n == 0) return false;
    switch (kind) {
    case COLUMN_DECIMAL:
        return open_decimal(r, p, n, count);
    case COLUMN_BITS:
        r->shift = p[0];
        return r->shift < 64 && column_int_open(&r->ints, p + 1, n - 1, count);
    case COLUMN_XOR:
        return column_xor_open(&r->xors, p, n, count);
    default:
        return false;
    }
}

static bool place_exceptions(struct column_value_reader *r, double *ret, size_t count)
{
    while (r->exceptions_left && r->next_exception < r->at + count) {
        ret[r->next_exception - r->at] = column_bits_double(column_load64(r->exceptions));
        r->exceptions += 8;
        r->exceptions_left--;
        if (r->exceptions_left && !step_exception(r, false)) return false;
    }
    r->at += count;
    return true;
}

static void from_bits(double *ret, const int64_t *x, size_t count, unsigned shift)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t sign = x[i] < 0 ? UINT64_C(1) << 63 : 0;
        uint64_t a = (uint64_t)(x[i] < 0 ? ~x[i] : x[i]);
        ret[i] = column_bits_double((a << shift & UINT64_MAX >> 1) | sign);
    }
}

size_t column_value_next(struct column_value_reader *r, double *ret)
{
    if (r->kind == COLUMN_XOR) return column_xor_next(&r->xors, ret);
    int64_t x[COLUMN_GROUP];
    size_t count = column_int_next(&r->ints, x);
    if (r->kind == COLUMN_BITS) {
        from_bits(ret, x, count, r->shift);
        return count;
    }
    double power = column_value_powers[r->digits];
    for (size_t i = 0; i < count; i++) ret[i] = (double)x[i] / power;
    return place_exceptions(r, ret, count) ? count : 0;
}

bool column_value_ended(const struct column_value_reader *r)
{
    if (r->kind == COLUMN_XOR) return column_xor_ended(&r->xors);
    return column_int_ended(&r->ints) && !r->exceptions_left;
}
