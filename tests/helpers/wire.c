/* A blocking client (see wire.h). */
#include "wire.h"

#include "codec/http1.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void give_up(const char *what)
{
    fprintf(stderr, "wire: %s\n", what);
    abort();
}

void wire_open_as(struct wire *w, uint16_t port, const char *from, int receive_bytes)
{
    *w = (struct wire){.fd = socket(AF_INET, SOCK_STREAM, 0)};
    buf_init(&w->in, 256 << 20);
    buf_init(&w->body, 256 << 20);
    /* Ahead of time: a test may make the server's next allocation fail. */
    if (!buf_reserve(&w->in, 1 << 18) || !buf_reserve(&w->body, 1 << 16)) give_up("memory");
    struct timeval patience = {.tv_sec = 20};
    setsockopt(w->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(w->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    int on = 1;
    setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (receive_bytes)
        setsockopt(w->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    struct sockaddr_in at = {.sin_family = AF_INET};
    inet_pton(AF_INET, from, &at.sin_addr);
    if (bind(w->fd, (const struct sockaddr *)&at, sizeof at)) give_up("bind");
    at.sin_port = htons(port);
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    if (connect(w->fd, (const struct sockaddr *)&at, sizeof at)) give_up("connect");
}

void wire_open(struct wire *w, uint16_t port)
{
    wire_open_as(w, port, "127.0.0.1", 0);
}

void wire_close(struct wire *w)
{
    if (w->fd >= 0) close(w->fd);
    w->fd = -1;
    buf_done(&w->in);
    buf_done(&w->body);
}

void wire_send(struct wire *w, struct bytes s)
{
    while (s.n) {
        ssize_t n = send(w->fd, s.p, s.n, MSG_NOSIGNAL);
        if (n <= 0) return; /* the server closed: what it said tells why */
        s = bytes_of(s.p + n, s.n - (size_t)n);
    }
}

void wire_say(struct wire *w, const char *text)
{
    wire_send(w, bytes_str(text));
}

static bool more(struct wire *w)
{
    char *to = buf_reserve(&w->in, 65536);
    if (!to) give_up("too much came");
    ssize_t n = recv(w->fd, to, 65536, 0);
    if (n > 0) buf_advance(&w->in, (size_t)n);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) give_up("nothing came for 20 s");
    return n > 0;
}

bool wire_fill(struct wire *w, size_t n)
{
    while (w->in.n < n)
        if (!more(w)) return false;
    return true;
}

const char *wire_header(struct wire *w, const char *name)
{
    static char value[1024];
    size_t n = strlen(name);
    value[0] = 0;
    for (const char *line = strstr(w->head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (bytes_equal_nocase(bytes_of(line + 2, strnlen(line + 2, n)), bytes_of(name, n)) &&
            line[2 + n] == ':') {
            const char *end = strstr(line + 2, "\r\n");
            snprintf(value, sizeof value, "%.*s", (int)(end - line - 4 - (ptrdiff_t)n),
                     line + 4 + n);
            break;
        }
    return value;
}

static bool read_chunked(struct wire *w)
{
    struct http1_chunked c;
    http1_chunked_init(&c);
    for (;;) {
        size_t used;
        struct bytes data;
        enum err e = http1_chunked_feed(&c, buf_bytes(&w->in), &used, &data);
        buf_add_bytes(&w->body, data);
        buf_shift(&w->in, used);
        if (e == ERR_OK) return true;
        if (e == ERR_INVALID) give_up("a chunked answer is broken");
        if (!w->in.n && !more(w)) return false;
    }
}

static void read_body(struct wire *w)
{
    if (!strcmp(wire_header(w, "Transfer-Encoding"), "chunked")) {
        w->whole = read_chunked(w);
        return;
    }
    const char *length = wire_header(w, "Content-Length");
    if (!*length) { /* ends with the connection */
        while (more(w)) continue;
        buf_add_bytes(&w->body, buf_bytes(&w->in));
        buf_clear(&w->in);
        w->whole = true;
        return;
    }
    size_t n = strtoul(length, NULL, 10);
    w->whole = wire_fill(w, n);
    if (n > w->in.n) n = w->in.n;
    buf_add(&w->body, w->in.p, n);
    buf_shift(&w->in, n);
}

bool wire_read(struct wire *w, bool no_body)
{
    const char *end;
    w->status = 0;
    w->head[0] = 0;
    buf_clear(&w->body);
    while (!w->in.n || !(end = memmem(w->in.p, w->in.n, "\r\n\r\n", 4)))
        if (!more(w)) return false;
    size_t n = (size_t)(end - w->in.p) + 4;
    if (n >= sizeof w->head) give_up("the head of an answer is too long");
    memcpy(w->head, w->in.p, n);
    w->head[n] = 0;
    w->status = (int)strtol(w->head + 9, NULL, 10);
    buf_shift(&w->in, n);
    w->whole = true;
    bool none = no_body || w->status < 200 || w->status == 204 || w->status == 304;
    if (!none) read_body(w);
    return true;
}

bool wire_ends(struct wire *w)
{
    char byte;
    if (w->in.n) return false;
    ssize_t n = recv(w->fd, &byte, 1, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) give_up("it is not closed after 20 s");
    return n == 0;
}
