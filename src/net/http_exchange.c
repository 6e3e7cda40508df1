/* Exchanges: their pool and their names (see http_conn.h, X2). */
#include "net/http_conn.h"

#include "base/mem.h"

enum {
    POOL_MAX = 64,          /* exchanges kept per loop */
    KEEP_BYTES = 16 * 1024, /* a buffer keeps this much between requests */
    ARENA_MAX = 160 << 20,  /* an inflated body and what is made of it */
    ANSWER_MAX = 128 << 20,
    HEADERS_MAX = 32 * 1024,
};

static void init_buffers(struct http_exchange *x)
{
    arena_init(&x->arena, ARENA_MAX);
    buf_init(&x->body, 0);
    buf_init(&x->answer, ANSWER_MAX);
    buf_init(&x->packed, ANSWER_MAX);
    buf_init(&x->headers, HEADERS_MAX);
    buf_init(&x->out, 2 * HEADERS_MAX);
}

static void free_exchange(struct http_exchange *x)
{
    arena_done(&x->arena);
    buf_done(&x->body);
    buf_done(&x->answer);
    buf_done(&x->packed);
    buf_done(&x->headers);
    buf_done(&x->out);
    http_stream_free(x->stream);
    mem_free(x);
}

struct http_exchange *http_exchange_take(struct http_loop *hl)
{
    struct http_exchange *x = hl->free_exchanges;
    if (x) {
        hl->free_exchanges = x->next_free;
        hl->free_count--;
    } else {
        x = mem_zalloc(sizeof *x);
        if (!x) return NULL;
        init_buffers(x);
    }
    http1_head_init(&x->head);
    x->next_free = NULL;
    return x;
}

static void shrink(struct buf *b)
{
    if (b->cap > KEEP_BYTES)
        buf_done(b);
    else
        buf_clear(b);
}

void http_exchange_give(struct http_loop *hl, struct http_exchange *x)
{
    atomic_fetch_sub_explicit(&hl->server->body_bytes, x->charged, memory_order_relaxed);
    x->charged = 0;
    if (hl->free_count == POOL_MAX) {
        free_exchange(x);
        return;
    }
    arena_reset(&x->arena);
    shrink(&x->body);
    shrink(&x->answer);
    shrink(&x->packed);
    shrink(&x->headers);
    shrink(&x->out);
    http_stream_free(x->stream);
    x->stream = x->streaming = NULL;
    x->upgrade = NULL;
    x->user = NULL;
    x->content_type = NULL;
    x->request_id = bytes_of(NULL, 0);
    x->encoding = ENCODING_IDENTITY;
    x->announced = x->held = x->answered = x->vary = x->encoded_above = false;
    x->conn = NULL;
    x->next_free = hl->free_exchanges;
    hl->free_exchanges = x;
    hl->free_count++;
}

void http_exchange_free_all(struct http_loop *hl)
{
    while (hl->free_exchanges) {
        struct http_exchange *x = hl->free_exchanges;
        hl->free_exchanges = x->next_free;
        free_exchange(x);
    }
    hl->free_count = 0;
}

static bool is_good_id(struct bytes id)
{
    if (!id.n || id.n > 64) return false;
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-') return false;
    }
    return true;
}

/* Walks all X-Forwarded-For lists from the right: every proxy we trust names the one before it. */
static const char *forwarded_client(struct http_exchange *x, const struct http_server *s)
{
    struct address client, hop;
    bool known = false;
    for (size_t i = x->head.header_count; i-- > 0;) {
        if (!bytes_equal_nocase(x->head.headers[i].name, BYTES("X-Forwarded-For"))) continue;
        struct bytes list = x->head.headers[i].value;
        while (list.n) {
            size_t at = list.n;
            while (at && list.p[at - 1] != ',') at--;
            struct bytes item = bytes_trim(bytes_of(list.p + at, list.n - at));
            list.n = at ? at - 1 : 0;
            if (address_parse(item, &hop)) goto end;
            client = hop;
            known = true;
            if (!http_server_trusts(s, &hop)) goto end;
        }
    }
end:;
    char *text = known ? arena_alloc(&x->arena, ADDRESS_TEXT_MAX) : NULL;
    if (text) address_format(&client, text);
    return text;
}

void http_exchange_name(struct http_exchange *x)
{
    struct http_conn *c = x->conn;
    const struct http_server *s = c->hl->server;
    x->client_address = c->peer_text;
    if (s->proxy_count && http_server_trusts(s, &c->conn.peer)) {
        const char *client = forwarded_client(x, s);
        if (client) x->client_address = client;
    }
    x->request_id = http1_head_find(&x->head, "X-Request-Id");
    if (is_good_id(x->request_id)) return;
    loop_make_id(&c->hl->loop, x->made_id);
    x->request_id = bytes_of(x->made_id, sizeof x->made_id);
}
