#pragma once
/* codec/encoding.h -- gzip and zstd on the wire: bodies that come in compressed, answers that go
 * out so. Both directions have a bound, and inflating stops at it without having made the bytes.
 * Threads: any (no state between calls).   Memory: output goes to the caller's buffer, appended. */
#include "base/buf.h"

#include <stdbool.h>

enum encoding { ENCODING_IDENTITY, ENCODING_GZIP, ENCODING_ZSTD };

enum {
    ENCODING_INFLATED_MAX = 64 << 20, /* bytes one body may become */
    ENCODING_RATIO_MAX = 100,         /* times its compressed size; the first 64 KiB are free */
};

const char *encoding_name(enum encoding e); /* "gzip", as in Content-Encoding */
/* The value of a Content-Encoding header; absent (p == NULL) is identity. ERR_UNSUPPORTED: 415. */
enum err encoding_parse(struct bytes content_encoding, enum encoding *ret) MUST_CHECK;
/* The best of zstd and gzip that an Accept-Encoding header takes (q=0 refuses), else identity. */
enum encoding encoding_choose(struct bytes accept_encoding);

/* ERR_TOOLARGE past a bound above, or at the ceiling of `out` (give it one byte more than it may
 * hold); ERR_INVALID when the bytes are damaged, end early or go on behind the end; ERR_NOMEM. */
enum err encoding_inflate(enum encoding e, struct bytes in, struct buf *out) MUST_CHECK;
/* One whole compressed body, at a level made for answers (gzip 4, zstd 3). */
enum err encoding_deflate(enum encoding e, struct bytes in, struct buf *out) MUST_CHECK;
