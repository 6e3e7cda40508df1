#pragma once
/* app/control.h -- the control socket DIR/control.sock: how commands speak to a running server.
 *
 *   command ── {"do":"config.set","key":…}\n ──> verb on the control thread
 *           <── {"ok":true,…}\n  or  {"ok":false,"error":"NOTFOUND","message":"…"}\n ──
 *
 * One request per connection, one connection at a time; a request is at most 1 MiB and must be
 * there within 5 s. The socket has mode 0600 and the peer's uid must be the server's own or 0:
 * what arrives is as trusted as the files themselves.
 * Threads: verbs run one after the other on the thread "control", and may block.
 * Memory: see each call. */
#include "base/buf.h"

struct cJSON;
/* Appends members of the answer's object ("\"key\":value"), without the braces; request and answer
 * are borrowed for the call. */
typedef enum err control_verb_fn(void *ctx, const struct cJSON *request, struct buf *answer,
                                 struct why *why);
struct control_verb {
    const char *name;
    control_verb_fn *run;
};

struct control_server;
/* verbs: borrowed until stop. A stale socket of a dead server is replaced: the caller holds DIR's
 * lock. */
enum err control_start(struct control_server **ret, const char *dir,
                       const struct control_verb *verbs, size_t n, void *ctx,
                       struct why *why) MUST_CHECK;
void control_stop(struct control_server *s); /* ends the request in work first; NULL is fine */

/* Runs one verb here, without a socket: finds it, calls it, writes the whole answer line. */
enum err control_run(const struct control_verb *verbs, size_t n, void *ctx,
                     const struct cJSON *request, struct buf *answer, struct why *why) MUST_CHECK;

/* Asks the server of DIR. *ret_running: one was there and got the request; without one it is
 * ERR_NOTFOUND. `answer` is the line without its end; an answer that says no comes back as its
 * error and message. */
enum err control_call(const char *dir, struct bytes request, struct buf *answer, bool *ret_running,
                      struct why *why) MUST_CHECK;
