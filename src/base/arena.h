#pragma once
/* base/arena.h -- memory of one request or one batch: allocate freely, give all back at once.
 * Threads: owner only.   Memory: everything handed out is borrowed until reset or done. */
#include "base/bytes.h"

struct arena_page;

struct arena {
    struct arena_page *pages; /* newest first */
    char *at, *end;           /* free room in the newest page */
    size_t used_bytes;        /* pages allocated, in all */
    size_t max_bytes;         /* ceiling of used_bytes */
};

void arena_init(struct arena *a, size_t max_bytes);
void arena_done(struct arena *a);
/* Gives everything back except one page of 16 KiB at most, so a reused arena asks the heap rarely.
 */
void arena_reset(struct arena *a);
/* 16-byte aligned, not zeroed; NULL past the ceiling or without memory. */
void *arena_alloc(struct arena *a, size_t n) __attribute__((warn_unused_result));
void *arena_zalloc(struct arena *a, size_t n) __attribute__((warn_unused_result));
void *arena_array(struct arena *a, size_t count, size_t size) __attribute__((warn_unused_result));
/* A copy with a NUL behind it; the returned run has p == NULL when there is no room. */
struct bytes arena_copy(struct arena *a, struct bytes s) __attribute__((warn_unused_result));
char *arena_copy_str(struct arena *a, const char *s) __attribute__((warn_unused_result));
char *arena_printf(struct arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3), warn_unused_result));
