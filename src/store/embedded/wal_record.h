#pragma once
/* store/embedded/wal_record.h -- the payload of one log record: everything one write() call
 * carries, in about 5 bytes a point. Pure: bytes in, bytes out. A reader never trusts its input:
 * any bytes give ERR_OK, ERR_END or ERR_CORRUPT, in bounds. Threads: any (values).   Memory:
 * borrowed for the call.   Bytes: FORMAT.md, "WAL". */
#include "base/bytes.h"
#include "base/err.h"
#include "model/record.h"

/* Bytes that encoding the sets can take at most. */
size_t wal_record_bound(const struct record_set *const *sets, size_t n);
/* Writes the payload to `to`, which has wal_record_bound() bytes; how many it took. */
size_t wal_record_encode(const struct record_set *const *sets, size_t n, char *to);

/* Walks a payload: wal_record_next() for each record, then wal_record_point() `count` times. */
struct wal_reader {
    const uint8_t *p, *end;
    int64_t org, device, ts_ns, series; /* what the next record and point are relative to */
};
struct wal_reader wal_record_reader(struct bytes payload);
/* ret->first is 0; ERR_END after the last record. */
enum err wal_record_next(struct wal_reader *r, struct record *ret) MUST_CHECK;
enum err wal_record_point(struct wal_reader *r, struct point *ret) MUST_CHECK;
