/* The head and the frames of a backup (see backup_frame.h). */
#include "codec/backup_frame.h"

#include "base/crc32c.h"
#include "codec/column_bits.h"

#define VERSION 1u
#define MAGIC   "SVBAK\r\n\x1a"
enum { MAGIC_BYTES = 8 };

void backup_frame_encode_head(uint8_t ret[BACKUP_HEAD_BYTES], const struct backup_head *h)
{
    memset(ret, 0, BACKUP_HEAD_BYTES);
    memcpy(ret, MAGIC, MAGIC_BYTES);
    column_store16(ret + 8, VERSION);
    column_store32(ret + 12, h->salt);
    column_store64(ret + 16, (uint64_t)h->taken_ns);
    column_store32(ret + 28, crc32c(0, ret, 28));
}

enum err backup_frame_decode_head(struct backup_head *ret, const uint8_t bytes[BACKUP_HEAD_BYTES])
{
    bool ours = memcmp(bytes, MAGIC, MAGIC_BYTES) == 0;
    bool sound = column_load32(bytes + 28) == crc32c(0, bytes, 28);
    if (!ours || !sound) return ERR_CORRUPT;
    if (bytes[8] != VERSION || bytes[9]) return ERR_VERSION;
    for (int i = 0; i < 4; i++)
        if ((i < 2 && bytes[10 + i]) || bytes[24 + i]) return ERR_CORRUPT;
    ret->salt = column_load32(bytes + 12);
    ret->taken_ns = (int64_t)column_load64(bytes + 16);
    return ERR_OK;
}

static uint32_t checksum_of(const struct backup_head *h, const uint8_t *bytes, struct bytes payload)
{
    uint8_t salt[4];
    column_store32(salt, h->salt);
    uint32_t crc = crc32c(0, salt, sizeof salt);
    crc = crc32c(crc, bytes, 4);
    crc = crc32c(crc, bytes + 8, BACKUP_FRAME_BYTES - 8);
    return crc32c(crc, payload.p, payload.n);
}

void backup_frame_encode(uint8_t ret[BACKUP_FRAME_BYTES], const struct backup_head *h,
                         uint64_t number, enum backup_frame_kind kind, struct bytes payload)
{
    memset(ret, 0, BACKUP_FRAME_BYTES);
    column_store32(ret, (uint32_t)payload.n);
    column_store64(ret + 8, number);
    ret[16] = (uint8_t)kind;
    column_store32(ret + 4, checksum_of(h, ret, payload));
}

enum err backup_frame_decode(struct backup_frame *ret, const uint8_t bytes[BACKUP_FRAME_BYTES])
{
    uint32_t length = column_load32(bytes);
    if (!length || length > BACKUP_PAYLOAD_MAX) return ERR_CORRUPT;
    for (int i = 17; i < BACKUP_FRAME_BYTES; i++)
        if (bytes[i]) return ERR_CORRUPT;
    if (bytes[16] < BACKUP_FILE || bytes[16] > BACKUP_END) return ERR_CORRUPT;
    *ret = (struct backup_frame){length, column_load32(bytes + 4), column_load64(bytes + 8),
                                 (enum backup_frame_kind)bytes[16]};
    return ERR_OK;
}

bool backup_frame_is_good(const struct backup_head *h, const uint8_t bytes[BACKUP_FRAME_BYTES],
                          struct bytes payload)
{
    return payload.n == column_load32(bytes) &&
           column_load32(bytes + 4) == checksum_of(h, bytes, payload);
}

size_t backup_frame_file(uint8_t *ret, const struct backup_file_about *about)
{
    size_t n = strlen(about->name);
    column_store64(ret, about->bytes);
    memcpy(ret + 8, about->name, n);
    return 8 + n;
}

size_t backup_frame_end(uint8_t *ret, const struct backup_end *end)
{
    column_store64(ret, end->files);
    column_store64(ret + 8, end->bytes);
    return 16;
}

enum err backup_frame_read_file(struct backup_file_about *ret, struct bytes payload)
{
    if (payload.n <= 8 || payload.n > 8 + BACKUP_NAME_MAX) return ERR_CORRUPT;
    const char *name = payload.p + 8;
    size_t n = payload.n - 8;
    if (memchr(name, 0, n)) return ERR_CORRUPT;
    ret->bytes = column_load64((const uint8_t *)payload.p);
    memcpy(ret->name, name, n);
    ret->name[n] = 0;
    return ret->bytes <= INT64_MAX ? ERR_OK : ERR_CORRUPT;
}

enum err backup_frame_read_end(struct backup_end *ret, struct bytes payload)
{
    if (payload.n != 16) return ERR_CORRUPT;
    ret->files = column_load64((const uint8_t *)payload.p);
    ret->bytes = column_load64((const uint8_t *)payload.p + 8);
    return ERR_OK;
}
