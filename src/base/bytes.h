#pragma once
/* base/bytes.h -- a borrowed run of bytes. It never owns, is never written through, and carries no
 * terminator.   Threads: any (values).   Memory: borrowed from whoever made it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const char *p;
    size_t n;
};

#define BYTES(literal) ((struct bytes){"" literal, sizeof(literal) - 1})

static inline struct bytes bytes_of(const void *p, size_t n)
{
    return (struct bytes){p, n};
}

/* NULL gives the empty run. */
static inline struct bytes bytes_str(const char *s)
{
    return (struct bytes){s, s ? strlen(s) : 0};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool bytes_is(struct bytes a, const char *s)
{
    return bytes_equal(a, bytes_str(s));
}

/* ASCII letters fold, everything else compares as it is. */
bool bytes_equal_nocase(struct bytes a, struct bytes b);
bool bytes_starts(struct bytes a, struct bytes prefix);
/* Without ASCII blanks, tabs, CR and LF at both ends. */
struct bytes bytes_trim(struct bytes a);
/* Lexicographic by unsigned byte, shorter first on a tie: <0, 0, >0. */
int bytes_compare(struct bytes a, struct bytes b);
/* Cuts `a` at the first `c`: *ret_head is what stands before, the result what stands behind it.
 * Without `c` the head is all of `a` and the result has p == NULL. */
struct bytes bytes_cut(struct bytes a, char c, struct bytes *ret_head);
/* Unsigned decimal digits only, no sign, no blanks; false on anything else or overflow. */
bool bytes_to_u64(struct bytes a, uint64_t *ret);
/* Optional '-', then digits. */
bool bytes_to_i64(struct bytes a, int64_t *ret);
/* Well-formed UTF-8 as of RFC 3629 (no surrogates, no overlong forms). */
bool bytes_is_utf8(struct bytes a);
/* Hash for tables in memory, keyed by a per-process random seed so that nobody can aim at buckets.
 * Never stored, never sent.  (A 64-bit multiply-and-fold over 8-byte words.) */
uint64_t bytes_hash(struct bytes a, uint64_t seed);
