#pragma once
/* codec/multipart.h -- multipart/form-data (RFC 7578, RFC 2046 §5.1) of a body that is all there:
 * finds the uploaded file.   Threads: any.   Memory: all results are borrowed from the arguments.
 */
#include "base/bytes.h"
#include "base/err.h"

struct multipart_part {
    struct bytes name, filename, content_type; /* p == NULL: not said; quotes taken off */
    struct bytes content;
};

/* The boundary of a Content-Type value. ERR_UNSUPPORTED: it is not multipart/form-data;
 * ERR_INVALID: the boundary is missing or not 1 to 70 characters of RFC 2046. */
enum err multipart_boundary(struct bytes content_type, struct bytes *ret,
                            struct why *why) MUST_CHECK;
/* Parts in order: start with *at = 0. ERR_END behind the last one, ERR_INVALID when the body is
 * cut. */
enum err multipart_next(struct bytes body, struct bytes boundary, size_t *at,
                        struct multipart_part *ret, struct why *why) MUST_CHECK;
/* The first part that has a file name, else the first part. ERR_INVALID: malformed, or no part at
 * all. */
enum err multipart_file(struct bytes body, struct bytes boundary, struct multipart_part *ret,
                        struct why *why) MUST_CHECK;
