#pragma once
/* conf/properties.h -- reads the text of a Java .properties file, one property after the other: the
 * grammar of java.util.Properties.load() (comments, separators, continuations, escapes).
 *
 * Bytes: a file that is well-formed UTF-8 is taken as UTF-8, any other as ISO 8859-1, which is what
 * the Java platform wrote; values come out as UTF-8. A NUL, a broken \uXXXX and half a surrogate
 * pair are refused with their line. Threads: owner only.   Memory: the text is borrowed until
 * properties_done(). */
#include "base/buf.h"

#include <stdbool.h>

struct property {
    struct bytes key, value; /* borrowed until the next call */
    size_t line;             /* where its key stands, from 1 */
};

struct properties {
    const char *at, *end;
    size_t line; /* of `at` */
    bool latin1;
    struct buf key, value;
};

void properties_open(struct properties *p, struct bytes text);
/* ERR_END after the last one. ERR_INVALID: `why` names line and reason; reading cannot go on. */
enum err properties_next(struct properties *p, struct property *ret, struct why *why) MUST_CHECK;
void properties_done(struct properties *p);

/* Appends `value` with every ${NAME} and ${NAME:default} replaced by env(ctx, NAME), else by the
 * default, which may itself contain such a reference. A "${" without "}" stays as it is.
 * ERR_NOTFOUND: a variable that is not set and has no default; `why` names it. */
typedef const char *properties_env(void *ctx, const char *name);
enum err properties_expand(struct buf *out, struct bytes value, properties_env *env, void *ctx,
                           struct why *why) MUST_CHECK;
