/* WebSocket frames of a client (see wire_frame.h). */
#include "wire_frame.h"

#include <stdlib.h>

enum { MASKED = 0x80 };

void wire_frame_add(struct buf *b, unsigned first, struct bytes payload)
{
    static const char mask[4] = {0x12, 0x34, 0x56, 0x78};
    buf_add_char(b, (char)first);
    if (payload.n < 126) {
        buf_add_char(b, (char)(MASKED | payload.n));
    } else {
        buf_add_char(b, (char)(MASKED | (payload.n < 65536 ? 126 : 127)));
        for (int i = payload.n < 65536 ? 1 : 7; i >= 0; i--)
            buf_add_char(b, (char)((uint64_t)payload.n >> 8 * i));
    }
    buf_add(b, mask, 4);
    for (size_t i = 0; i < payload.n; i++) buf_add_char(b, (char)(payload.p[i] ^ mask[i % 4]));
}

void wire_frame_send(struct wire *w, unsigned first, struct bytes payload)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    wire_frame_add(&b, first, payload);
    wire_send(w, buf_bytes(&b));
    buf_done(&b);
}

int wire_frame_read(struct wire *w)
{
    if (!wire_fill(w, 2)) return -1;
    if (!((uint8_t)w->in.p[0] & WIRE_FRAME_FIN)) abort(); /* a server never fragments here */
    int opcode = w->in.p[0] & 15;
    size_t n = (uint8_t)w->in.p[1], head = n < 126 ? 2 : n == 126 ? 4 : 10;
    if (n > 127) abort(); /* and never masks */
    if (!wire_fill(w, head)) return -1;
    if (head > 2) n = 0;
    for (size_t i = 2; i < head; i++) n = n << 8 | (uint8_t)w->in.p[i];
    if (!wire_fill(w, head + n)) return -1;
    buf_clear(&w->body);
    buf_add(&w->body, w->in.p + head, n);
    buf_shift(&w->in, head + n);
    return opcode;
}

unsigned wire_frame_close_code(const struct wire *w)
{
    return w->body.n < 2 ? 0 : (unsigned)(uint8_t)w->body.p[0] << 8 | (uint8_t)w->body.p[1];
}
