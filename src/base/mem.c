/* The only allocator (see mem.h). */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Counted without ordering: a test reads them when its threads are at rest. */
static _Atomic int64_t fail_countdown;
static _Atomic bool fail_fired;
static _Atomic int64_t live_blocks;

static bool must_fail(void)
{
    if (__builtin_expect(atomic_load_explicit(&fail_countdown, memory_order_relaxed) <= 0, 1))
        return false;
    if (atomic_fetch_sub_explicit(&fail_countdown, 1, memory_order_relaxed) != 1) return false;
    atomic_store_explicit(&fail_fired, true, memory_order_relaxed);
    return true;
}

static void *count_block(void *p)
{
    if (p) atomic_fetch_add_explicit(&live_blocks, 1, memory_order_relaxed);
    return p;
}

void *mem_alloc(size_t n)
{
    return must_fail() ? NULL : count_block(malloc(n ? n : 1));
}

void *mem_zalloc(size_t n)
{
    return must_fail() ? NULL : count_block(calloc(1, n ? n : 1));
}

void *mem_array(size_t count, size_t size)
{
    size_t n;
    if (__builtin_mul_overflow(count, size, &n)) return NULL;
    return mem_zalloc(n);
}

void *mem_realloc(void *p, size_t n)
{
    if (!p) return mem_alloc(n);
    return must_fail() ? NULL : realloc(p, n ? n : 1);
}

char *mem_copy(const void *p, size_t n)
{
    char *copy = n == SIZE_MAX ? NULL : mem_alloc(n + 1);
    if (!copy) return NULL;
    if (n) memcpy(copy, p, n);
    copy[n] = 0;
    return copy;
}

char *mem_copy_str(const char *s)
{
    return mem_copy(s, strlen(s));
}

void mem_free(void *p)
{
    if (!p) return;
    atomic_fetch_sub_explicit(&live_blocks, 1, memory_order_relaxed);
    free(p);
}

void mem_fail_at(int64_t n)
{
    atomic_store(&fail_fired, false);
    atomic_store(&fail_countdown, n);
}

bool mem_fail_fired(void)
{
    return atomic_load(&fail_fired);
}

int64_t mem_blocks(void)
{
    return atomic_load(&live_blocks);
}
