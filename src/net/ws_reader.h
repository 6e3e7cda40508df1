#pragma once
/* net/ws_reader.h -- inside: frames out of bytes, by wslay. A reader weighs more than 4 KiB, so a
 * session has one only while a frame has come in part; between frames readers lie in a small cache.
 * Threads: one loop's.   Memory: the cache owns idle readers, the session the one it holds. */
#include "base/err.h"
#include "net/ws_frame.h"

struct ws_reader;
struct ws_reader_cache {
    struct ws_reader *first;
    unsigned count;
};

struct ws_reader_piece { /* of a frame's payload; a frame without payload is one empty piece */
    bool first, last;    /* of the frame */
    bool fin, masked;
    uint8_t reserved, opcode;
    uint64_t payload_n; /* of the frame */
    struct bytes data;  /* borrowed until the next call */
};

struct ws_reader *ws_reader_take(struct ws_reader_cache *cache); /* NULL without memory */
void ws_reader_give(struct ws_reader_cache *cache, struct ws_reader *r, bool reusable);
void ws_reader_free_all(struct ws_reader_cache *cache);
/* Borrowed until ws_reader_next() has said ERR_MORE. */
void ws_reader_feed(struct ws_reader *r, struct bytes input);
/* ERR_OK: a piece. ERR_MORE: the input is used up. ERR_INVALID: not the protocol. */
enum err ws_reader_next(struct ws_reader *r, struct ws_reader_piece *ret) MUST_CHECK;
/* Is everything that was fed part of a complete frame? */
bool ws_reader_at_boundary(const struct ws_reader *r);
