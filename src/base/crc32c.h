#pragma once
/* base/crc32c.h -- the Castagnoli checksum (RFC 3720, appendix B.4) of every stored byte.
 * Threads: any. */
#include <stddef.h>
#include <stdint.h>

/* Start with crc = 0; feed the result back in to go on over more bytes. "123456789" -> 0xe3069283.
 */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
