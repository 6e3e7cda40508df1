/* disk -- what one durable append costs on this disk right now: 4 KiB and an fdatasync, N times,
 * in a preallocated file as the log uses it.   disk DIR N   prints one JSON object. */
#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static char page[4096];
    if (argc != 3) return 2;
    long n = strtol(argv[2], NULL, 10);
    char path[4096];
    snprintf(path, sizeof path, "%s/disk.tmp", argv[1]);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    int64_t *took = calloc((size_t)n, sizeof *took);
    if (fd < 0 || !took) return 1;
    memset(page, 7, sizeof page);
    for (long i = 0; i < n; i++)
        if (pwrite(fd, page, sizeof page, i * 4096) != 4096) return 1;
    if (fsync(fd)) return 1;
    for (long i = 0; i < n; i++) {
        int64_t start = clock_mono_ns(clock_real());
        if (pwrite(fd, page, sizeof page, i * 4096) != 4096 || fdatasync(fd)) return 1;
        took[i] = clock_mono_ns(clock_real()) - start;
    }
    close(fd);
    unlink(path);
    qsort(took, (size_t)n, sizeof *took, compare);
    printf("{\"p50Ms\":%.3f,\"p99Ms\":%.3f}\n", (double)took[n / 2] / 1e6,
           (double)took[n * 99 / 100] / 1e6);
    return 0;
}
