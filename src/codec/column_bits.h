#pragma once
/* codec/column_bits.h -- the smallest pieces of the stored formats: little-endian words, varints,
 * zigzag. Reading them back is codec/column_in.h.
 * Bytes: store/embedded/FORMAT.md, "Conventions".
 * Threads: any.   Memory: everything is borrowed. */
#include "base/buf.h"

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define COLUMN_VARINT_MAX 10u

static inline uint64_t column_load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return le64toh(v);
}
static inline uint32_t column_load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return le32toh(v);
}
static inline uint16_t column_load16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return le16toh(v);
}
static inline void column_store64(uint8_t *p, uint64_t v)
{
    v = htole64(v);
    memcpy(p, &v, sizeof v);
}
static inline void column_store32(uint8_t *p, uint32_t v)
{
    v = htole32(v);
    memcpy(p, &v, sizeof v);
}
static inline void column_store16(uint8_t *p, uint16_t v)
{
    v = htole16(v);
    memcpy(p, &v, sizeof v);
}

static inline uint64_t column_zigzag(uint64_t x)
{
    return (x << 1) ^ (0 - (x >> 63));
}
static inline uint64_t column_unzigzag(uint64_t z)
{
    return (z >> 1) ^ (0 - (z & 1));
}
static inline uint64_t column_double_bits(double v)
{
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}
static inline double column_bits_double(uint64_t u)
{
    double v;
    memcpy(&v, &u, sizeof v);
    return v;
}

/* Append to a growing buffer; what did not fit is seen in out->err. */
static inline void column_put_varint(struct buf *out, uint64_t v)
{
    uint8_t bytes[COLUMN_VARINT_MAX];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7) bytes[n++] = (uint8_t)(v | 0x80);
    bytes[n++] = (uint8_t)v;
    buf_add(out, bytes, n);
}
static inline void column_put_zigzag(struct buf *out, uint64_t v)
{
    column_put_varint(out, column_zigzag(v));
}
static inline void column_put_u8(struct buf *out, unsigned v)
{
    buf_add_char(out, (char)(uint8_t)v);
}
static inline void column_put_u32(struct buf *out, uint32_t v)
{
    uint8_t bytes[4];
    column_store32(bytes, v);
    buf_add(out, bytes, sizeof bytes);
}
static inline void column_put_u64(struct buf *out, uint64_t v)
{
    uint8_t bytes[8];
    column_store64(bytes, v);
    buf_add(out, bytes, sizeof bytes);
}
