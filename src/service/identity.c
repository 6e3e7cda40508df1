/* Three maps behind one lock. Entries are made before the lock is taken; only the growth of a map
 * happens under it (see LOCK_RANK_SECURITY). */
#include "service/identity.h"

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include "model/session.h"
#include "security/tokens.h"
#include "store/catalog_identity.h"
#include "store/catalog_sessions.h"
#include "sys/lock.h"

#include <stdatomic.h>

struct user_entry {
    uint64_t key; /* the user's id */
    int64_t org;
    unsigned roles;
    bool enabled;
    char *name; /* owned */
};

struct key_entry {
    uint8_t hash[API_KEY_HASH];
    int64_t id, org, user, expires_ns;
    _Atomic int64_t used_ns; /* 0 = not since it was last taken; relaxed, it is only a figure */
};

struct session_entry {
    char id[SESSION_ID_MAX + 1];
    size_t id_n;
    int64_t until_ns;
};

struct identity {
    struct rwlock lock; /* the maps */
    struct map users, keys, sessions;
};

static struct bytes key_of(const struct key_entry *k)
{
    return bytes_of(k->hash, sizeof k->hash);
}

enum err identity_put_user(struct identity *i, const struct user *u)
{
    struct user_entry *fresh = mem_zalloc(sizeof *fresh);
    char *name = mem_copy(u->username.p, u->username.n);
    if (!fresh || !name) {
        mem_free(fresh);
        mem_free(name);
        return ERR_NOMEM;
    }
    *fresh = (struct user_entry){(uint64_t)u->id, u->org, u->roles, u->enabled, name};
    rwlock_write(&i->lock);
    struct user_entry *old = map_get(&i->users, map_u64(&fresh->key));
    enum err e = map_put(&i->users, map_u64(&fresh->key), fresh);
    rwlock_release(&i->lock);
    struct user_entry *unused = e ? fresh : old;
    if (unused) mem_free(unused->name);
    mem_free(unused);
    return e;
}

void identity_remove_user(struct identity *i, int64_t user)
{
    uint64_t key = (uint64_t)user;
    rwlock_write(&i->lock);
    struct user_entry *old = map_remove(&i->users, map_u64(&key));
    rwlock_release(&i->lock);
    if (old) mem_free(old->name);
    mem_free(old);
}

bool identity_find_user(struct identity *i, int64_t user, struct identity_user *ret)
{
    uint64_t key = (uint64_t)user;
    rwlock_read(&i->lock);
    const struct user_entry *u = map_get(&i->users, map_u64(&key));
    if (u) *ret = (struct identity_user){user, u->org, u->roles, u->enabled};
    rwlock_release(&i->lock);
    return u != NULL;
}

void identity_user_name(struct identity *i, int64_t user, char *ret, size_t size)
{
    uint64_t key = (uint64_t)user;
    rwlock_read(&i->lock);
    const struct user_entry *u = map_get(&i->users, map_u64(&key));
    size_t n = u ? strlen(u->name) : 0;
    if (n >= size) n = size - 1;
    if (u) memcpy(ret, u->name, n);
    rwlock_release(&i->lock);
    ret[n] = '\0';
}

enum err identity_put_key(struct identity *i, const struct api_key *k)
{
    struct key_entry *fresh = mem_zalloc(sizeof *fresh);
    if (!fresh) return ERR_NOMEM;
    memcpy(fresh->hash, k->hash, sizeof fresh->hash);
    fresh->id = k->id;
    fresh->org = k->org;
    fresh->user = k->user;
    fresh->expires_ns = k->expires_ns;
    rwlock_write(&i->lock);
    struct key_entry *old = map_get(&i->keys, key_of(fresh));
    if (old) fresh->used_ns = old->used_ns;
    enum err e = map_put(&i->keys, key_of(fresh), fresh);
    rwlock_release(&i->lock);
    mem_free(e ? fresh : old);
    return e;
}

void identity_remove_key(struct identity *i, int64_t key)
{
    struct key_entry *found = NULL;
    size_t at = 0;
    rwlock_write(&i->lock);
    for (struct map_slot *s; !found && (s = map_next(&i->keys, &at));) {
        struct key_entry *k = s->value;
        if (k->id == key) found = k;
    }
    if (found) map_remove(&i->keys, key_of(found));
    rwlock_release(&i->lock);
    mem_free(found);
}

enum err identity_follow_key(struct identity *i, const struct api_key *k)
{
    struct key_entry *old = NULL;
    size_t at = 0;
    rwlock_write(&i->lock);
    for (struct map_slot *s; !old && (s = map_next(&i->keys, &at));) {
        struct key_entry *other = s->value;
        if (other->id == k->id && memcmp(other->hash, k->hash, sizeof k->hash) != 0) old = other;
    }
    if (old) map_remove(&i->keys, key_of(old));
    rwlock_release(&i->lock);
    mem_free(old);
    return identity_put_key(i, k);
}

/* One key of the user, taken out; NULL when there is none. */
static struct key_entry *take_key_of(struct identity *i, int64_t user)
{
    size_t at = 0;
    for (struct map_slot *s; (s = map_next(&i->keys, &at));) {
        struct key_entry *k = s->value;
        if (k->user == user) return map_remove(&i->keys, key_of(k));
    }
    return NULL;
}

void identity_remove_keys(struct identity *i, int64_t user)
{
    for (struct key_entry *k = NULL;; mem_free(k)) {
        rwlock_write(&i->lock);
        k = take_key_of(i, user);
        rwlock_release(&i->lock);
        if (!k) return;
    }
}

bool identity_use_key(struct identity *i, const uint8_t hash[API_KEY_HASH], int64_t now_ns,
                      int64_t *ret_user)
{
    rwlock_read(&i->lock);
    struct key_entry *k = map_get(&i->keys, bytes_of(hash, API_KEY_HASH));
    bool good = k && tokens_hash_equal(k->hash, hash) && (!k->expires_ns || now_ns < k->expires_ns);
    if (good) {
        atomic_store_explicit(&k->used_ns, now_ns, memory_order_relaxed);
        *ret_user = k->user;
    }
    rwlock_release(&i->lock);
    return good;
}

size_t identity_take_used(struct identity *i, struct identity_use *ret, size_t cap)
{
    size_t at = 0, n = 0;
    rwlock_read(&i->lock);
    for (struct map_slot *s; n < cap && (s = map_next(&i->keys, &at));) {
        struct key_entry *k = s->value;
        int64_t used = atomic_exchange_explicit(&k->used_ns, 0, memory_order_relaxed);
        if (used) ret[n++] = (struct identity_use){k->org, k->id, used};
    }
    rwlock_release(&i->lock);
    return n;
}

enum err identity_revoke_session(struct identity *i, struct bytes session, int64_t until_ns)
{
    bug_if(session.n > SESSION_ID_MAX);
    struct session_entry *fresh = mem_zalloc(sizeof *fresh);
    if (!fresh) return ERR_NOMEM;
    memcpy(fresh->id, session.p, session.n);
    fresh->id_n = session.n;
    fresh->until_ns = until_ns;
    rwlock_write(&i->lock);
    struct bytes key = bytes_of(fresh->id, fresh->id_n);
    struct session_entry *old = map_get(&i->sessions, key);
    enum err e = map_put(&i->sessions, key, fresh);
    rwlock_release(&i->lock);
    mem_free(e ? fresh : old);
    return e;
}

bool identity_session_is_revoked(struct identity *i, struct bytes session)
{
    rwlock_read(&i->lock);
    bool revoked = map_get(&i->sessions, session) != NULL;
    rwlock_release(&i->lock);
    return revoked;
}

/* One ended entry of either map, taken out; NULL when there is none. Removal shifts entries back,
 * so the walk starts anew after each. */
static void *take_ended(struct identity *i, int64_t now_ns)
{
    size_t at = 0;
    for (struct map_slot *s; (s = map_next(&i->sessions, &at));) {
        struct session_entry *e = s->value;
        if (now_ns >= e->until_ns) return map_remove(&i->sessions, bytes_of(e->id, e->id_n));
    }
    at = 0;
    for (struct map_slot *s; (s = map_next(&i->keys, &at));) {
        struct key_entry *k = s->value;
        if (k->expires_ns && now_ns >= k->expires_ns) return map_remove(&i->keys, key_of(k));
    }
    return NULL;
}

void identity_purge(struct identity *i, int64_t now_ns)
{
    for (;;) {
        rwlock_write(&i->lock);
        void *ended = take_ended(i, now_ns);
        rwlock_release(&i->lock);
        if (!ended) return;
        mem_free(ended);
    }
}

struct load {
    struct identity *identity;
    int64_t now_ns;
};

static enum err load_user(void *ctx, const struct user *u)
{
    struct load *l = ctx;
    return identity_put_user(l->identity, u);
}

static enum err load_key(void *ctx, const struct api_key *k)
{
    struct load *l = ctx;
    return identity_put_key(l->identity, k);
}

static enum err load_session(void *ctx, const struct session *s)
{
    struct load *l = ctx;
    if (s->expires_ns <= l->now_ns) return ERR_OK;
    return identity_revoke_session(l->identity, bytes_str(s->id), s->expires_ns);
}

static enum err load_all(struct load *l, struct sql_db *db)
{
    struct sql_tx *tx;
    enum err e = sql_begin(db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_identity_each_user(tx, load_user, l);
    if (!e) e = catalog_identity_each_key(tx, l->now_ns, load_key, l);
    if (!e) e = catalog_sessions_each_revoked(tx, 0, load_session, l);
    return sql_end(tx, e);
}

static struct identity *make(uint64_t a, uint64_t b, uint64_t c)
{
    struct identity *i = mem_zalloc(sizeof *i);
    if (!i) return NULL;
    rwlock_init(&i->lock, LOCK_RANK_SECURITY);
    map_init(&i->users, a);
    map_init(&i->keys, b);
    map_init(&i->sessions, c);
    return i;
}

enum err identity_open(struct identity **ret, struct sql_db *db, int64_t now_ns, struct rnd *rnd)
{
    struct identity *i = make(rnd_u64(rnd), rnd_u64(rnd), rnd_u64(rnd));
    if (!i) return ERR_NOMEM;
    struct load l = {i, now_ns};
    enum err e = load_all(&l, db);
    if (e) {
        identity_free(i);
        return e;
    }
    *ret = i;
    return ERR_OK;
}

static void swap(struct map *a, struct map *b)
{
    struct map old = *a;
    *a = *b;
    *b = old;
}

enum err identity_reload(struct identity *i, struct sql_db *db, int64_t now_ns)
{
    struct identity *fresh = make(i->users.seed, i->keys.seed, i->sessions.seed);
    if (!fresh) return ERR_NOMEM;
    struct load l = {fresh, now_ns};
    enum err e = load_all(&l, db);
    if (!e) {
        rwlock_write(&i->lock);
        swap(&i->users, &fresh->users);
        swap(&i->keys, &fresh->keys);
        swap(&i->sessions, &fresh->sessions);
        rwlock_release(&i->lock);
    }
    identity_free(fresh);
    return e;
}

void identity_free(struct identity *i)
{
    if (!i) return;
    size_t at = 0;
    for (struct map_slot *s; (s = map_next(&i->users, &at));) {
        mem_free(((struct user_entry *)s->value)->name);
        mem_free(s->value);
    }
    at = 0;
    for (struct map_slot *s; (s = map_next(&i->keys, &at));) mem_free(s->value);
    at = 0;
    for (struct map_slot *s; (s = map_next(&i->sessions, &at));) mem_free(s->value);
    map_done(&i->users);
    map_done(&i->keys);
    map_done(&i->sessions);
    rwlock_done(&i->lock);
    mem_free(i);
}
