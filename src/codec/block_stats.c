/* The statistics of a column in the directory of its block: five doubles, in some ten bytes when
 * they are decimals as the column is. */
#include "codec/block_parts.h"

#include <math.h>

enum { FORM_PLAIN, FORM_DECIMAL, FORM_DECIMAL_PLAIN_SUM, FORM_CONSTANT };

static bool same_bits(double a, double b)
{
    return column_double_bits(a) == column_double_bits(b);
}

/* Neumaier, ZAMM 54 (1974): the lost low parts are summed apart. Infinities make the correction
 * NaN. */
static double compensated_sum(const double *v, size_t n)
{
    double sum = 0, lost = 0;
    for (size_t i = 0; i < n; i++) {
        double t = sum + v[i];
        lost += fabs(sum) >= fabs(v[i]) ? (sum - t) + v[i] : (v[i] - t) + sum;
        sum = t;
    }
    return isfinite(lost) ? sum + lost : sum;
}

struct block_stats block_stats_of(const double *v, size_t n, const struct column_shape *shape)
{
    struct block_stats s = {.first = v[0], .last = v[n - 1]};
    size_t i = 0;
    while (i + 1 < n && isnan(v[i])) i++;
    s.min = s.max = v[i];
    for (; i < n; i++) {
        if (v[i] < s.min) s.min = v[i];
        if (v[i] > s.max) s.max = v[i];
    }
    s.sum =
        shape->has_sum ? column_value_unscale(shape->sum_k, shape->digits) : compensated_sum(v, n);
    return s;
}

bool block_stats_has_digits(unsigned form)
{
    return form == FORM_DECIMAL || form == FORM_DECIMAL_PLAIN_SUM;
}

unsigned block_stats_form(const struct block_stats *s, const struct column_shape *shape)
{
    int64_t k;
    if (shape->kind == COLUMN_DECIMAL && column_value_scale(s->min, shape->digits, &k) &&
        column_value_scale(s->max, shape->digits, &k) &&
        column_value_scale(s->first, shape->digits, &k) &&
        column_value_scale(s->last, shape->digits, &k))
        return shape->has_sum ? FORM_DECIMAL : FORM_DECIMAL_PLAIN_SUM;
    if (same_bits(s->min, s->max) && same_bits(s->min, s->first) && same_bits(s->min, s->last))
        return FORM_CONSTANT;
    return FORM_PLAIN;
}

static void put_double(struct buf *out, double v)
{
    column_put_u64(out, column_double_bits(v));
}

static int64_t scaled(double v, unsigned digits)
{
    int64_t k = 0;
    bug_if(!column_value_scale(v, digits, &k)); /* block_stats_form() has looked */
    return k;
}

void block_stats_put(struct buf *out, const struct block_stats *s, unsigned form,
                     const struct column_shape *shape)
{
    if (form == FORM_PLAIN) {
        put_double(out, s->min);
        put_double(out, s->max);
        put_double(out, s->first);
        put_double(out, s->last);
    } else if (form == FORM_CONSTANT) {
        put_double(out, s->min);
    } else {
        int64_t min = scaled(s->min, shape->digits);
        column_put_zigzag(out, (uint64_t)min);
        column_put_varint(out, (uint64_t)(scaled(s->max, shape->digits) - min));
        column_put_varint(out, (uint64_t)(scaled(s->first, shape->digits) - min));
        column_put_varint(out, (uint64_t)(scaled(s->last, shape->digits) - min));
    }
    if (form == FORM_DECIMAL)
        column_put_zigzag(out, (uint64_t)shape->sum_k);
    else
        put_double(out, s->sum);
}

static double get_double(struct column_in *in)
{
    return column_bits_double(column_get_u64(in));
}

static double get_above(struct column_in *in, uint64_t min, unsigned digits)
{
    return column_value_unscale((int64_t)(min + column_get_varint(in)), digits);
}

bool block_stats_get(struct column_in *in, unsigned form, unsigned digits, struct block_stats *ret)
{
    if (form == FORM_PLAIN) {
        ret->min = get_double(in);
        ret->max = get_double(in);
        ret->first = get_double(in);
        ret->last = get_double(in);
    } else if (form == FORM_CONSTANT) {
        ret->min = ret->max = ret->first = ret->last = get_double(in);
    } else {
        uint64_t min = column_get_zigzag(in);
        ret->min = column_value_unscale((int64_t)min, digits);
        ret->max = get_above(in, min, digits);
        ret->first = get_above(in, min, digits);
        ret->last = get_above(in, min, digits);
    }
    ret->sum = form == FORM_DECIMAL ? column_value_unscale((int64_t)column_get_zigzag(in), digits)
                                    : get_double(in);
    return !in->bad;
}
