#pragma once
/* net/ws_frame.h -- inside: an encoded frame, shared by all it is sent to (RFC 6455, 5.2; from a
 * server, so never masked).   Threads: any; the count is atomic.   Memory: counted. */
#include "base/bytes.h"

#include <stdatomic.h>

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
};

struct ws_frame {
    _Atomic unsigned refs;
    bool control;
    size_t n;
    char bytes[];
};

struct ws_frame *ws_frame_make(enum ws_opcode opcode, struct bytes payload); /* NULL: no memory */
