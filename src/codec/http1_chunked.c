/* The chunked transfer coding (see http1.h): one byte at a time through lines, in runs through
 * data. */
#include "codec/http1.h"

enum state {
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    DONE,
    DEAD
};

enum { SIZE_DIGITS_MAX = 15 }; /* 60 bits: no overflow, and more than anybody has */

void http1_chunked_init(struct http1_chunked *c)
{
    *c = (struct http1_chunked){.state = SIZE};
}

static enum err refuse(struct http1_chunked *c, const char *why)
{
    c->state = DEAD;
    c->status = 400;
    c->why = why;
    return ERR_INVALID;
}

static enum err go(struct http1_chunked *c, enum state next)
{
    c->state = (int)next;
    return ERR_MORE;
}

static bool is_text(char c)
{
    return (unsigned char)c >= ' ' ? c != 0x7f : c == '\t';
}

static bool is_token(char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return true;
    return c && strchr("!#$%&'*+-.^_`|~", c);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static enum err in_size(struct http1_chunked *c, char byte)
{
    int digit = hex_value(byte);
    if (digit >= 0) {
        if (c->digits++ == SIZE_DIGITS_MAX) return refuse(c, "a chunk size overflows");
        c->left = c->left * 16 + (unsigned)digit;
        return ERR_MORE;
    }
    if (!c->digits) return refuse(c, "a chunk has no size");
    if (byte == '\r') return go(c, SIZE_LF);
    return byte == ';' ? go(c, EXTENSION) : refuse(c, "a chunk size is not hexadecimal");
}

static enum err in_extension(struct http1_chunked *c, char byte)
{
    if (byte == '\r') return go(c, SIZE_LF);
    if (!is_text(byte)) return refuse(c, "a control character in a chunk extension");
    if (++c->extra > HTTP1_CHUNK_EXT_MAX) return refuse(c, "a chunk extension is too long");
    return ERR_MORE;
}

static enum err at_line_end(struct http1_chunked *c, char byte)
{
    if (byte != '\n') return refuse(c, "a bare CR in the chunked body");
    c->digits = c->extra = 0;
    switch ((enum state)c->state) {
    case SIZE_LF:
        return go(c, c->left ? DATA : TRAILER_START);
    case DATA_LF:
        return go(c, SIZE);
    case TRAILER_LF:
        return go(c, TRAILER_START);
    default:
        c->state = DONE;
        return ERR_OK;
    }
}

static bool is_forbidden(struct bytes name)
{
    static const char *const names[] = {"Content-Length",   "Transfer-Encoding", "Connection",
                                        "Proxy-Connection", "Upgrade",           "Host"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (bytes_equal_nocase(name, bytes_str(names[i]))) return true;
    return false;
}

static enum err in_trailer_name(struct http1_chunked *c, char byte)
{
    if (c->state == TRAILER_START) c->name_n = 0;
    if (c->state == TRAILER_NAME && byte == ':') {
        bool forbidden =
            c->name_n < HTTP1_TRAILER_NAME && is_forbidden(bytes_of(c->name, c->name_n));
        return forbidden ? refuse(c, "a trailer that belongs into the head") : go(c, TRAILER_VALUE);
    }
    if (!is_token(byte)) return refuse(c, "a trailer name is not a token");
    if (c->name_n < HTTP1_TRAILER_NAME) c->name[c->name_n++] = byte;
    return go(c, TRAILER_NAME);
}

static enum err in_trailer(struct http1_chunked *c, char byte)
{
    if (c->state == TRAILER_START && byte == '\r') return go(c, END_LF);
    if (++c->trailer_n > HTTP1_TRAILER_MAX) return refuse(c, "the trailers are too long");
    if (c->state == TRAILER_VALUE) {
        if (byte == '\r') return go(c, TRAILER_LF);
        return is_text(byte) ? ERR_MORE : refuse(c, "a control character in a trailer");
    }
    return in_trailer_name(c, byte);
}

static enum err take_byte(struct http1_chunked *c, char byte)
{
    switch ((enum state)c->state) {
    case SIZE:
        return in_size(c, byte);
    case EXTENSION:
        return in_extension(c, byte);
    case DATA_CR:
        return byte == '\r' ? go(c, DATA_LF) : refuse(c, "a chunk is longer than its size");
    case TRAILER_START:
    case TRAILER_NAME:
    case TRAILER_VALUE:
        return in_trailer(c, byte);
    default:
        return at_line_end(c, byte);
    }
}

enum err http1_chunked_feed(struct http1_chunked *c, struct bytes input, size_t *ret_used,
                            struct bytes *ret_data)
{
    *ret_used = 0;
    *ret_data = bytes_of(NULL, 0);
    if (c->state == DEAD) return ERR_INVALID;
    enum err e = c->state == DONE ? ERR_OK : ERR_MORE;
    size_t at = 0;
    while (e == ERR_MORE && at < input.n && c->state != DATA) e = take_byte(c, input.p[at++]);
    if (e == ERR_MORE && c->state == DATA) {
        size_t n = input.n - at < c->left ? input.n - at : (size_t)c->left;
        *ret_data = bytes_of(input.p + at, n);
        at += n;
        c->left -= n;
        if (!c->left) c->state = DATA_CR;
    }
    *ret_used = at;
    return e;
}
