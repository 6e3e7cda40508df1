#pragma once
/* cache/redis_link.h -- one connection to Redis: commands of any bytes, sent together, answered in
 * order, none of them for longer than the timeout.   Threads: one at a time.   Memory: the link
 * owns its buffers; a reply is borrowed until the next call. */
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>

struct redis_place {
    char host[256]; /* or the path of a socket, when it starts with '/' */
    int port, database;
    char password[256];
};
/* redis://[:password@]host[:port][/database], or unix:///path. ERR_INVALID, ERR_UNSUPPORTED. */
enum err redis_place_parse(struct redis_place *ret, struct bytes url, struct why *why) MUST_CHECK;

struct redis_link;
/* Connected, logged in, at its database. */
enum err redis_link_open(struct redis_link **ret, const struct redis_place *place,
                         int64_t timeout_ns) MUST_CHECK;
void redis_link_close(struct redis_link *l); /* NULL is fine */

enum { REDIS_LINK_ARGS_MAX = 512 };
enum err redis_link_send(struct redis_link *l, const struct bytes *args, size_t n) MUST_CHECK;

enum redis_kind { REDIS_NIL, REDIS_TEXT, REDIS_NUMBER, REDIS_ARRAY, REDIS_REFUSED };
struct redis_reply {
    enum redis_kind kind;
    struct bytes text; /* TEXT, REFUSED */
    size_t n;          /* ARRAY */
    const void *elements;
};
/* ERR_IO: the connection is of no use any more. */
enum err redis_link_receive(struct redis_link *l, struct redis_reply *ret) MUST_CHECK;
struct redis_reply redis_link_element(const struct redis_reply *array, size_t i);
/* Sends one command and receives its answer. */
enum err redis_link_ask(struct redis_link *l, const struct bytes *args, size_t n,
                        struct redis_reply *ret) MUST_CHECK;
