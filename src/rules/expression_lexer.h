#pragma once
/* rules/expression_lexer.h -- a text as tokens, one at a time, each with its place. Used by
 * expression_parser.c alone.
 * Threads: a value.   Memory: tokens borrow from the text. */
#include "base/bytes.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NUMBER,
    TOKEN_NAME,   /* a bare name: letters, digits, _ and . */
    TOKEN_QUOTED, /* "…" or '…'; text is what stands between the quotes, escapes included */
    TOKEN_SPAN,   /* 5m, 24h: a number with a unit behind it */
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_STAR,
    TOKEN_SLASH,
    TOKEN_PERCENT,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_LT,
    TOKEN_LE,
    TOKEN_GT,
    TOKEN_GE,
    TOKEN_EQ,
    TOKEN_NE,
    TOKEN_BAD, /* number holds no value; why says what is wrong */
};

struct token {
    enum token_kind kind;
    size_t offset;     /* of its first byte */
    struct bytes text; /* as written; of a quoted one without the quotes */
    double number;
    const char *why; /* of a bad one */
};

struct expression_lexer {
    struct bytes text;
    size_t at;
};
struct token expression_lexer_next(struct expression_lexer *l);
