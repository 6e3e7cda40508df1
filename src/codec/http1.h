#pragma once
/* codec/http1.h -- the bytes of HTTP/1.1 and 1.0 requests, strictly as RFC 9112 demands and nothing
 * more. Pure: no I/O, no clock.
 *
 * H1  One reading: every stream is framed in one way or refused, whatever the pieces it arrives
 *     in.
 * H2  Refused with 400: bare LF or CR, NUL and control bytes, a blank before a colon, folded
 *     lines, names that are not tokens, no or two Hosts, two or non-decimal Content-Lengths,
 *     Content-Length beside Transfer-Encoding, any Transfer-Encoding but `chunked`, a bad or
 *     overflowing chunk size. 414 URL, 431 header block or count, 417 other expectation, 501
 *     other method, 505 other version.
 * H3  After a refusal the stream is dead: answer, close, read nothing more from it.
 * Threads: any (the caller's structs).   Memory: all views borrow the input. */
#include "base/bytes.h"
#include "base/err.h"

enum {
    HTTP1_URL_MAX = 24 * 1024,   /* bytes of the request target */
    HTTP1_BLOCK_MAX = 16 * 1024, /* bytes behind the request line, empty line included */
    HTTP1_HEADERS_MAX = 100,
    HTTP1_CHUNK_EXT_MAX = 256, /* bytes of extensions behind one chunk size */
    HTTP1_TRAILER_MAX = 4096,  /* bytes of trailer lines of one body */
    /* A head can never be longer: method, blanks, version and one empty line in front are 32 at
       most. */
    HTTP1_HEAD_MAX = HTTP1_URL_MAX + HTTP1_BLOCK_MAX + 32,
};

enum http1_method {
    HTTP1_GET,
    HTTP1_HEAD,
    HTTP1_POST,
    HTTP1_PUT,
    HTTP1_PATCH,
    HTTP1_DELETE,
    HTTP1_OPTIONS,
    HTTP1_METHODS
};
const char *http1_method_name(enum http1_method m); /* "GET" */

struct http1_header {
    struct bytes name, value; /* name as sent; value without blanks at its ends */
};

struct http1_head {
    enum http1_method method;
    struct bytes target; /* as sent */
    struct bytes path;   /* still percent-encoded, begins with '/'; "*" for OPTIONS * */
    struct bytes query;  /* behind the '?', still encoded; p == NULL when there is no '?' */
    unsigned minor;      /* HTTP/1.minor: 0 or 1 */
    bool has_content_length, chunked, keep_alive, expect_continue;
    uint64_t content_length; /* 0 when there is none */
    size_t bytes;            /* of the whole head, empty line included; valid after ERR_OK */
    int status;              /* after ERR_INVALID: what to answer ... */
    const char *why;         /* ... and a sentence for a person; static */

    /* the parser's own */
    const char *base; /* where the input stood at the last call */
    size_t line_at;   /* first byte of the current line */
    size_t searched;  /* bytes known to hold no further LF */
    size_t block_at;  /* where the header lines begin; 0 before the request line is done */
    unsigned hosts, codings;
    bool says_close, says_keep_alive;

    size_t header_count;
    struct http1_header headers[HTTP1_HEADERS_MAX];
};

void http1_head_init(struct http1_head *h);
/* `input` is everything since the first byte of the request; call again with more (it may have
 * moved). ERR_OK: complete, views borrow input. ERR_MORE. ERR_INVALID: see status and why. */
enum err http1_head_parse(struct http1_head *h, struct bytes input) MUST_CHECK;
/* The same head, its bytes copied by the caller to `to`. */
void http1_head_move(struct http1_head *h, const char *to);
/* Value of the first header of that name, in any case; p == NULL when absent. */
struct bytes http1_head_find(const struct http1_head *h, const char *name);
/* Is `token` (any case) an element of the comma-separated lists in all headers of that name? */
bool http1_head_has_token(const struct http1_head *h, const char *name, const char *token);

/* The decoder of a chunked body. Extensions and trailers are read, checked and dropped. A trailer
 * that would say where the message ends, for whom it is or what becomes of the connection is
 * refused: RFC 9110, 6.5.1 forbids to send one, and readers differ in what they make of it. */
enum { HTTP1_TRAILER_NAME = 18 }; /* one more than the longest name that is refused */
struct http1_chunked {
    uint64_t left;    /* bytes of the current chunk still to come */
    unsigned digits;  /* of the chunk size so far */
    unsigned extra;   /* bytes of this line's extensions */
    size_t trailer_n; /* bytes of trailer lines so far */
    unsigned name_n;  /* of the trailer's name, of which the beginning is kept */
    char name[HTTP1_TRAILER_NAME];
    int state;
    int status;
    const char *why;
};
void http1_chunked_init(struct http1_chunked *c);
/* Takes at most one run of data: *ret_used bytes of input are done with, *ret_data is the run (may
 * be empty). ERR_OK: the body is complete. ERR_MORE: go on with the rest of the input, or with more
 * of it when all was used. ERR_INVALID: see status and why. */
enum err http1_chunked_feed(struct http1_chunked *c, struct bytes input, size_t *ret_used,
                            struct bytes *ret_data) MUST_CHECK;

/* "Not Found"; "" for a status nobody named. */
const char *http1_reason(int status);
