#pragma once
/* codec/http1_response.h -- the head of an HTTP/1.1 answer as a client reads it (RFC 9112): status,
 * how long the body is, whether the connection may be used again. As strict as the reading of
 * requests: what could be framed in two ways is refused. Pure: no I/O, no clock.
 * Threads: any.   Memory: nothing is kept. */
#include "base/bytes.h"
#include "base/err.h"

enum { HTTP1_RESPONSE_HEAD_MAX = 64 * 1024 };

struct http1_response {
    int status; /* 100 to 599 */
    bool keep_alive;
    bool chunked;            /* the body is for http1_chunked_feed() */
    bool has_length;         /* content_length bytes of body; also of an answer that has none */
    uint64_t content_length; /* neither chunked nor has_length: the body ends with the connection */
    int64_t retry_after_s;   /* 0: not said, or as a date */
    size_t bytes;            /* of the head, empty line included */
};
/* `input` is everything since the first byte of the answer. ERR_OK; ERR_MORE; ERR_INVALID: not an
 * answer, read nothing more from it; ERR_TOOLARGE: no end of the head within its bound. */
enum err http1_response_parse(struct http1_response *ret, struct bytes input) MUST_CHECK;
