/* A fixed table of counters. An entry is found by a 128-bit keyed hash of what it counts; its row
 * is chosen by the same hash, so without the key nobody can aim at a row. */
#include "security/lockout.h"

#include "base/mem.h"
#include "sys/lock.h"

#include <sodium.h>

enum { WAYS = 8, KEY_BYTES = 16, NAME_BYTES = 16, PER_MINUTE = 10, ENTRIES = 8192 };

enum kind { KIND_PAIR = 1, KIND_ADDRESS, KIND_ACCOUNT };

struct entry {
    uint64_t key[2];
    int64_t until_ns; /* forgotten from then on */
    uint32_t count;   /* 0 = free */
    uint32_t kind;
};
_Static_assert(sizeof(struct entry) == 32, "as the header says");

/* Who tried: hashes without a key, which nodes can tell each other. */
struct names {
    uint8_t account[NAME_BYTES], address[NAME_BYTES];
    bool has_account;
};
enum { NEWS_FAILED = 1, NEWS_ACCOUNT = 2 };
_Static_assert(LOCKOUT_NEWS == 1 + 2 * NAME_BYTES, "flags, account, address");

struct lockout {
    struct lock lock; /* the entries and per_minute */
    const struct clock *clock;
    uint8_t key[32];
    unsigned failures, per_minute;
    int64_t lock_ns;
    void (*tell)(void *ctx, struct bytes news);
    void *tell_ctx;
    size_t rows; /* a power of two */
    struct entry *entries;
};

/* What one attempt is counted under. */
struct subject {
    uint64_t pair[2], address[2], account[2];
    bool has_account;
};

enum err lockout_new(struct lockout **ret, const struct lockout_opts *opts)
{
    if (sodium_init() < 0) return ERR_INTERNAL;
    struct lockout *l = mem_zalloc(sizeof *l);
    if (!l) return ERR_NOMEM;
    size_t want = opts->entries ? opts->entries : ENTRIES;
    l->rows = 8;
    while (l->rows * WAYS < want) l->rows *= 2;
    l->entries = mem_array(l->rows * WAYS, sizeof *l->entries);
    if (!l->entries) {
        mem_free(l);
        return ERR_NOMEM;
    }
    lock_init(&l->lock, LOCK_RANK_SECURITY);
    l->clock = opts->clock;
    l->failures = opts->failures ? opts->failures : LOCKOUT_PAIR_FAILURES;
    l->per_minute = opts->per_minute ? opts->per_minute : PER_MINUTE;
    l->lock_ns = opts->lock_ns ? opts->lock_ns : 30 * NS_PER_MINUTE;
    l->tell = opts->tell;
    l->tell_ctx = opts->tell_ctx;
    rnd_fill(opts->rnd, l->key, sizeof l->key);
    *ret = l;
    return ERR_OK;
}

void lockout_free(struct lockout *l)
{
    if (!l) return;
    lock_done(&l->lock);
    mem_free(l->entries);
    mem_free(l);
}

void lockout_set_per_minute(struct lockout *l, unsigned per_minute)
{
    lock_take(&l->lock);
    l->per_minute = per_minute;
    lock_release(&l->lock);
}

static void hash_add_lower(crypto_generichash_state *h, struct bytes text)
{
    uint8_t chunk[64];
    for (size_t at = 0; at < text.n; at += sizeof chunk) {
        size_t n = text.n - at < sizeof chunk ? text.n - at : sizeof chunk;
        for (size_t i = 0; i < n; i++) {
            char c = text.p[at + i];
            chunk[i] = (uint8_t)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
        }
        crypto_generichash_update(h, chunk, n);
    }
}

static void name_make(struct bytes text, uint8_t ret[NAME_BYTES])
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, NAME_BYTES);
    hash_add_lower(&h, text);
    crypto_generichash_final(&h, ret, NAME_BYTES);
}

static struct names names_of(struct bytes account, struct bytes address)
{
    struct names n = {.has_account = account.n > 0};
    name_make(address, n.address);
    if (n.has_account) name_make(account, n.account);
    return n;
}

/* A name that does not matter is NULL. */
static void key_make(const struct lockout *l, enum kind kind, const uint8_t *account,
                     const uint8_t *address, uint64_t ret[2])
{
    crypto_generichash_state h;
    uint8_t tag = (uint8_t)kind;
    crypto_generichash_init(&h, l->key, sizeof l->key, KEY_BYTES);
    crypto_generichash_update(&h, &tag, 1);
    if (account) crypto_generichash_update(&h, account, NAME_BYTES);
    if (address) crypto_generichash_update(&h, address, NAME_BYTES);
    crypto_generichash_final(&h, (uint8_t *)ret, KEY_BYTES);
}

static struct subject subject_of(const struct lockout *l, const struct names *n)
{
    struct subject s = {.has_account = n->has_account};
    key_make(l, KIND_ADDRESS, NULL, n->address, s.address);
    if (!s.has_account) return s;
    key_make(l, KIND_PAIR, n->account, n->address, s.pair);
    key_make(l, KIND_ACCOUNT, n->account, NULL, s.account);
    return s;
}

static struct entry *row_of(struct lockout *l, const uint64_t key[2])
{
    return &l->entries[(key[0] & (l->rows - 1)) * WAYS];
}

/* The living entry of that key, else NULL. */
static struct entry *find(struct lockout *l, const uint64_t key[2], int64_t now)
{
    struct entry *row = row_of(l, key);
    for (int i = 0; i < WAYS; i++) {
        struct entry *e = &row[i];
        bool same = e->count && e->key[0] == key[0] && e->key[1] == key[1];
        if (same && now < e->until_ns) return e;
    }
    return NULL;
}

/* 0 when unlocked or unlimited, else the nanoseconds that are left. */
static int64_t wait_of(const struct lockout *l, const struct entry *e, int64_t now)
{
    if (!e) return 0;
    unsigned limit = e->kind == KIND_PAIR ? l->failures : l->per_minute;
    return limit && e->count >= limit ? e->until_ns - now : 0;
}

/* Free or ended entries first, then unlocked ones, then what ends first: keeps L4. */
static struct entry *make_room(struct lockout *l, const uint64_t key[2], int64_t now)
{
    struct entry *row = row_of(l, key), *best = row;
    for (int i = 0; i < WAYS; i++) {
        struct entry *e = &row[i];
        if (e->count == 0 || now >= e->until_ns) return e;
        bool e_locked = wait_of(l, e, now) > 0, best_locked = wait_of(l, best, now) > 0;
        if (e_locked != best_locked ? best_locked : e->until_ns < best->until_ns) best = e;
    }
    return best;
}

static void count_up(struct lockout *l, enum kind kind, const uint64_t key[2], int64_t now)
{
    struct entry *e = find(l, key, now);
    if (!e) {
        e = make_room(l, key, now);
        *e = (struct entry){.key = {key[0], key[1]}, .kind = kind};
        e->until_ns = now + NS_PER_MINUTE;
    } else if (wait_of(l, e, now) > 0) {
        return; /* a lock ends when it said it would */
    }
    e->count++;
    if (kind == KIND_PAIR) e->until_ns = now + l->lock_ns;
}

static enum lockout_answer answer_of(struct lockout *l, const struct subject *s, int64_t now,
                                     int64_t *ret_wait_ns)
{
    int64_t wait = s->has_account ? wait_of(l, find(l, s->pair, now), now) : 0;
    enum lockout_answer answer = LOCKOUT_PAIR;
    if (!wait) {
        wait = wait_of(l, find(l, s->address, now), now);
        answer = LOCKOUT_ADDRESS;
    }
    if (!wait && s->has_account) {
        wait = wait_of(l, find(l, s->account, now), now);
        answer = LOCKOUT_ACCOUNT;
    }
    if (!wait) return LOCKOUT_FREE;
    *ret_wait_ns = wait;
    return answer;
}

enum lockout_answer lockout_check(struct lockout *l, struct bytes account, struct bytes address,
                                  int64_t *ret_wait_ns)
{
    const struct names names = names_of(account, address);
    struct subject s = subject_of(l, &names);
    int64_t now = clock_mono_ns(l->clock);
    lock_take(&l->lock);
    enum lockout_answer answer = answer_of(l, &s, now, ret_wait_ns);
    lock_release(&l->lock);
    return answer;
}

static void count_failure(struct lockout *l, const struct subject *s, int64_t now)
{
    count_up(l, KIND_ADDRESS, s->address, now);
    if (!s->has_account) return;
    count_up(l, KIND_PAIR, s->pair, now);
    count_up(l, KIND_ACCOUNT, s->account, now);
}

/* Whether there was anything to forget. A lock stays: elsewhere it may not have been known yet. */
static bool forget_pair(struct lockout *l, const struct subject *s, int64_t now)
{
    struct entry *e = s->has_account ? find(l, s->pair, now) : NULL;
    if (!e || wait_of(l, e, now) > 0) return false;
    e->count = 0;
    return true;
}

static void tell(const struct lockout *l, const struct names *n, bool failed)
{
    char news[LOCKOUT_NEWS] = {0};
    if (!l->tell) return;
    news[0] = (char)((failed ? NEWS_FAILED : 0) | (n->has_account ? NEWS_ACCOUNT : 0));
    if (n->has_account) memcpy(news + 1, n->account, NAME_BYTES);
    memcpy(news + 1 + NAME_BYTES, n->address, NAME_BYTES);
    l->tell(l->tell_ctx, bytes_of(news, sizeof news));
}

enum lockout_answer lockout_settle(struct lockout *l, struct bytes account, struct bytes address,
                                   bool success, int64_t *ret_wait_ns)
{
    const struct names names = names_of(account, address);
    struct subject s = subject_of(l, &names);
    int64_t now = clock_mono_ns(l->clock);
    bool forgot = false;
    lock_take(&l->lock);
    enum lockout_answer answer = answer_of(l, &s, now, ret_wait_ns); /* keeps L1 */
    if (!success)
        count_failure(l, &s, now);
    else if (answer == LOCKOUT_FREE)
        forgot = forget_pair(l, &s, now);
    lock_release(&l->lock);
    if (!success || forgot) tell(l, &names, !success);
    return answer;
}

void lockout_hear(struct lockout *l, struct bytes news)
{
    struct names n;
    if (news.n != LOCKOUT_NEWS) return;
    n.has_account = (news.p[0] & NEWS_ACCOUNT) != 0;
    memcpy(n.account, news.p + 1, NAME_BYTES);
    memcpy(n.address, news.p + 1 + NAME_BYTES, NAME_BYTES);
    struct subject s = subject_of(l, &n);
    int64_t now = clock_mono_ns(l->clock);
    lock_take(&l->lock);
    if (news.p[0] & NEWS_FAILED)
        count_failure(l, &s, now);
    else
        (void)forget_pair(l, &s, now);
    lock_release(&l->lock);
}
