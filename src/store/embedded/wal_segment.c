/* One file of the log (see wal_segment.h). */
#include "store/embedded/wal_segment.h"

#include "base/crc32c.h"
#include "base/mem.h"

#include <stdio.h>

#define MAGIC   "SVWAL\r\n\x1a"
#define VERSION 1
#define PAD     0xa5
/* Lengths past this are not ours: a group is at most 256 MiB. */
#define PAYLOAD_MAX (UINT32_C(256) << 20)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "FORMAT.md: integers are little endian");

void wal_segment_name(char ret[WAL_SEGMENT_NAME_MAX], uint64_t number)
{
    snprintf(ret, WAL_SEGMENT_NAME_MAX, "w-%016llx.wal", (unsigned long long)number);
}

bool wal_segment_name_parse(const char *name, uint64_t *ret_number, bool *ret_temporary)
{
    if (strlen(name) != 22 || memcmp(name, "w-", 2) != 0) return false;
    uint64_t number = 0;
    for (int i = 2; i < 18; i++) {
        const char *digits = "0123456789abcdef", *digit = memchr(digits, name[i], 16);
        if (!digit) return false;
        number = number << 4 | (uint64_t)(digit - digits);
    }
    bool temporary = strcmp(name + 18, ".tmp") == 0;
    if (!temporary && strcmp(name + 18, ".wal") != 0) return false;
    *ret_number = number;
    *ret_temporary = temporary;
    return true;
}

enum err wal_segment_path(char ret[PATH_MAX], const char *dir, uint64_t number)
{
    char name[WAL_SEGMENT_NAME_MAX];
    wal_segment_name(name, number);
    int n = snprintf(ret, PATH_MAX, "%s/%s", dir, name);
    return n < 0 || n >= PATH_MAX ? ERR_TOOLARGE : ERR_OK;
}

static void header_encode(char header[WAL_SEGMENT_HEADER], uint64_t number, uint32_t salt)
{
    uint16_t version = VERSION;
    memset(header, 0, WAL_SEGMENT_HEADER);
    memcpy(header, MAGIC, 8);
    memcpy(header + 8, &version, 2);
    memcpy(header + 16, &number, 8);
    memcpy(header + 24, &salt, 4);
    uint32_t crc = crc32c(0, header, 28);
    memcpy(header + 28, &crc, 4);
}

/* Zeros in pieces, each synced, so that the appender's own sync never waits behind all of them. */
static enum err fill(const struct file *f, uint64_t bytes)
{
    static const char zeros[64 * 1024];
    const uint64_t piece = UINT64_C(1) << 20;
    enum err e = ERR_OK;
    for (uint64_t at = 0; at < bytes && !e;) {
        size_t n = bytes - at < sizeof zeros ? (size_t)(bytes - at) : sizeof zeros;
        e = file_write_at(f, zeros, n, (int64_t)at);
        at += n;
        if (!e && at % piece == 0) e = file_data_sync(f);
    }
    return e;
}

enum err wal_segment_make(struct wal_segment *ret, const struct fs *fs, const char *dir,
                          uint64_t number, uint64_t bytes, uint32_t salt)
{
    char path[PATH_MAX], temporary[PATH_MAX], header[WAL_SEGMENT_HEADER];
    struct file f = FILE_CLOSED;
    bool named = false;
    enum err e = wal_segment_path(path, dir, number);
    if (e) return e;
    memcpy(temporary, path, sizeof temporary);
    memcpy(temporary + strlen(temporary) - 4, ".tmp", 4);
    header_encode(header, number, salt);
    e = file_open(&f, fs, temporary, FILE_CREATE);
    if (!e) e = fill(&f, bytes);
    if (!e) e = file_write_at(&f, header, sizeof header, 0);
    if (!e) e = file_sync(&f);
    if (!e) e = fs_rename(fs, temporary, path);
    named = !e;
    if (!e) e = fs_sync_dir(fs, dir);
    if (e) {
        file_close(&f);
        /* What can not be removed either is found and removed by the next open. */
        (void)!fs_unlink(fs, named ? path : temporary);
        return e;
    }
    *ret = (struct wal_segment){f, number, bytes, WAL_SEGMENT_HEADER, 0, salt};
    return ERR_OK;
}

size_t wal_segment_group_bytes(size_t n)
{
    return (WAL_SEGMENT_GROUP + n + 2 + 7) / 8 * 8;
}

/* Over salt, length and everything behind the checksum. */
static uint32_t group_crc(const char *group, uint32_t length, uint32_t salt, size_t bytes)
{
    uint32_t start[2] = {salt, length};
    return crc32c(crc32c(0, start, sizeof start), group + 8, bytes - 8);
}

void wal_segment_finish_group(char *group, size_t n, uint64_t lsn, uint32_t salt)
{
    size_t bytes = wal_segment_group_bytes(n);
    uint32_t length = (uint32_t)n;
    memset(group + WAL_SEGMENT_GROUP + n, PAD, bytes - WAL_SEGMENT_GROUP - n);
    memcpy(group, &length, 4);
    memcpy(group + 8, &lsn, 8);
    uint32_t crc = group_crc(group, length, salt, bytes);
    memcpy(group + 4, &crc, 4);
}

enum err wal_segment_scan_open(struct wal_segment_scan *ret, const struct fs *fs, const char *path,
                               uint64_t number, const char **ret_what)
{
    char header[WAL_SEGMENT_HEADER];
    struct wal_segment_scan s = {.at = WAL_SEGMENT_HEADER};
    uint16_t version = 0;
    *ret_what = "can not be read";
    enum err e = fs_read_file(fs, path, SIZE_MAX - 1, &s.bytes, &s.n);
    if (e) return e;
    if (s.n >= WAL_SEGMENT_HEADER) {
        memcpy(&s.salt, s.bytes + 24, 4);
        memcpy(&version, s.bytes + 8, 2);
        header_encode(header, number, s.salt);
    }
    if (s.n < WAL_SEGMENT_HEADER || memcmp(s.bytes, header, WAL_SEGMENT_HEADER) != 0) {
        uint32_t crc = 0;
        if (s.n >= WAL_SEGMENT_HEADER) memcpy(&crc, s.bytes + 28, 4);
        bool sound = s.n >= WAL_SEGMENT_HEADER && crc == crc32c(0, s.bytes, 28);
        bool newer = sound && memcmp(s.bytes, MAGIC, 8) == 0 && version > VERSION;
        *ret_what = newer ? "was written by a newer version" : "the header is damaged";
        wal_segment_scan_done(&s);
        return newer ? ERR_VERSION : ERR_CORRUPT;
    }
    *ret = s;
    return ERR_OK;
}

void wal_segment_scan_done(struct wal_segment_scan *s)
{
    mem_free(s->bytes);
    *s = (struct wal_segment_scan){0};
}

/* Is there a group of this length at `at`, with this checksum? */
static bool group_is_sound(const struct wal_segment_scan *s, size_t at, uint32_t length)
{
    if (length == 0 || length > PAYLOAD_MAX) return false;
    size_t bytes = wal_segment_group_bytes(length);
    if (at + bytes > s->n) return false;
    uint32_t crc;
    memcpy(&crc, s->bytes + at + 4, 4);
    return crc == group_crc(s->bytes + at, length, s->salt, bytes);
}

static uint32_t length_at(const struct wal_segment_scan *s, size_t at)
{
    uint32_t length;
    memcpy(&length, s->bytes + at, 4);
    return length;
}

static uint64_t lsn_at(const struct wal_segment_scan *s, size_t at)
{
    uint64_t lsn;
    memcpy(&lsn, s->bytes + at + 8, 8);
    return lsn;
}

enum err wal_segment_next(struct wal_segment_scan *s, uint64_t *ret_lsn, struct bytes *ret_payload)
{
    if (s->at + WAL_SEGMENT_GROUP > s->n) return ERR_END;
    uint32_t length = length_at(s, s->at);
    if (!group_is_sound(s, s->at, length)) return ERR_END;
    *ret_lsn = lsn_at(s, s->at);
    *ret_payload = bytes_of(s->bytes + s->at + WAL_SEGMENT_GROUP, length);
    s->at += wal_segment_group_bytes(length);
    return ERR_OK;
}

static bool is_zero(const char *p, size_t n)
{
    /* Each byte equals the one before and the first is 0. */
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* A sound group behind the broken one: only one group at a time is ever unsynced, so the broken one
 * had been acknowledged. Its lsn must be near, so that bytes inside of a payload do not count. */
static bool later_group(const struct wal_segment_scan *s, uint64_t last)
{
    uint64_t most = s->n / 8;
    for (size_t at = s->at + 8; at + WAL_SEGMENT_GROUP <= s->n; at += 8) {
        uint32_t length = length_at(s, at);
        if (length == 0 || length > s->n) continue;
        if (last && lsn_at(s, at) - last > most) continue;
        if (group_is_sound(s, at, length)) return true;
    }
    return false;
}

/* Is the group what it was but for one bit? A CRC is linear: a flipped bit changes it by a value
 * that depends only on the bit's distance from the end, so the change is looked for among those. A
 * torn group can not look like this: each of its sectors has at least two bits set. */
static bool one_bit_off(const struct wal_segment_scan *s)
{
    if (s->at + WAL_SEGMENT_GROUP > s->n) return false;
    uint32_t length = length_at(s, s->at);
    for (unsigned bit = 0; bit < 32; bit++)
        if (group_is_sound(s, s->at, length ^ (UINT32_C(1) << bit))) return true;
    size_t bytes = wal_segment_group_bytes(length);
    if (length == 0 || length > PAYLOAD_MAX || s->at + bytes > s->n) return false;
    uint32_t stored;
    memcpy(&stored, s->bytes + s->at + 4, 4);
    uint32_t change = stored ^ group_crc(s->bytes + s->at, length, s->salt, bytes);
    if (__builtin_popcount(change) == 1) return true; /* in the checksum itself */
    uint32_t effect = 1;
    for (size_t bit = 0; bit < (bytes - 8) * 8; bit++) {
        effect = effect & 1 ? (effect >> 1) ^ 0x82f63b78u : effect >> 1;
        if (effect == change) return true;
    }
    return false;
}

enum wal_tail wal_segment_tail(const struct wal_segment_scan *s, uint64_t last)
{
    if (is_zero(s->bytes + s->at, s->n - s->at)) return WAL_TAIL_CLEAN;
    return later_group(s, last) || one_bit_off(s) ? WAL_TAIL_DAMAGED : WAL_TAIL_TORN;
}
