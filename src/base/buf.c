/* A growing buffer with a ceiling (see buf.h). */
#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.max = max_bytes};
}

void buf_done(struct buf *b)
{
    mem_free(b->p);
    *b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->err = ERR_OK;
}

static char *grow(struct buf *b, size_t n)
{
    size_t need;
    if (__builtin_add_overflow(b->n, n, &need) || need > b->max) {
        b->err = ERR_TOOLARGE;
        return NULL;
    }
    size_t cap = b->cap ? b->cap : 256;
    while (cap < need) cap = cap > b->max / 2 ? b->max : cap * 2;
    if (cap > b->max) cap = b->max;
    char *p = mem_realloc(b->p, cap);
    if (!p) {
        b->err = ERR_NOMEM;
        return NULL;
    }
    b->p = p;
    b->cap = cap;
    return p + b->n;
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (b->err) return NULL;
    if (b->p && n <= b->cap - b->n) return b->p + b->n;
    return grow(b, n);
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    if (!n) return;
    char *to = buf_reserve(b, n);
    if (!to) return;
    memcpy(to, p, n);
    b->n += n;
}

void buf_add_bytes(struct buf *b, struct bytes s)
{
    buf_add(b, s.p, s.n);
}

void buf_add_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_add_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_add_u64(struct buf *b, uint64_t v)
{
    char digits[20]; /* 2^64 has 20 digits */
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + v % 10);
    while (v /= 10);
    buf_add(b, digits + at, sizeof digits - at);
}

void buf_add_i64(struct buf *b, int64_t v)
{
    if (v < 0) buf_add_char(b, '-');
    buf_add_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *to = n < 0 ? NULL : buf_reserve(b, (size_t)n + 1);
    if (to) {
        vsnprintf(to, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void buf_shift(struct buf *b, size_t n)
{
    if (n >= b->n) {
        b->n = 0;
        return;
    }
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

const char *buf_cstr(struct buf *b)
{
    char *end = buf_reserve(b, 1);
    if (!end) return "";
    *end = 0;
    return b->p;
}
