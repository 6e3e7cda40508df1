/* Groups of 128 residuals (see column_group.h).
 *
 * The three forms answer three sorts of data. Packed: all values use about the same number of bits
 * (uniform noise). Rice: bell-shaped residuals of random walks, where the rare large ones would
 * make all others wide; it is within 1 % of the entropy there. Patched: mostly tiny values and a
 * few jumps, which Rice would pay in unary. The sizes are computed exactly before anything is
 * written. */
#include "codec/column_group.h"

#include "codec/column_bits.h"

#define RICE_MAX_K    56u
#define FIRST_RICE    65u
#define FIRST_PATCHED 128u

static unsigned bit_length(uint64_t z)
{
    return z ? 64u - (unsigned)__builtin_clzll(z) : 0;
}

static size_t bytes_of_bits(uint64_t bits)
{
    return (size_t)((bits + 7) / 8);
}

static uint64_t low_mask(unsigned width)
{
    return width >= 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
}

/* Writes whole words: up to 7 bytes behind the last one are touched. Bits above `width` are cut. */
static uint8_t *pack(uint8_t *out, const uint64_t *z, unsigned count, unsigned width)
{
    uint64_t word = 0, mask = low_mask(width);
    unsigned fill = 0;
    uint8_t *end = out + bytes_of_bits((uint64_t)count * width);
    if (!width) return end;
    for (unsigned i = 0; i < count; i++) {
        uint64_t v = z[i] & mask;
        word |= v << fill;
        fill += width;
        if (fill < 64) continue;
        column_store64(out, word);
        out += 8;
        fill -= 64;
        word = fill ? v >> (width - fill) : 0;
    }
    if (fill) column_store64(out, word);
    return end;
}

/* NULL when the bits do not end before `end`. One load per value as long as 7 + width <= 64. */
static const uint8_t *unpack(const uint8_t *p, const uint8_t *end, uint64_t *z, unsigned count,
                             unsigned width)
{
    size_t n = bytes_of_bits((uint64_t)count * width);
    if ((size_t)(end - p) < n) return NULL;
    uint64_t mask = low_mask(width);
    if (!width) {
        memset(z, 0, count * sizeof *z);
    } else if (width <= 57) {
        for (size_t i = 0, at = 0; i < count; i++, at += width)
            z[i] = column_load64(p + at / 8) >> (at % 8) & mask;
    } else {
        for (size_t i = 0, at = 0; i < count; i++, at += width) {
            unsigned shift = (unsigned)(at % 8);
            uint64_t v = column_load64(p + at / 8) >> shift;
            if (shift + width > 64) v |= (uint64_t)p[at / 8 + 8] << (64 - shift);
            z[i] = v & mask;
        }
    }
    return p + n;
}

/* What is known of a group before its form is chosen. */
struct plan {
    size_t bytes; /* of the best so far */
    unsigned head, width, exceptions, high;
};

static void plan_rice(struct plan *best, const uint64_t *z, unsigned count, unsigned widest)
{
    if (widest > RICE_MAX_K) return;
    uint64_t sum = 0; /* 128 * 2^56 fits */
    for (unsigned i = 0; i < count; i++) sum += z[i];
    /* the best k is near log2(mean * ln 2); its two neighbours are tried as well */
    unsigned middle = bit_length(sum * 11 / 16 / count);
    unsigned first = middle > 1 ? middle - 2 : 0;
    for (unsigned k = first; k <= middle && k <= RICE_MAX_K; k++) {
        uint64_t unary = count;
        for (unsigned i = 0; i < count; i++) unary += z[i] >> k;
        if (unary > COLUMN_GROUP * 64) continue;
        size_t bytes = 1 + bytes_of_bits((uint64_t)count * k) + bytes_of_bits(unary);
        if (bytes < best->bytes) *best = (struct plan){bytes, FIRST_RICE + k, k, 0, 0};
    }
}

static void plan_patched(struct plan *best, const uint64_t *z, unsigned count, unsigned widest)
{
    uint8_t lengths[65] = {0}; /* how many values need exactly that many bits */
    for (unsigned i = 0; i < count; i++) lengths[bit_length(z[i])]++;
    unsigned above = 0;
    for (unsigned width = widest; width-- > 0;) {
        above += lengths[width + 1];
        unsigned high = widest - width;
        size_t bytes = 3 + bytes_of_bits((uint64_t)count * width) + above +
                       bytes_of_bits((uint64_t)above * high);
        if (bytes < best->bytes)
            *best = (struct plan){bytes, FIRST_PATCHED + width, width, above, high};
    }
}

static void write_rice(uint8_t *out, const uint64_t *z, unsigned count, unsigned k)
{
    out = pack(out, z, count, k);
    uint64_t word = 0, fill = 0;
    for (unsigned i = 0; i < count; i++) {
        fill += z[i] >> k;
        for (; fill >= 64; fill -= 64, out += 8) {
            column_store64(out, word);
            word = 0;
        }
        word |= UINT64_C(1) << fill++;
    }
    /* only the bytes that are used: the group's room ends with them */
    for (; fill > 0; fill = fill > 8 ? fill - 8 : 0, word >>= 8) *out++ = (uint8_t)word;
}

static void write_patched(uint8_t *out, const uint64_t *z, unsigned count, const struct plan *plan)
{
    uint64_t high[COLUMN_GROUP];
    uint8_t positions[COLUMN_GROUP];
    unsigned n = 0;
    for (unsigned i = 0; i < count; i++) {
        if (z[i] >> plan->width == 0) continue;
        positions[n] = (uint8_t)i;
        high[n++] = z[i] >> plan->width;
    }
    *out++ = (uint8_t)plan->exceptions;
    *out++ = (uint8_t)plan->high;
    out = pack(out, z, count, plan->width);
    memcpy(out, positions, n);
    pack(out + n, high, n, plan->high);
}

size_t column_group_encode(uint8_t *out, const uint64_t *z, unsigned count)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < count; i++) all |= z[i];
    unsigned widest = bit_length(all);
    struct plan plan = {1 + bytes_of_bits((uint64_t)count * widest), widest, widest, 0, 0};
    if (widest) {
        plan_rice(&plan, z, count, widest);
        plan_patched(&plan, z, count, widest);
    }
    *out++ = (uint8_t)plan.head;
    if (plan.head < FIRST_RICE)
        pack(out, z, count, plan.width);
    else if (plan.head < FIRST_PATCHED)
        write_rice(out, z, count, plan.width);
    else
        write_patched(out, z, count, &plan);
    return plan.bytes;
}

/* Adds the unary parts to z, which holds the low ones. A word may reach behind `end`; the place of
 * the last 1-bit tells in the end whether the group did. */
static const uint8_t *read_unary(const uint8_t *p, const uint8_t *end, uint64_t *z, unsigned count,
                                 unsigned k)
{
    unsigned i = 0;
    uint64_t behind = 0; /* the bit behind the last 1-bit seen */
    for (uint64_t base = 0; i < count; base += 64) {
        if ((uint64_t)(end - p) <= base / 8) return NULL;
        uint64_t word = column_load64(p + base / 8);
        for (; word && i < count; word &= word - 1) {
            uint64_t at = base + (unsigned)__builtin_ctzll(word);
            z[i++] |= (at - behind) << k;
            behind = at + 1;
        }
    }
    size_t n = bytes_of_bits(behind);
    return (size_t)(end - p) < n ? NULL : p + n;
}

static const uint8_t *read_patched(const uint8_t *p, const uint8_t *end, uint64_t *z,
                                   unsigned count, unsigned width)
{
    if (end - p < 2) return NULL;
    unsigned exceptions = *p++, high_width = *p++;
    if (exceptions == 0 || exceptions > count || high_width == 0 || high_width > 64 - width)
        return NULL;
    p = unpack(p, end, z, count, width);
    if (!p || (size_t)(end - p) < exceptions) return NULL;
    const uint8_t *positions = p;
    uint64_t high[COLUMN_GROUP];
    p = unpack(p + exceptions, end, high, exceptions, high_width);
    if (!p) return NULL;
    unsigned least = 0;
    for (unsigned i = 0; i < exceptions; i++) {
        if (positions[i] < least || positions[i] >= count) return NULL;
        z[positions[i]] |= high[i] << width;
        least = positions[i] + 1u;
    }
    return p;
}

const uint8_t *column_group_decode(const uint8_t *p, const uint8_t *end, uint64_t *z,
                                   unsigned count)
{
    if (p >= end) return NULL;
    unsigned head = *p++;
    if (head < FIRST_RICE) return unpack(p, end, z, count, head);
    if (head <= FIRST_RICE + RICE_MAX_K) {
        p = unpack(p, end, z, count, head - FIRST_RICE);
        return p ? read_unary(p, end, z, count, head - FIRST_RICE) : NULL;
    }
    if (head < FIRST_PATCHED || head >= FIRST_PATCHED + 64) return NULL;
    return read_patched(p, end, z, count, head - FIRST_PATCHED);
}
