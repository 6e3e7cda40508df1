/* What the layers above may ask about an exchange (see http.h). */
#include "net/http_conn.h"

const struct http1_head *http_head(const struct http_exchange *x)
{
    return &x->head;
}

struct bytes http_body(const struct http_exchange *x)
{
    return buf_bytes(&x->body);
}

struct bytes http_header(const struct http_exchange *x, const char *name)
{
    return http1_head_find(&x->head, name);
}

const char *http_client_address(const struct http_exchange *x)
{
    return x->client_address;
}

struct bytes http_request_id(const struct http_exchange *x)
{
    return x->request_id;
}

bool http_client_is_gone(const struct http_exchange *x)
{
    return atomic_load_explicit(&x->conn->gone, memory_order_relaxed);
}

int64_t http_started_ns(const struct http_exchange *x)
{
    return x->started_ns;
}

struct arena *http_arena(struct http_exchange *x)
{
    return &x->arena;
}

void **http_user(struct http_exchange *x)
{
    return &x->user;
}

struct buf *http_answer_body(struct http_exchange *x)
{
    return &x->answer;
}

static bool is_one_line(struct bytes s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\r' || s.p[i] == '\n' || !s.p[i]) return false;
    return true;
}

void http_add_lines(struct http_exchange *x, struct bytes lines)
{
    buf_add_bytes(&x->headers, lines);
}

void http_add_header(struct http_exchange *x, const char *name, struct bytes value)
{
    bug_if(!is_one_line(bytes_str(name)) || !is_one_line(value));
    if (bytes_equal_nocase(bytes_str(name), BYTES("Content-Encoding"))) x->encoded_above = true;
    buf_add_str(&x->headers, name);
    buf_add(&x->headers, ": ", 2);
    buf_add_bytes(&x->headers, value);
    buf_add(&x->headers, "\r\n", 2);
}
