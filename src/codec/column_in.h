#pragma once
/* codec/column_in.h -- reads what codec/column_bits.h puts, and cannot leave its bytes.
 * Bytes: store/embedded/FORMAT.md, "Conventions".
 * Threads: owner only.   Memory: a struct column_in borrows its bytes. */
#include "codec/column_bits.h"

/* Bytes being read. Past the end every get answers 0 and `bad` stays set: look once, at the end. */
struct column_in {
    const uint8_t *p, *end;
    bool bad;
};

static inline struct column_in column_in_of(const void *p, size_t n)
{
    return (struct column_in){p, (const uint8_t *)p + n, false};
}
static inline size_t column_left(const struct column_in *in)
{
    return (size_t)(in->end - in->p);
}
/* n bytes, or NULL. */
static inline const uint8_t *column_get(struct column_in *in, size_t n)
{
    if (in->bad || column_left(in) < n) {
        in->bad = true;
        return NULL;
    }
    in->p += n;
    return in->p - n;
}
static inline uint8_t column_get_u8(struct column_in *in)
{
    const uint8_t *p = column_get(in, 1);
    return p ? *p : 0;
}
static inline uint32_t column_get_u32(struct column_in *in)
{
    const uint8_t *p = column_get(in, 4);
    return p ? column_load32(p) : 0;
}
static inline uint64_t column_get_u64(struct column_in *in)
{
    const uint8_t *p = column_get(in, 8);
    return p ? column_load64(p) : 0;
}
static inline uint64_t column_get_varint(struct column_in *in)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t b = column_get_u8(in);
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) {
            if (shift == 63 && b > 1) in->bad = true; /* more than 64 bits */
            return v;
        }
    }
    in->bad = true;
    return 0;
}
static inline uint64_t column_get_zigzag(struct column_in *in)
{
    return column_unzigzag(column_get_varint(in));
}
