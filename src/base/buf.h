#pragma once
/* base/buf.h -- a growing buffer that is told its ceiling at birth. Errors stick: append as often
 * as needed, then look at buf.err once.   Threads: owner only.   Memory: owns its bytes. */
#include "base/bytes.h"
#include "base/err.h"

struct buf {
    char *p;      /* owned */
    size_t n;     /* bytes used */
    size_t cap;   /* bytes allocated */
    size_t max;   /* bytes at most, ever */
    enum err err; /* ERR_NOMEM or ERR_TOOLARGE once something did not fit; sticky until buf_clear */
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_done(struct buf *b);
void buf_clear(struct buf *b); /* keeps the memory, forgets content and error */
/* Room for n more bytes at b->p + b->n; NULL (and b->err) when that cannot be. */
char *buf_reserve(struct buf *b, size_t n);
/* Claims n bytes that were written into the reserved room. */
static inline void buf_advance(struct buf *b, size_t n)
{
    b->n += n;
}
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_bytes(struct buf *b, struct bytes s);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_add_u64(struct buf *b, uint64_t v); /* decimal */
void buf_add_i64(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Drops the first n bytes, keeps the rest. */
void buf_shift(struct buf *b, size_t n);
static inline struct bytes buf_bytes(const struct buf *b)
{
    return (struct bytes){b->p, b->n};
}
/* Ends the content with a NUL that is not counted; "" when there is no memory. */
const char *buf_cstr(struct buf *b);
