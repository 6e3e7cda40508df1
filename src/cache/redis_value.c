/* One entry as Redis keeps it (see redis_value.h). */
#include "cache/redis_value.h"

#include "base/crc32c.h"

#define MAGIC UINT32_C(0x32635653) /* "SVc2" */

struct head {
    uint32_t magic, crc;
    uint64_t epoch, token;
    int64_t made_ns;
    uint32_t key_n, reserved;
};
enum { CHECKED_FROM = 8 };

void redis_value_write(struct buf *out, struct redis_stamp stamp, int64_t made_ns, struct bytes key,
                       struct bytes content)
{
    struct head h = {MAGIC, 0, stamp.epoch, stamp.token, made_ns, (uint32_t)key.n, 0};
    size_t at = out->n;
    buf_add(out, &h, sizeof h);
    buf_add_bytes(out, key);
    buf_add_bytes(out, content);
    if (out->err) return;
    h.crc = crc32c(0, out->p + at + CHECKED_FROM, out->n - at - CHECKED_FROM);
    memcpy(out->p + at, &h, sizeof h);
}

enum redis_verdict redis_value_read(struct bytes value, struct redis_stamp stamp, struct bytes key,
                                    int64_t *ret_made_ns, struct bytes *ret_content)
{
    struct head h;
    if (value.n < sizeof h) return REDIS_WRONG;
    memcpy(&h, value.p, sizeof h);
    if (h.magic != MAGIC || h.key_n != key.n || value.n - sizeof h < key.n ||
        h.crc != crc32c(0, value.p + CHECKED_FROM, value.n - CHECKED_FROM) ||
        memcmp(value.p + sizeof h, key.p, key.n) != 0)
        return REDIS_WRONG;
    if (h.epoch != stamp.epoch || h.token != stamp.token) return REDIS_OLD;
    *ret_made_ns = h.made_ns;
    *ret_content = bytes_of(value.p + sizeof h + key.n, value.n - sizeof h - key.n);
    return REDIS_GOOD;
}
