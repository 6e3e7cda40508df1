#pragma once
/* base/mem.h -- the only allocator. Every other file asks here, so that a test can make the N-th
 * allocation fail and every answer to that can be seen.   Threads: any.
 * Memory: blocks are owned by the caller until mem_free(). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL when there is no memory (or the test hook says so); n == 0 gives a valid block. */
void *mem_alloc(size_t n) __attribute__((malloc, warn_unused_result));
void *mem_zalloc(size_t n) __attribute__((malloc, warn_unused_result));
/* count * size without overflow, zeroed. */
void *mem_array(size_t count, size_t size) __attribute__((malloc, warn_unused_result));
/* As realloc: the old block stays valid on NULL. */
void *mem_realloc(void *p, size_t n) __attribute__((warn_unused_result));
/* A copy of n bytes with a NUL behind it. */
char *mem_copy(const void *p, size_t n) __attribute__((malloc, warn_unused_result));
char *mem_copy_str(const char *s) __attribute__((malloc, warn_unused_result));
void mem_free(void *p); /* NULL is fine */

/* Test hook: the n-th allocation from now on (1 = the next) of any thread fails, once; 0 = none.
 * mem_fail_fired() tells whether it was reached. Never called by the server itself. */
void mem_fail_at(int64_t n);
bool mem_fail_fired(void);
/* Allocations (not bytes) alive now: equal before and after means no leak. */
int64_t mem_blocks(void);
