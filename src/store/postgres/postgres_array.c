/* Arrays on the wire (see postgres_array.h). */
#include "store/postgres/postgres_array.h"

#include <string.h>

enum { HEAD = 20, ELEMENT = 12, TYPE_INT8 = 20, TYPE_FLOAT8 = 701 };

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void put64(uint8_t *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, sizeof v);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap64(v);
}

/* The head of an array of n; its elements follow. */
static uint8_t *begin(struct arena *a, uint32_t type, size_t n, struct bytes *ret)
{
    uint8_t *p = arena_alloc(a, HEAD + n * ELEMENT);
    *ret = bytes_of(p, p ? HEAD + n * ELEMENT : 0);
    if (!p) return NULL;
    put32(p, 1);
    put32(p + 4, 0);
    put32(p + 8, type);
    put32(p + 12, (uint32_t)n);
    put32(p + 16, 1);
    return p + HEAD;
}

struct bytes postgres_array_of_ints(struct arena *a, const int64_t *v, size_t n)
{
    struct bytes all;
    uint8_t *p = begin(a, TYPE_INT8, n, &all);
    for (size_t i = 0; p && i < n; i++, p += ELEMENT) {
        put32(p, 8);
        put64(p + 4, (uint64_t)v[i]);
    }
    return all;
}

struct bytes postgres_array_of_reals(struct arena *a, const double *v, size_t n)
{
    struct bytes all;
    uint8_t *p = begin(a, TYPE_FLOAT8, n, &all);
    for (size_t i = 0; p && i < n; i++, p += ELEMENT) {
        uint64_t bits;
        memcpy(&bits, &v[i], sizeof bits);
        put32(p, 8);
        put64(p + 4, bits);
    }
    return all;
}

bool postgres_array_read(const char *bytes, int length, struct postgres_array *ret)
{
    const uint8_t *p = (const uint8_t *)bytes;
    if (length < HEAD || get32(p) != 1 || get32(p + 4) != 0) return false;
    size_t n = get32(p + 12);
    if ((size_t)length != HEAD + n * ELEMENT) return false;
    *ret = (struct postgres_array){p + HEAD, n};
    return true;
}

int64_t postgres_array_int(const struct postgres_array *a, size_t i)
{
    return (int64_t)get64(a->elements + i * ELEMENT + 4);
}

double postgres_array_real(const struct postgres_array *a, size_t i)
{
    uint64_t bits = get64(a->elements + i * ELEMENT + 4);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}
