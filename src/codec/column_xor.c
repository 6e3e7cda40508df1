/* XOR columns (see column_xor.h). Bits are written lowest first, unlike in the paper, so that a
 * value is one shift of one or two loaded words. */
#include "codec/column_xor.h"

#include "codec/column_bits.h"

#define VALUE_MAX_BITS 77u /* 2 + 5 + 6 + 64 */

struct bit_writer {
    uint8_t *p;
    uint64_t word;
    unsigned fill;
};

static void put_bits(struct bit_writer *w, uint64_t v, unsigned width)
{
    w->word |= v << w->fill;
    w->fill += width;
    if (w->fill < 64) return;
    column_store64(w->p, w->word);
    w->p += 8;
    w->fill -= 64;
    w->word = w->fill ? v >> (width - w->fill) : 0;
}

struct window {
    unsigned leading, width;
};

static void put_value(struct bit_writer *w, uint64_t x, struct window *last)
{
    if (!x) {
        put_bits(w, 0, 1);
        return;
    }
    unsigned leading = (unsigned)__builtin_clzll(x), trailing = (unsigned)__builtin_ctzll(x);
    if (leading > 31) leading = 31;
    unsigned shift = 64 - last->leading - last->width;
    if (last->width && leading >= last->leading && trailing >= shift) {
        put_bits(w, 1, 2);
        put_bits(w, x >> shift, last->width);
        return;
    }
    *last = (struct window){leading, 64 - leading - trailing};
    put_bits(w, 3u | (uint64_t)leading << 2 | (uint64_t)(last->width - 1) << 7, 13);
    put_bits(w, x >> trailing, last->width);
}

void column_xor_encode(struct buf *out, const double *v, size_t n)
{
    char *to = buf_reserve(out, 16 + (n * VALUE_MAX_BITS + 7) / 8);
    if (!to) return;
    uint64_t before = column_double_bits(v[0]);
    column_store64((uint8_t *)to, before);
    struct bit_writer w = {(uint8_t *)to + 8, 0, 0};
    struct window last = {0, 0};
    for (size_t i = 1; i < n; i++) {
        uint64_t bits = column_double_bits(v[i]);
        put_value(&w, bits ^ before, &last);
        before = bits;
    }
    column_store64(w.p, w.word);
    buf_advance(out, (size_t)(w.p - (uint8_t *)to) + (w.fill + 7) / 8);
}

bool column_xor_open(struct column_xor_reader *r, const uint8_t *p, size_t n, size_t count)
{
    if (n < 8) return false;
    *r = (struct column_xor_reader){.p = p + 8, .left = count, .last = column_load64(p)};
    r->bits = (uint64_t)(n - 8) * 8;
    return true;
}

/* The caller has looked that bit <= bits: the load stays in the column and its 8 bytes behind. */
static uint64_t peek(const struct column_xor_reader *r)
{
    return column_load64(r->p + r->bit / 8) >> (r->bit % 8);
}

static bool read_value(struct column_xor_reader *r)
{
    uint64_t head = peek(r);
    if (!(head & 1)) {
        r->bit++;
        return r->bit <= r->bits;
    }
    if (head & 2) {
        r->leading = (unsigned)(head >> 2 & 31);
        r->width = (unsigned)(head >> 7 & 63) + 1;
        r->bit += 13;
    } else {
        r->bit += 2;
    }
    if (!r->width || r->leading + r->width > 64 || r->bit + r->width > r->bits) return false;
    uint64_t v = peek(r);
    unsigned got = 64 - (unsigned)(r->bit % 8);
    if (got < r->width) v |= (uint64_t)r->p[r->bit / 8 + 8] << got;
    if (r->width < 64) v &= (UINT64_C(1) << r->width) - 1;
    r->bit += r->width;
    r->last ^= v << (64 - r->leading - r->width);
    return true;
}

size_t column_xor_next(struct column_xor_reader *r, double *ret)
{
    size_t count = r->left < COLUMN_GROUP ? r->left : COLUMN_GROUP;
    for (size_t i = 0; i < count; i++) {
        if (r->started && !read_value(r)) return 0;
        r->started = true;
        ret[i] = column_bits_double(r->last);
    }
    r->left -= count;
    return count;
}

bool column_xor_ended(const struct column_xor_reader *r)
{
    return r->left == 0 && (r->bit + 7) / 8 == r->bits / 8;
}
