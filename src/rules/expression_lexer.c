/* Tokens of the expression language (see expression_lexer.h). */
#include "rules/expression_lexer.h"

#include "codec/number.h"

/* A byte that starts a name; bytes above ASCII are letters of some alphabet. */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
    return is_letter(c) || is_digit(c) || c == '.';
}

static char peek(const struct expression_lexer *l, size_t ahead)
{
    return l->at + ahead < l->text.n ? l->text.p[l->at + ahead] : 0;
}

static struct token take(struct expression_lexer *l, enum token_kind kind, size_t n)
{
    struct token t = {.kind = kind, .offset = l->at, .text = bytes_of(l->text.p + l->at, n)};
    l->at += n;
    return t;
}

static struct token bad(struct expression_lexer *l, size_t n, const char *why)
{
    struct token t = take(l, TOKEN_BAD, n);
    t.why = why;
    return t;
}

static struct token read_name(struct expression_lexer *l)
{
    size_t n = 1;
    while (is_name(peek(l, n))) n++;
    return take(l, TOKEN_NAME, n);
}

/* 5m is a window, 5 a number, 5x neither. */
static struct token read_number(struct expression_lexer *l)
{
    const char *start = l->text.p + l->at, *at = start;
    double value = 0;
    enum err e = number_read_loose(&at, l->text.p + l->text.n, &value);
    size_t n = (size_t)(at - start);
    if (e == ERR_TOOLARGE) return bad(l, n, "this number is too large");
    if (e) return bad(l, 1, "a digit is missing here");
    if (at[-1] == '.') return bad(l, n, "a digit is missing behind the point");
    if (is_letter(peek(l, n))) {
        while (is_name(peek(l, n))) n++;
        return take(l, TOKEN_SPAN, n);
    }
    struct token t = take(l, TOKEN_NUMBER, n);
    t.number = value;
    return t;
}

static struct token read_quoted(struct expression_lexer *l)
{
    char quote = peek(l, 0);
    size_t n = 1;
    while (l->at + n < l->text.n && peek(l, n) != quote) n += peek(l, n) == '\\' ? 2 : 1;
    if (l->at + n >= l->text.n)
        return bad(l, l->text.n - l->at, "this quotation mark is never closed");
    struct token t = take(l, TOKEN_QUOTED, n + 1);
    t.text = bytes_of(t.text.p + 1, n - 1);
    return t;
}

static const struct {
    char text[3];
    enum token_kind kind;
} signs[] = {
    /* two characters before their first one */
    {"<=", TOKEN_LE},   {">=", TOKEN_GE},   {"==", TOKEN_EQ},     {"!=", TOKEN_NE},
    {"<", TOKEN_LT},    {">", TOKEN_GT},    {"+", TOKEN_PLUS},    {"-", TOKEN_MINUS},
    {"*", TOKEN_STAR},  {"/", TOKEN_SLASH}, {"%", TOKEN_PERCENT}, {"(", TOKEN_OPEN},
    {")", TOKEN_CLOSE}, {",", TOKEN_COMMA},
};

static struct token read_sign(struct expression_lexer *l)
{
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t n = signs[i].text[1] ? 2 : 1;
        if (peek(l, 0) == signs[i].text[0] && (n == 1 || peek(l, 1) == signs[i].text[1]))
            return take(l, signs[i].kind, n);
    }
    switch (peek(l, 0)) {
    case '=':
        return bad(l, 1, "equality is written ==");
    case '&':
        return bad(l, 1, "write: and");
    case '|':
        return bad(l, 1, "write: or");
    case '!':
        return bad(l, 1, "write not(...) or !=");
    case '^':
        return bad(l, 1, "a power is written pow(base, exponent)");
    default:
        return bad(l, 1, "this character has no meaning here");
    }
}

struct token expression_lexer_next(struct expression_lexer *l)
{
    while (peek(l, 0) == ' ' || peek(l, 0) == '\t' || peek(l, 0) == '\n' || peek(l, 0) == '\r')
        l->at++;
    if (l->at >= l->text.n) return take(l, TOKEN_END, 0);
    char c = peek(l, 0);
    if (is_digit(c) || c == '.') return read_number(l);
    if (is_letter(c)) return read_name(l);
    if (c == '"' || c == '\'') return read_quoted(l);
    return read_sign(l);
}
