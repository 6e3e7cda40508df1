/* The table of errors (see err.h). */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name, *sentence;
} table[ERR_COUNT] = {
#define ERR_ROW(name, sentence) {#name, sentence},
    ERR_LIST(ERR_ROW)
#undef ERR_ROW
};

const char *err_name(enum err e)
{
    return (unsigned)e < ERR_COUNT ? table[e].name : "UNKNOWN";
}

const char *err_sentence(enum err e)
{
    return (unsigned)e < ERR_COUNT ? table[e].sentence : "an unknown error";
}

enum err err_from_errno(int number)
{
    switch (number) {
    case 0:
        return ERR_OK;
    case ENOMEM:
        return ERR_NOMEM;
    case ENOSPC:
    case EDQUOT:
        return ERR_NOSPACE;
    case ENOENT:
        return ERR_NOTFOUND;
    case EEXIST:
        return ERR_EXISTS;
    case EROFS:
    case EACCES:
    case EPERM:
        return ERR_READONLY;
    case EWOULDBLOCK:
        return ERR_LOCKED;
    case ENOTDIR:
        return ERR_INVALID;
    case EFBIG:
    case EMSGSIZE:
        return ERR_TOOLARGE;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    default:
        return ERR_IO;
    }
}

enum err why_say(struct why *why, enum err e, const char *format, ...)
{
    if (why) {
        va_list args;
        va_start(args, format);
        vsnprintf(why->text, sizeof why->text, format, args);
        va_end(args);
    }
    return e;
}

_Noreturn void err_bug(const char *file, int line, const char *what)
{
    fprintf(stderr, "bug: %s:%d: %s\n", file, line, what);
    abort();
}
