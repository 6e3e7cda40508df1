/* A counting gate around libsodium's Argon2id. The gate is a mutex and a condition: an Argon2 run
 * takes milliseconds, so fairness by the condition's queue is good enough. */
#include "security/password.h"

#include "base/mem.h"
#include "security/bcrypt.h"
#include "sys/lock.h"

#include <sodium.h>
#include <stdio.h>

struct password_gate {
    struct lock lock; /* running, waiting and the counters */
    struct cond freed;
    unsigned max_running, max_waiting;
    unsigned long long passes;
    size_t memory_bytes;
    struct password_stats stats;
    char dummy[PASSWORD_TEXT_MAX]; /* well formed, matches nothing: the work of a real one */
};

_Static_assert(PASSWORD_TEXT_MAX >= crypto_pwhash_STRBYTES, "an Argon2id text fits");

/* "$argon2id$v=19$m=..,t=..,p=1$salt$hash" with random salt and hash: made without an Argon2 run,
 * which would delay the start by 30 ms. */
static void dummy_make(struct password_gate *g)
{
    uint8_t noise[16 + 32];
    char salt[32], hash[64];
    randombytes_buf(noise, sizeof noise);
    const int form = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
    sodium_bin2base64(salt, sizeof salt, noise, 16, form);
    sodium_bin2base64(hash, sizeof hash, noise + 16, 32, form);
    memset(g->dummy, 0, sizeof g->dummy);
    snprintf(g->dummy, sizeof g->dummy, "$argon2id$v=19$m=%zu,t=%llu,p=1$%.22s$%.43s",
             g->memory_bytes / 1024, g->passes, salt, hash);
}

enum err password_new(struct password_gate **ret, const struct password_opts *opts)
{
    if (sodium_init() < 0) return ERR_INTERNAL;
    struct password_gate *g = mem_zalloc(sizeof *g);
    if (!g) return ERR_NOMEM;
    lock_init(&g->lock, LOCK_RANK_SECURITY);
    cond_init(&g->freed);
    g->max_running = opts->max_running ? opts->max_running : 2;
    g->max_waiting = opts->max_waiting ? opts->max_waiting : 128;
    g->passes = opts->passes ? opts->passes : 2;
    g->memory_bytes = opts->memory_bytes ? (size_t)opts->memory_bytes : (size_t)19 << 20;
    dummy_make(g);
    *ret = g;
    return ERR_OK;
}

void password_free(struct password_gate *g)
{
    if (!g) return;
    bug_if(g->stats.running || g->stats.waiting);
    cond_done(&g->freed);
    lock_done(&g->lock);
    mem_free(g);
}

static enum err enter(struct password_gate *g)
{
    struct password_stats *s = &g->stats;
    lock_take(&g->lock);
    if (s->running >= g->max_running && s->waiting >= g->max_waiting) {
        s->refused++;
        lock_release(&g->lock);
        return ERR_FULL;
    }
    s->waiting++;
    while (s->running >= g->max_running) cond_wait(&g->freed, &g->lock);
    s->waiting--;
    s->running++;
    if (s->running > s->most_running) s->most_running = s->running;
    lock_release(&g->lock);
    return ERR_OK;
}

static void leave(struct password_gate *g)
{
    lock_take(&g->lock);
    g->stats.running--;
    g->stats.done++;
    cond_signal(&g->freed);
    lock_release(&g->lock);
}

enum err password_hash(struct password_gate *g, struct bytes plain, char ret[PASSWORD_TEXT_MAX])
{
    if (plain.n > PASSWORD_MAX_BYTES) return ERR_TOOLARGE;
    enum err e = enter(g);
    if (e) return e;
    char text[crypto_pwhash_STRBYTES];
    int rc = crypto_pwhash_str(text, plain.n ? plain.p : "", plain.n, g->passes, g->memory_bytes);
    leave(g);
    if (rc) return ERR_NOMEM; /* the only reason it has */
    memset(ret, 0, PASSWORD_TEXT_MAX);
    memcpy(ret, text, sizeof text);
    return ERR_OK;
}

static enum err verify_bcrypt(struct password_gate *g, struct bytes plain, struct bytes stored)
{
    enum err e = enter(g);
    if (e) return e;
    e = bcrypt_verify(plain, stored);
    leave(g);
    return e;
}

enum err password_verify(struct password_gate *g, struct bytes plain, struct bytes stored)
{
    if (bcrypt_is(stored)) return verify_bcrypt(g, plain, stored);
    char text[PASSWORD_TEXT_MAX] = {0};
    bool known = stored.n > 0 && stored.n < sizeof text;
    if (known) {
        memcpy(text, stored.p, stored.n);
    } else {
        memcpy(text, g->dummy, sizeof text); /* keeps P1 */
    }
    bool fits = plain.n <= PASSWORD_MAX_BYTES;
    enum err e = enter(g);
    if (e) return e;
    int rc = crypto_pwhash_str_verify(text, fits && plain.n ? plain.p : "", fits ? plain.n : 0);
    leave(g);
    return rc == 0 && known && fits ? ERR_OK : ERR_UNAUTHENTICATED;
}

bool password_is_outdated(const struct password_gate *g, struct bytes stored)
{
    char text[PASSWORD_TEXT_MAX] = {0};
    if (stored.n == 0 || stored.n >= sizeof text) return true;
    memcpy(text, stored.p, stored.n);
    return crypto_pwhash_str_needs_rehash(text, g->passes, g->memory_bytes) != 0;
}

struct password_stats password_read_stats(struct password_gate *g)
{
    lock_take(&g->lock);
    struct password_stats s = g->stats;
    lock_release(&g->lock);
    return s;
}
