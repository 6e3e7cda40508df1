#pragma once
/* base/err.h -- the one list of errors, and the sentence that tells a person why.
 *
 * Every function that can fail returns enum err, 0 is success, and leaves its ret_* arguments
 * untouched on failure. A function whose failure a person must understand also takes a struct why:
 * the edge that knows the reason writes it once, everything above only passes it on.
 * Threads: any.   Memory: the caller owns struct why. */
#include <stddef.h>
#include <stdint.h>

/*      name              sentence for people */
#define ERR_LIST(X)                                                                                \
    X(OK, "done")                                                                                  \
    X(NOMEM, "out of memory")                                                                      \
    X(IO, "the disk or the network reported an error")                                             \
    X(NOSPACE, "no space left on the device")                                                      \
    X(CORRUPT, "the stored bytes are damaged")                                                     \
    X(LOCKED, "in use by another process")                                                         \
    X(VERSION, "written by a newer version")                                                       \
    X(READONLY, "not writable")                                                                    \
    X(NOTFOUND, "not found")                                                                       \
    X(EXISTS, "exists already")                                                                    \
    X(CONFLICT, "does not go with the present state")                                              \
    X(INVALID, "not valid")                                                                        \
    X(IMPOSSIBLE, "well formed, but cannot be done")                                               \
    X(TOOLARGE, "larger than the limit")                                                           \
    X(FULL, "no room left; try again later")                                                       \
    X(LIMIT, "a limit is reached")                                                                 \
    X(RATE, "too many requests")                                                                   \
    X(UNAUTHENTICATED, "no valid credential")                                                      \
    X(FORBIDDEN, "not allowed")                                                                    \
    X(UNSUPPORTED, "not supported")                                                                \
    X(STALE, "changed by somebody else meanwhile")                                                 \
    X(TIMEOUT, "took too long")                                                                    \
    X(CLOSED, "shutting down")                                                                     \
    X(MORE, "incomplete: more input is needed")                                                    \
    X(END, "no more")                                                                              \
    X(INTERNAL, "an internal error")

enum err {
#define ERR_ENUM(name, sentence) ERR_##name,
    ERR_LIST(ERR_ENUM)
#undef ERR_ENUM
        ERR_COUNT
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* "NOMEM" and "out of memory"; never NULL. */
const char *err_name(enum err e);
const char *err_sentence(enum err e);

/* Maps errno of a failed system call: ENOSPC -> ERR_NOSPACE, ENOMEM -> ERR_NOMEM, … else ERR_IO. */
enum err err_from_errno(int number);

/* What went wrong, in words for a person: names the thing and what to do. */
struct why {
    char text[256];
};

/* Writes the sentence (cut at 255 bytes) and returns `e`, so that a failing line reads
 *     return why_say(why, ERR_INVALID, "line %zu: ...", n);
 * `why` may be NULL. */
enum err why_say(struct why *why, enum err e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The impossible: prints where and aborts. Never for anything that input or the machine can cause.
 */
#define bug_if(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!!(condition), 0)) err_bug(__FILE__, __LINE__, #condition);           \
    } while (0)
_Noreturn void err_bug(const char *file, int line, const char *what);
