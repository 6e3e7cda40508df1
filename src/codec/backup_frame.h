#pragma once
/* codec/backup_frame.h -- the bytes between the files of a backup: one head, then frames, each with
 * its number and a checksum over everything in it.
 * A frame that is missing, doubled, in a wrong place, of another backup or changed by a bit does
 * not fit; a backup without its last frame is not whole.
 * Bytes: store/embedded/FORMAT.md, "Backup".
 * Threads: any; no state.   Memory: the caller's. */
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>

enum { BACKUP_HEAD_BYTES = 32, BACKUP_FRAME_BYTES = 24, BACKUP_PAYLOAD_MAX = 1 << 20 };
enum { BACKUP_NAME_MAX = 64 };

struct backup_head {
    uint32_t salt;    /* goes into every frame's checksum */
    int64_t taken_ns; /* when */
};

enum backup_frame_kind {
    BACKUP_FILE = 1,  /* a file begins: its size and name */
    BACKUP_BYTES = 2, /* the next of its bytes */
    BACKUP_END = 3,   /* all files were there: how many, how many bytes */
};

struct backup_frame {
    uint32_t length; /* of the payload */
    uint32_t checksum;
    uint64_t number;
    enum backup_frame_kind kind;
};

void backup_frame_encode_head(uint8_t ret[BACKUP_HEAD_BYTES], const struct backup_head *h);
/* ERR_CORRUPT: no backup, or damaged; ERR_VERSION: of a newer program. */
enum err backup_frame_decode_head(struct backup_head *ret,
                                  const uint8_t bytes[BACKUP_HEAD_BYTES]) MUST_CHECK;

/* Writes what stands before the payload. */
void backup_frame_encode(uint8_t ret[BACKUP_FRAME_BYTES], const struct backup_head *h,
                         uint64_t number, enum backup_frame_kind kind, struct bytes payload);
/* Reads it without the payload: a length that is no frame's is ERR_CORRUPT. */
enum err backup_frame_decode(struct backup_frame *ret,
                             const uint8_t bytes[BACKUP_FRAME_BYTES]) MUST_CHECK;
/* Does everything in the frame fit its checksum? */
bool backup_frame_is_good(const struct backup_head *h, const uint8_t bytes[BACKUP_FRAME_BYTES],
                          struct bytes payload);

/* Payloads of BACKUP_FILE and BACKUP_END: two numbers, and a name behind the first. */
struct backup_file_about {
    uint64_t bytes;
    char name[BACKUP_NAME_MAX + 1];
};
struct backup_end {
    uint64_t files, bytes;
};
/* The payload's length; `ret` has room for 8 + BACKUP_NAME_MAX. */
size_t backup_frame_file(uint8_t *ret, const struct backup_file_about *about);
size_t backup_frame_end(uint8_t *ret, const struct backup_end *end);
enum err backup_frame_read_file(struct backup_file_about *ret, struct bytes payload) MUST_CHECK;
enum err backup_frame_read_end(struct backup_end *ret, struct bytes payload) MUST_CHECK;
