/* Whatever a block, a manifest or a column's bytes say, readers stay inside; and whatever
 * samples are written, they come back. The first byte chooses; checksums are made right, or
 * nothing would get past them. */
#include "base/crc32c.h"
#include "base/mem.h"
#include "codec/block.h"
#include "codec/block_rollup.h"
#include "codec/column_bits.h"
#include "codec/column_value.h"
#include "store/embedded/manifest.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct sample samples[BLOCK_MAX_ROWS];
static struct block_rollup_row rows[BLOCK_ROLLUP_MAX_ROWS];

static void read_block(const uint8_t *p, size_t n)
{
    struct block b;
    if (block_open(&b, bytes_of(p, n))) return;
    uint64_t budget = 1 << 18; /* of points: flat columns are long and cheap to write */
    for (uint32_t i = 0; i < b.column_count && b.columns[i].count <= budget; i++) {
        budget -= b.columns[i].count;
        if (block_read_samples(&b, &b.columns[i], samples)) break;
        if (block_find(&b, b.columns[i].series) != &b.columns[i]) abort();
    }
    block_close(&b);
}

static void read_rollups(const uint8_t *p, size_t n)
{
    struct block_rollup_head head;
    if (block_rollup_open(bytes_of(p, n), &head)) return;
    if (block_rollup_read(bytes_of(p, n), rows) == ERR_OK &&
        rows[0].series > rows[head.rows - 1].series)
        abort();
}

static void read_manifest(uint8_t *p, size_t n)
{
    struct manifest m;
    struct why why;
    if (n < 4) return;
    column_store32(p + n - 4, crc32c(0, p, n - 4));
    if (manifest_decode(&m, bytes_of(p, n), &why)) return;
    manifest_done(&m);
}

static void seal(uint8_t *p, size_t n)
{
    if (n < 8) return;
    column_store32(p, (uint32_t)n);
    column_store32(p + 4, crc32c(crc32c(0, p, 4), p + 8, n - 8));
}

/* Takes the bytes as values, by 8, 2 or 1 of them, and their times as ever larger steps. */
static void round_trip(const uint8_t *p, size_t n, unsigned width)
{
    static int64_t ts[4096];
    static double values[4096];
    size_t count = n / width < 4096 ? n / width : 4096;
    if (!count) return;
    for (size_t i = 0; i < count; i++) {
        uint64_t u = 0;
        memcpy(&u, p + i * width, width);
        values[i] = width == 8 ? column_bits_double(u) : (double)((int64_t)u - 100) / 100;
        ts[i] = (i ? ts[i - 1] : INT64_MIN) + 1 + (int64_t)(u % 5 * (u % 1000));
    }
    struct block_input in[2] = {{INT64_MIN, ts, values, count}, {INT64_MAX, ts, values, 1}};
    struct block_encoder *e;
    struct block b;
    struct buf out;
    buf_init(&out, BLOCK_MAX_BYTES);
    if (block_encoder_new(&e) || block_encode(e, &out, 1, 2, in, 2)) abort();
    if (block_open(&b, buf_bytes(&out))) abort();
    if (block_read_samples(&b, block_find(&b, INT64_MIN), samples)) abort();
    for (size_t i = 0; i < count; i++)
        if (samples[i].ts_ns != ts[i] || memcmp(&samples[i].value, &values[i], sizeof *values) != 0)
            abort();
    block_close(&b);
    block_encoder_free(e);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    size_t n = size - 1;
    uint8_t *p = mem_alloc(n); /* of its own, so that a step outside is seen */
    if (!p) return 0;
    memcpy(p, data + 1, n);
    switch (data[0] % 6) {
    case 0:
        seal(p, n);
        read_block(p, n);
        break;
    case 1:
        seal(p, n);
        read_rollups(p, n);
        break;
    case 2:
        read_manifest(p, n);
        break;
    case 3:
        round_trip(p, n, 8);
        break;
    case 4:
        round_trip(p, n, 2);
        break;
    default:
        round_trip(p, n, 1);
    }
    mem_free(p);
    return 0;
}
