#pragma once
/* codec/base64.h -- RFC 4648: base64url without padding (JWT, cursors) and base64 with it (Basic
 * credentials, the WebSocket handshake). Decoding takes exactly what encoding gives: other
 * alphabets, white space, wrong padding and stray bits at the end are refused, so that one value
 * has one text. Threads: any.   Memory: the caller's. */
#include "base/bytes.h"
#include "base/err.h"

/* Room that is enough for n bytes, without a NUL. */
static inline size_t base64_encoded_max(size_t n)
{
    return (n + 2) / 3 * 4;
}

/* Both return the length written; out holds base64_encoded_max(in.n). */
size_t base64_encode(struct bytes in, char *out);
size_t base64_url_encode(struct bytes in, char *out);
/* ERR_TOOLARGE when `cap` is too small, ERR_INVALID for anything that is not canonical. */
enum err base64_decode(struct bytes in, void *out, size_t cap, size_t *ret_n) MUST_CHECK;
enum err base64_url_decode(struct bytes in, void *out, size_t cap, size_t *ret_n) MUST_CHECK;
