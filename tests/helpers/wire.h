#pragma once
/* tests/helpers/wire.h -- a client for tests: a blocking socket on loopback and whole HTTP answers
 * read from it. Nothing waits longer than 20 s; then the test fails, because something hangs.
 * Threads: one client, one thread.   Memory: struct wire is the caller's; wire_close() frees. */
#include "base/buf.h"

#include <stdbool.h>

struct wire {
    int fd;
    struct buf in;   /* bytes read and not yet taken */
    int status;      /* of the last answer ... */
    char head[8192]; /* ... its head, NUL-terminated ... */
    struct buf body; /* ... and body, chunks joined */
    bool whole;      /* the body came to its end */
};

void wire_open(struct wire *w, uint16_t port);
/* From this loopback address, with this receive buffer (0: the system's). */
void wire_open_as(struct wire *w, uint16_t port, const char *from, int receive_bytes);
void wire_close(struct wire *w);
void wire_send(struct wire *w, struct bytes s);
void wire_say(struct wire *w, const char *text);
/* Reads one answer; false: the peer closed before a whole head. `no_body`: to HEAD. */
bool wire_read(struct wire *w, bool no_body);
/* Value of a header of the last answer, "" when absent; borrowed until the next call. */
const char *wire_header(struct wire *w, const char *name);
/* Reads to the end; true when the peer closed in order and nothing was left. */
bool wire_ends(struct wire *w);
/* At least n bytes in w->in; false at the end. */
bool wire_fill(struct wire *w, size_t n);
