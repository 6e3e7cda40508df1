#pragma once
/* codec/csv.h -- RFC 4180, a row at a time out of any window of bytes, and back.
 * Taken: LF or CRLF, quoted fields with "" for a quote and line breaks inside, a UTF-8 byte order
 * mark at the start, any one-byte separator, rows of any length. An empty line is passed over.
 * Refused, with the line: a quote inside a bare field, bytes behind a closing quote, a quote never
 * closed, a CR or NUL in a bare field, too many fields, a row that is too long.
 * Threads: owner only.   Memory: owns scratch for unquoting; fields are borrowed from the window or
 * from the scratch until the next call. */
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

struct csv_opts {
    char separator;       /* 0 = ',' */
    size_t max_row_bytes; /* 0 = 1 MiB */
    size_t max_fields;    /* 0 = 1024 */
};

struct csv_reader {
    struct csv_opts opts;
    struct buf scratch;   /* unquoted bytes of the row */
    struct bytes *fields; /* owned */
    size_t field_cap;
    uint64_t line;     /* of the next byte, from 1 */
    uint64_t row_line; /* where the row just returned starts */
    bool begun;        /* the byte order mark is behind us */
};

void csv_init(struct csv_reader *r, const struct csv_opts *opts); /* opts NULL = defaults */
void csv_done(struct csv_reader *r);
/* Reads one row at the start of `window`. *ret_used: bytes to drop before the next call. `final`:
 * nothing comes behind the window.
 *   ERR_MORE     the row is not complete (never when final): come back with the same bytes and more
 *                behind them
 *   ERR_END      final, and there is no more row
 *   ERR_INVALID  why names line and field; *ret_used is set, so one may go on behind the bad row
 *   ERR_TOOLARGE (why names the line) and ERR_NOMEM end the reading */
enum err csv_read(struct csv_reader *r, struct bytes window, bool final, size_t *ret_used,
                  const struct bytes **ret_fields, size_t *ret_n, struct why *why) MUST_CHECK;

/* One field, quoted only where it must be. Separators and line ends are the caller's. */
void csv_write_field(struct buf *b, struct bytes field);
void csv_write_number(struct buf *b, double v);
