#pragma once
/* net/tls.h -- TLS 1.2 and 1.3 of a server, a filter over bytes: what the socket brought goes in,
 * what it is to send comes out. Sockets and loops are the caller's (conn.h).
 * Threads: a context any, once it is open; a filter its loop's.   Memory: OpenSSL's own allocator;
 * a filter weighs about 20 KiB, more while a record is under way. */
#include "base/buf.h"

struct tls_context;
/* PEM files: the chain, and its key. ERR_INVALID: why says which file, and what OpenSSL said. */
enum err tls_context_open(struct tls_context **ret, const char *cert, const char *key,
                          struct why *why) MUST_CHECK;
void tls_context_free(struct tls_context *t); /* NULL is fine */

struct tls;
struct tls *tls_new(struct tls_context *context); /* NULL without memory */
void tls_free(struct tls *t);                     /* NULL is fine */
/* Appends what was said in the bytes. ERR_END: the peer says no more; ERR_INVALID: this is no TLS,
 * or none we speak; ERR_NOMEM. */
enum err tls_take(struct tls *t, struct bytes from_socket, struct buf *ret_said) MUST_CHECK;
/* Before the handshake is over nothing can be said: ERR_MORE. */
enum err tls_say(struct tls *t, struct bytes said) MUST_CHECK;
/* Nothing follows what was said. */
void tls_bye(struct tls *t);
/* What waits to be sent: handshake, alerts, records. */
bool tls_has_output(const struct tls *t);
void tls_take_output(struct tls *t, struct buf *to_socket);
