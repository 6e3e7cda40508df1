#pragma once
/* security/password.h -- passwords as Argon2id text (RFC 9106; 19 MiB, 2 passes: OWASP's figure),
 * as libsodium writes it. One hash costs 20 to 50 ms and its 19 MiB, so a gate lets only a few run
 * at once; the others wait in line, and a line that is full is told so.
 * P1  a missing account costs what a wrong password costs: verify against no hash runs the same
 *     work on a dummy hash and then refuses.
 * P2  a bcrypt text of the earlier platform (security/bcrypt.h) is checked and is always outdated:
 *     until its owner has logged in once, a wrong password for that account costs bcrypt's time.
 * Threads: any; every call but free blocks, so never on a loop.   Memory: nothing secret is
 * kept. */
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>

enum { PASSWORD_TEXT_MAX = 128, PASSWORD_MAX_BYTES = 1024 };

struct password_opts {
    unsigned max_running;  /* 0 = 2 */
    unsigned max_waiting;  /* 0 = 128; one more is ERR_FULL */
    uint64_t memory_bytes; /* 0 = 19 MiB; tests take the library's least */
    unsigned passes;       /* 0 = 2 */
};

struct password_stats {
    unsigned running, waiting, most_running; /* most_running: since it was made */
    uint64_t done, refused;
};

struct password_gate;
enum err password_new(struct password_gate **ret, const struct password_opts *opts) MUST_CHECK;
void password_free(struct password_gate *g); /* NULL is fine; nobody may be inside */

/* NUL-terminated Argon2id text. ERR_TOOLARGE, ERR_FULL, ERR_NOMEM. */
enum err password_hash(struct password_gate *g, struct bytes plain,
                       char ret[PASSWORD_TEXT_MAX]) MUST_CHECK;
/* ERR_OK: it is the one. ERR_UNAUTHENTICATED: it is not, or `stored` is empty (no account, or one
 * without a password). ERR_FULL, ERR_NOMEM: not known. */
enum err password_verify(struct password_gate *g, struct bytes plain,
                         struct bytes stored) MUST_CHECK;
/* True when `stored` was made with other parameters than this gate's. */
bool password_is_outdated(const struct password_gate *g, struct bytes stored);
struct password_stats password_read_stats(struct password_gate *g);
