/* Sorting samples (see sample_sort.h). Devices send nearly in order: runs that already follow each
 * other are left where they are. */
#include "store/embedded/sample_sort.h"

#include <string.h>

static bool is_sorted(const struct sample *a, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (a[i - 1].ts_ns >= a[i].ts_ns) return false;
    return true;
}

/* Merges a[0 .. middle) and a[middle .. n); only the left half is moved aside. */
static void merge(struct sample *a, size_t middle, size_t n, struct sample *scratch)
{
    if (a[middle - 1].ts_ns <= a[middle].ts_ns) return;
    memcpy(scratch, a, middle * sizeof *a);
    size_t left = 0, right = middle, to = 0;
    while (left < middle && right < n)
        a[to++] = a[right].ts_ns < scratch[left].ts_ns ? a[right++] : scratch[left++];
    memcpy(a + to, scratch + left, (middle - left) * sizeof *a);
}

size_t sample_sort_unique(struct sample *a, size_t n, struct sample *scratch)
{
    if (is_sorted(a, n)) return n;
    for (size_t width = 1; width < n; width *= 2)
        for (size_t at = 0; at + width < n; at += 2 * width) {
            size_t end = n - at < 2 * width ? n - at : 2 * width;
            merge(a + at, width, end, scratch);
        }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept && a[kept - 1].ts_ns == a[i].ts_ns) kept--;
        a[kept++] = a[i];
    }
    return kept;
}
