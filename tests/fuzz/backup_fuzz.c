/* A backup's head and frames: any bytes are refused or read, and what is read was written so. The
 * checksums are put right first, else nothing but noise would ever get past them. */
#include "base/crc32c.h"
#include "base/mem.h"
#include "codec/backup_frame.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check_payload(enum backup_frame_kind kind, struct bytes payload)
{
    struct backup_file_about file;
    struct backup_end end;
    uint8_t again[8 + BACKUP_NAME_MAX];
    if (kind == BACKUP_FILE && !backup_frame_read_file(&file, payload)) {
        size_t length = backup_frame_file(again, &file);
        bug_if(!bytes_equal(bytes_of(again, length), payload));
    }
    if (kind == BACKUP_END && !backup_frame_read_end(&end, payload)) {
        size_t length = backup_frame_end(again, &end);
        bug_if(!bytes_equal(bytes_of(again, length), payload));
    }
}

/* One frame; how many bytes it took, 0: it is none. */
static size_t check_frame(const struct backup_head *head, uint8_t *p, size_t n)
{
    struct backup_frame frame;
    uint8_t again[BACKUP_FRAME_BYTES];
    if (n < BACKUP_FRAME_BYTES || backup_frame_decode(&frame, p)) return 0;
    size_t left = n - BACKUP_FRAME_BYTES;
    struct bytes payload = bytes_of(p + BACKUP_FRAME_BYTES, frame.length);
    if (frame.length > left) return 0;
    backup_frame_encode(again, head, frame.number, frame.kind, payload);
    bool good = backup_frame_is_good(head, p, payload);
    bug_if(good != (memcmp(again, p, sizeof again) == 0));
    memcpy(p, again, sizeof again);
    bug_if(!backup_frame_is_good(head, p, payload));
    check_payload(frame.kind, payload);
    return BACKUP_FRAME_BYTES + frame.length;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct backup_head head;
    uint8_t again[BACKUP_HEAD_BYTES];
    if (n < BACKUP_HEAD_BYTES) return 0;
    uint8_t *bytes = (uint8_t *)mem_copy(p, n);
    bug_if(!bytes);
    uint32_t crc = crc32c(0, bytes, 28);
    memcpy(bytes + 28, &crc, sizeof crc);
    if (!backup_frame_decode_head(&head, bytes)) {
        backup_frame_encode_head(again, &head);
        bug_if(memcmp(again, bytes, sizeof again) != 0);
        for (size_t at = sizeof again, took = 1; took; at += took)
            took = check_frame(&head, bytes + at, n - at);
    }
    mem_free(bytes);
    return 0;
}
