#pragma once
/* codec/json_text.h -- a strict pull tokenizer for RFC 8259, one pass, no tree, no allocation
 * unless a string has escapes.
 *
 * Taken is exactly what the RFC allows: UTF-8 without byte order mark, well formed also inside
 * strings; escaped surrogates only in pairs; U+0000 only as an escape; numbers of its grammar that
 * a double can hold (1e400 is refused); nesting up to max_depth; one value, then only white space.
 * Threads: owner only.   Memory: token bytes are borrowed from the text, or, when unescaped, from
 * the arena. */
#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>

enum { JSON_DEPTH_MAX = 32 }; /* contract §2 */

enum json_kind {
    JSON_END, /* the text is over */
    JSON_OBJECT,
    JSON_OBJECT_END,
    JSON_ARRAY,
    JSON_ARRAY_END,
    JSON_KEY,    /* text; its value is the next token */
    JSON_STRING, /* text */
    JSON_NUMBER, /* number; text as written */
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

struct json_token {
    enum json_kind kind;
    struct bytes text;
    double number;
};

struct json_reader {
    const char *at; /* next byte */
    const char *start, *end;
    struct arena *arena; /* borrowed */
    unsigned depth, max_depth;
    uint64_t objects; /* bit d: the container at depth d+1 is an object */
    bool discard;     /* strings are validated, not unescaped */
    unsigned state;   /* what may come next; see json_text.c */
};

/* max_depth: 1 to 64 containers inside each other. */
void json_text_init(struct json_reader *r, struct bytes text, struct arena *arena,
                    unsigned max_depth);
/* The next token. ERR_INVALID: not JSON, why says what was found, with line and byte offset;
 * ERR_NOMEM: no room in the arena. After an error, or JSON_END, the reader is spent. */
enum err json_text_next(struct json_reader *r, struct json_token *ret, struct why *why) MUST_CHECK;
/* `t` was just returned: passes over the rest of its value (nothing for scalars, all up to the
 * matching end for JSON_OBJECT and JSON_ARRAY), validating it. */
enum err json_text_skip(struct json_reader *r, const struct json_token *t,
                        struct why *why) MUST_CHECK;
/* Reads the whole text for nothing but its validity. */
enum err json_text_check(struct bytes text, unsigned max_depth, struct why *why) MUST_CHECK;
/* "an object", "a string", … for sentences. */
const char *json_text_kind_name(enum json_kind kind);
