/* Encoded frames (see ws_frame.h). */
#include "net/ws_frame.h"

#include "base/mem.h"
#include "net/websocket.h"

static size_t write_head(char head[10], enum ws_opcode opcode, size_t n)
{
    unsigned length_bytes = n < 126 ? 0 : n < 65536 ? 2 : 8;
    head[0] = (char)(0x80 | (unsigned)opcode); /* FIN: what we send is never in pieces */
    head[1] = (char)(length_bytes == 0 ? n : length_bytes == 2 ? 126 : 127);
    for (unsigned i = 0; i < length_bytes; i++)
        head[2 + i] = (char)((uint64_t)n >> 8 * (length_bytes - 1 - i));
    return 2 + length_bytes;
}

struct ws_frame *ws_frame_make(enum ws_opcode opcode, struct bytes payload)
{
    char head[10];
    size_t head_n = write_head(head, opcode, payload.n);
    struct ws_frame *f = mem_alloc(sizeof *f + head_n + payload.n);
    if (!f) return NULL;
    atomic_init(&f->refs, 1);
    f->control = opcode >= WS_CLOSE;
    f->n = head_n + payload.n;
    memcpy(f->bytes, head, head_n);
    if (payload.n) memcpy(f->bytes + head_n, payload.p, payload.n);
    return f;
}

struct ws_frame *ws_frame_new(struct bytes text)
{
    return ws_frame_make(WS_TEXT, text);
}

struct ws_frame *ws_frame_ref(struct ws_frame *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

void ws_frame_unref(struct ws_frame *f)
{
    /* Release pairs with the acquire of whoever drops the last one and frees. */
    if (f && atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1) mem_free(f);
}
