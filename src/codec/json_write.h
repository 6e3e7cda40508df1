#pragma once
/* codec/json_write.h -- small appenders that write JSON straight into a reply's buffer.
 *
 *   json_write_open(b, '{');
 *   json_write_member_str(b, "deviceId", id);
 *   json_write_key(b, "values");  json_write_open(b, '[');  json_write_number(b, 23.5);  …
 *   json_write_close(b, ']');  json_write_close(b, '}');          look at b->err once, at the end
 *
 * Commas are placed by looking at the byte before: a value or key that follows { [ : , or a line
 * break or nothing gets none. So raw bytes of valid JSON may be mixed in with buf_add*(). Keys of
 * json_write_member_* and json_write_key are literals of ours and are not escaped. Threads: owner
 * of the buffer.   Memory: nothing is kept. */
#include "base/buf.h"

#include <stdbool.h>

void json_write_open(struct buf *b, char bracket);
void json_write_close(struct buf *b, char bracket);
void json_write_key(struct buf *b, const char *literal);
void json_write_key_bytes(struct buf *b, struct bytes key); /* escaped: names from outside */

/* Bytes that are not UTF-8 become U+FFFD; control characters, quote, backslash, and < > & (as
 * \u003c, so that a reply is harmless inside a page) are escaped. */
void json_write_string(struct buf *b, struct bytes s);
void json_write_number(struct buf *b, double v); /* shortest; NaN and infinities become null */
void json_write_i64(struct buf *b, int64_t v);
void json_write_u64(struct buf *b, uint64_t v);
void json_write_bool(struct buf *b, bool v);
void json_write_null(struct buf *b);
void json_write_time(struct buf *b, int64_t ns);       /* RFC 3339 text; INT64_MIN becomes null */
void json_write_raw(struct buf *b, struct bytes json); /* a complete value, comma included */

void json_write_member_str(struct buf *b, const char *key, struct bytes v); /* v.p NULL: null */
void json_write_member_text(struct buf *b, const char *key, const char *v); /* NULL: null */
void json_write_member_number(struct buf *b, const char *key, double v);
void json_write_member_i64(struct buf *b, const char *key, int64_t v);
void json_write_member_u64(struct buf *b, const char *key, uint64_t v);
void json_write_member_bool(struct buf *b, const char *key, bool v);
void json_write_member_null(struct buf *b, const char *key);
void json_write_member_time(struct buf *b, const char *key, int64_t ns);
