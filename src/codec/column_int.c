/* Integer columns (see column_int.h). The encoder takes out the greatest common unit (times by the
 * second in nanoseconds), then guesses for each order of prediction how many bits its residuals
 * have and keeps the best. The usual residual is a median of a few, so that one gap does not spoil
 * the rest. */
#include "codec/column_int.h"

#include "codec/column_in.h"

#define SHAPE_ORDER 3u
#define SHAPE_FLAT  4u
#define SHAPE_UNIT  8u
#define MEDIAN_OF   33u

static uint64_t magnitude(uint64_t d)
{
    return d >> 63 ? 0 - d : d;
}

static uint64_t difference(const int64_t *x, size_t i)
{
    return (uint64_t)x[i] - (uint64_t)x[i - 1];
}

/* The greatest number that divides every step; 0 when there is no step at all. Most data that has
 * no unit shows it within a few values. */
static uint64_t find_unit(const int64_t *x, size_t n)
{
    uint64_t unit = 0;
    for (size_t i = 1; i < n && unit != 1; i++) {
        uint64_t step = magnitude(difference(x, i));
        if (!unit) unit = step;
        while (unit && step % unit) {
            uint64_t rest = step % unit;
            step = unit;
            unit = rest;
        }
    }
    return unit;
}

static bool step_is_constant(const int64_t *x, size_t n)
{
    for (size_t i = 2; i < n; i++)
        if (difference(x, i) != difference(x, 1)) return false;
    return true;
}

/* m[i] so that x[i] = x[0] + unit * m[i]. Each step divides evenly also where it wrapped. */
static void fill_scaled(uint64_t *m, const int64_t *x, size_t n, uint64_t unit)
{
    m[0] = 0;
    if (unit == 1) {
        for (size_t i = 1; i < n; i++) m[i] = (uint64_t)x[i] - (uint64_t)x[0];
        return;
    }
    for (size_t i = 1; i < n; i++) {
        uint64_t d = difference(x, i), steps = magnitude(d) / unit;
        m[i] = m[i - 1] + (d >> 63 ? 0 - steps : steps);
    }
}

/* The residual before the usual one is taken out. */
static uint64_t raw_residual(const uint64_t *m, size_t i, unsigned order)
{
    if (order == 0) return m[i];
    if (order == 1) return m[i] - m[i - 1];
    return m[i] - 2 * m[i - 1] + m[i - 2];
}

/* A median of up to 33 residuals spread over the column. A median small beside the spread is noise,
 * and 0 is then as good. */
static uint64_t usual_residual(const uint64_t *m, size_t n, unsigned order)
{
    int64_t seen[MEDIAN_OF] = {0};
    size_t count = n - order < MEDIAN_OF ? n - order : MEDIAN_OF, used = 0;
    uint64_t spread = 0;
    for (; used < count; used++) {
        int64_t v = (int64_t)raw_residual(m, order + used * (n - order) / count, order);
        size_t at = used;
        for (; at > 0 && seen[at - 1] > v; at--) seen[at] = seen[at - 1];
        seen[at] = v;
    }
    uint64_t median = (uint64_t)seen[count / 2];
    for (size_t i = 0; i < count; i++) spread += magnitude((uint64_t)seen[i]) / count;
    return magnitude(median) < spread / 4 ? 0 : median;
}

struct choice {
    unsigned order;
    uint64_t ref;
};

static struct choice choose(const uint64_t *m, size_t n)
{
    struct choice best = {0, usual_residual(m, n, 0)};
    uint64_t least = UINT64_MAX;
    for (unsigned order = 0; order <= 2 && order < n; order++) {
        uint64_t ref = order ? usual_residual(m, n, order) : best.ref, bits = 0;
        for (size_t i = order; i < n; i++) {
            uint64_t z = column_zigzag(raw_residual(m, i, order) - ref);
            bits += 64u - (unsigned)__builtin_clzll(z | 1); /* 0 and 1 count the same */
        }
        if (bits >= least) continue;
        least = bits;
        best = (struct choice){order, ref};
    }
    return best;
}

static void put_head(struct buf *out, unsigned shape, uint64_t base, uint64_t unit)
{
    if (unit > 1) shape |= SHAPE_UNIT;
    column_put_u8(out, shape);
    column_put_zigzag(out, base);
    if (unit > 1) column_put_varint(out, unit);
}

/* Residuals of m[at .. at + count) as zigzag; the first `order` of a column are 0 by definition. */
static void fill_residuals(uint64_t *z, const uint64_t *m, size_t at, unsigned count,
                           struct choice how)
{
    unsigned i = 0;
    for (; at + i < how.order && i < count; i++) z[i] = 0;
    m += at;
    if (how.order == 0)
        for (; i < count; i++) z[i] = column_zigzag(m[i] - how.ref);
    else if (how.order == 1)
        for (; i < count; i++) z[i] = column_zigzag(m[i] - (m + i)[-1] - how.ref);
    else
        for (; i < count; i++) z[i] = column_zigzag(m[i] - 2 * (m + i)[-1] + (m + i)[-2] - how.ref);
}

void column_int_encode(struct buf *out, const int64_t *x, size_t n, int64_t *scratch)
{
    uint64_t first = (uint64_t)x[0];
    if (step_is_constant(x, n)) {
        uint64_t step = n > 1 ? difference(x, 1) : 0;
        put_head(out, SHAPE_FLAT | (step ? 1u : 0u), first, 1);
        if (step) column_put_zigzag(out, step);
        return;
    }
    uint64_t unit = find_unit(x, n), *m = (uint64_t *)scratch;
    fill_scaled(m, x, n, unit);
    struct choice how = choose(m, n);
    put_head(out, how.order, how.order ? first : first + unit * how.ref, unit);
    if (how.order) column_put_zigzag(out, how.ref);
    if (how.order == 2) column_put_zigzag(out, m[1]);
    for (size_t at = 0; at < n; at += COLUMN_GROUP) {
        uint64_t z[COLUMN_GROUP];
        unsigned count = n - at < COLUMN_GROUP ? (unsigned)(n - at) : COLUMN_GROUP;
        fill_residuals(z, m, at, count, how);
        char *to = buf_reserve(out, COLUMN_GROUP_MAX_BYTES);
        if (!to) return;
        buf_advance(out, column_group_encode((uint8_t *)to, z, count));
    }
}

bool column_int_open(struct column_int_reader *r, const uint8_t *p, size_t n, size_t count)
{
    struct column_in in = column_in_of(p, n);
    unsigned shape = column_get_u8(&in);
    *r = (struct column_int_reader){.unit = 1, .left = count};
    r->order = shape & SHAPE_ORDER;
    r->flat = shape & SHAPE_FLAT;
    r->base = column_get_zigzag(&in);
    if (shape & SHAPE_UNIT) r->unit = column_get_varint(&in);
    if (r->order) r->ref = column_get_zigzag(&in);
    r->m = 0 - r->ref;
    if (r->order == 2) {
        uint64_t lead = column_get_zigzag(&in);
        r->d = lead - 2 * r->ref;
        r->m = r->ref - lead;
    }
    r->p = in.p;
    r->end = in.end;
    if (in.bad || shape > 15 || r->order > 2) return false;
    if (shape & SHAPE_UNIT && r->unit < 2) return false;
    return !r->flat || r->p == r->end;
}

size_t column_int_next(struct column_int_reader *r, int64_t *ret)
{
    uint64_t z[COLUMN_GROUP], m = r->m, d = r->d;
    unsigned count = r->left < COLUMN_GROUP ? (unsigned)r->left : COLUMN_GROUP;
    if (!count) return 0;
    if (r->flat) {
        memset(z, 0, sizeof z);
    } else {
        const uint8_t *next = column_group_decode(r->p, r->end, z, count);
        if (!next) return 0;
        r->p = next;
    }
    const uint64_t base = r->base, unit = r->unit, ref = r->ref;
    if (r->order == 0)
        for (unsigned i = 0; i < count; i++)
            ret[i] = (int64_t)(base + unit * column_unzigzag(z[i]));
    else if (r->order == 1)
        for (unsigned i = 0; i < count; i++) {
            m += ref + column_unzigzag(z[i]);
            ret[i] = (int64_t)(base + unit * m);
        }
    else
        for (unsigned i = 0; i < count; i++) {
            d += ref + column_unzigzag(z[i]);
            m += d;
            ret[i] = (int64_t)(base + unit * m);
        }
    r->m = m;
    r->d = d;
    r->left -= count;
    return count;
}
