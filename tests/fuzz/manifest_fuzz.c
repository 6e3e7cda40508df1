/* Manifests: any bytes are refused or read; what was read and written again reads the same. The
 * checksum at the end is put right first, else nothing but noise would ever get past it. */
#include "base/crc32c.h"
#include "base/mem.h"
#include "store/embedded/manifest.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    char *bytes = mem_copy(p, n);
    struct manifest m = {0}, again = {0};
    struct buf first, second;
    buf_init(&first, 1 << 20);
    buf_init(&second, 1 << 20);
    bug_if(!bytes);
    if (n >= 4) {
        uint32_t crc = crc32c(0, bytes, n - 4);
        memcpy(bytes + n - 4, &crc, 4);
    }
    if (!manifest_decode(&m, bytes_of(bytes, n), NULL)) {
        manifest_encode(&first, &m);
        bug_if(manifest_decode(&again, buf_bytes(&first), NULL) != ERR_OK);
        manifest_encode(&second, &again);
        bug_if(!bytes_equal(buf_bytes(&first), buf_bytes(&second)));
        manifest_done(&again);
        manifest_done(&m);
    }
    buf_done(&first);
    buf_done(&second);
    mem_free(bytes);
    return 0;
}
