#pragma once
/* codec/url.h -- what stands in a request target: percent escapes, query pairs, path segments.
 * Pure.   Threads: any.   Memory: iterators borrow; decoded text lies in the caller's arena. */
#include "base/arena.h"
#include "base/err.h"

/* Decodes %XX, and '+' as a blank when plus_is_blank (query strings). Text without an escape is
 * borrowed as it is, else it lies in `a`. ERR_INVALID: a broken escape, %00, or not UTF-8
 * afterwards. */
enum err url_decode(struct arena *a, struct bytes raw, bool plus_is_blank,
                    struct bytes *ret) MUST_CHECK;

/* Walks "a=1&b&c=" as (a,1) (b,"") (c,""), still encoded; empty pairs are skipped. False at the
 * end. Start with *rest = the query string (p == NULL is an empty one). */
bool url_query_next(struct bytes *rest, struct bytes *ret_name, struct bytes *ret_value);
/* The first pair whose decoded name is `name`: its decoded value. ERR_NOTFOUND, ERR_INVALID, NOMEM.
 */
enum err url_query_find(struct arena *a, struct bytes query, const char *name,
                        struct bytes *ret) MUST_CHECK;

/* Walks "/a//b/" as "a" "" "b" "", still encoded: the text between slashes. False at the end.
 * Start with *rest = the path, which begins with '/'. */
bool url_path_next(struct bytes *rest, struct bytes *ret_segment);
