/* Memory of one request or batch (see arena.h). */
#include "base/arena.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

struct arena_page {
    struct arena_page *next;
    size_t bytes; /* this header included */
};

enum { PAGE_MIN = 4096, PAGE_KEEP = 16384, PAGE_MAX = 1 << 20, ALIGN = 16 };

void arena_init(struct arena *a, size_t max_bytes)
{
    *a = (struct arena){.max_bytes = max_bytes};
}

void arena_done(struct arena *a)
{
    while (a->pages) {
        struct arena_page *page = a->pages;
        a->pages = page->next;
        mem_free(page);
    }
    arena_init(a, a->max_bytes);
}

static void use_page(struct arena *a, struct arena_page *page)
{
    a->at = (char *)page + ALIGN; /* the header is 16 bytes, a multiple of ALIGN */
    a->end = (char *)page + page->bytes;
}

void arena_reset(struct arena *a)
{
    struct arena_page *keep = NULL;
    while (a->pages) {
        struct arena_page *page = a->pages;
        a->pages = page->next;
        if (!keep && page->bytes <= PAGE_KEEP)
            keep = page;
        else
            mem_free(page);
    }
    arena_init(a, a->max_bytes);
    if (!keep) return;
    keep->next = NULL;
    a->pages = keep;
    a->used_bytes = keep->bytes;
    use_page(a, keep);
}

static void *alloc_page(struct arena *a, size_t n)
{
    _Static_assert(sizeof(struct arena_page) <= ALIGN, "header fits its slot");
    size_t want = a->used_bytes < PAGE_MIN ? PAGE_MIN : a->used_bytes; /* doubles */
    if (want > PAGE_MAX) want = PAGE_MAX;
    if (n > SIZE_MAX - ALIGN) return NULL;
    if (want < n + ALIGN) want = n + ALIGN;
    if (want > a->max_bytes - a->used_bytes) want = n + ALIGN;
    if (want > a->max_bytes - a->used_bytes) return NULL;
    struct arena_page *page = mem_alloc(want);
    if (!page) return NULL;
    *page = (struct arena_page){a->pages, want};
    a->pages = page;
    a->used_bytes += want;
    use_page(a, page);
    void *p = a->at;
    a->at += n;
    return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > SIZE_MAX - ALIGN) return NULL;
    n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (a->at && n <= (size_t)(a->end - a->at)) {
        void *p = a->at;
        a->at += n;
        return p;
    }
    return alloc_page(a, n);
}

void *arena_zalloc(struct arena *a, size_t n)
{
    void *p = arena_alloc(a, n);
    return p ? memset(p, 0, n) : NULL;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t n;
    return __builtin_mul_overflow(count, size, &n) ? NULL : arena_zalloc(a, n);
}

struct bytes arena_copy(struct arena *a, struct bytes s)
{
    char *p = s.n == SIZE_MAX ? NULL : arena_alloc(a, s.n + 1);
    if (!p) return bytes_of(NULL, 0);
    if (s.n) memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return bytes_of(p, s.n);
}

char *arena_copy_str(struct arena *a, const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = arena_alloc(a, n);
    return p ? memcpy(p, s, n) : NULL;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (p) vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    va_end(args);
    return p;
}
