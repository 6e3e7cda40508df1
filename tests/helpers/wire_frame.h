#pragma once
/* tests/helpers/wire_frame.h -- WebSocket frames as a client sends and reads them, on a wire.
 * Threads: one client, one thread.   Memory: the payload read last lies in w->body. */
#include "wire.h"

#define WIRE_FRAME_SHAKE(path, more)                                                               \
    "GET " path                                                                                    \
    " HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"            \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" more "\r\n"

enum { WIRE_FRAME_FIN = 0x80 };

/* `first` is FIN, reserved bits and opcode. */
void wire_frame_add(struct buf *b, unsigned first, struct bytes payload);
void wire_frame_send(struct wire *w, unsigned first, struct bytes payload);
/* The next frame; its opcode, or -1 at the end of the connection. */
int wire_frame_read(struct wire *w);
unsigned wire_frame_close_code(const struct wire *w); /* of the close frame read last; 0: empty */
