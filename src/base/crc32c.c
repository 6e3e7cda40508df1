/* Castagnoli checksum: the processor's instruction where there is one, else a table of 256. */
#include "base/crc32c.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

static uint32_t table[256];
static bool hardware;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void prepare(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) c = c & 1 ? (c >> 1) ^ 0x82f63b78u : c >> 1;
        table[i] = c;
    }
#if defined(__x86_64__)
    hardware = __builtin_cpu_supports("sse4.2");
#endif
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const char *p,
                                                                 size_t n)
{
    uint64_t c = crc;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        c = __builtin_ia32_crc32di(c, word);
    }
    uint32_t c32 = (uint32_t)c;
    for (; n; p++, n--) c32 = __builtin_ia32_crc32qi(c32, (unsigned char)*p);
    return c32;
}
#endif

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
    pthread_once(&once, prepare);
    const unsigned char *at = p;
    crc = ~crc;
#if defined(__x86_64__)
    if (hardware) return ~by_instruction(crc, p, n);
#endif
    for (size_t i = 0; i < n; i++) crc = (crc >> 8) ^ table[(crc ^ at[i]) & 0xff];
    return ~crc;
}
