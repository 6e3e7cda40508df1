/* Opening and keeping the auth family: secrets, limits, housekeeping. Credentials are read in
 * auth_credentials.c, logins happen in auth_login.c. */
#include "service/auth_service.h"

#include "base/mem.h"
#include "service/auth_state.h"
#include "service/event_types.h"
#include "store/catalog_keys.h"
#include "store/catalog_settings.h"

#define SECRET_KEY          "secret.jwt"
#define SECRET_KEY_PREVIOUS "secret.jwt.previous"

enum { SECRET_MADE = 48, USES_AT_ONCE = 64 };

static struct auth_limits limits_filled(const struct auth_limits *given)
{
    struct auth_limits l = *given;
    if (!l.access_ns) l.access_ns = 8 * NS_PER_HOUR;
    if (!l.refresh_ns) l.refresh_ns = 7 * NS_PER_DAY;
    if (l.refresh_ns < l.access_ns) l.refresh_ns = l.access_ns; /* a session outlives its tokens */
    if (!l.password_min_chars) l.password_min_chars = 12;
    return l;
}

void auth_service_set_limits(struct auth_service *s, const struct auth_limits *limits)
{
    struct auth_limits l = limits_filled(limits);
    rwlock_write(&s->lock);
    s->limits = l;
    rwlock_release(&s->lock);
    lockout_set_per_minute(s->lockout, l.attempts_per_minute);
}

struct auth_limits auth_service_limits(struct auth_service *s)
{
    rwlock_read(&s->lock);
    struct auth_limits l = s->limits;
    rwlock_release(&s->lock);
    return l;
}

struct jwt_keys auth_state_keys(struct auth_service *s)
{
    rwlock_read(&s->lock);
    struct jwt_keys keys = s->keys;
    rwlock_release(&s->lock);
    return keys;
}

/* --- secrets ---------------------------------------------------------------------------------- */

static enum err secret_read(struct sql_tx *tx, const char *key, struct arena *a,
                            struct jwt_secret *ret, int64_t *ret_when_ns)
{
    struct setting row;
    enum err e = catalog_settings_get(tx, bytes_str(key), a, &row);
    if (e) return e;
    *ret_when_ns = row.when_ns;
    return jwt_secret_set(ret, row.value) ? ERR_CORRUPT : ERR_OK;
}

static enum err secret_write(struct sql_tx *tx, const char *key, const struct jwt_secret *secret,
                             struct bytes who, int64_t now_ns)
{
    const struct setting row = {bytes_str(key), bytes_of(secret->bytes, secret->n), who, now_ns};
    return catalog_settings_put(tx, &row);
}

static bool secret_is(const struct jwt_secret *s, struct bytes text)
{
    return bytes_equal(bytes_of(s->bytes, s->n), text);
}

static const struct event_note note_rotated = {.type = EVENT_JWT_SECRET_ROTATED,
                                               .severity = EVENT_WARNING,
                                               .entity_type = "INSTALLATION",
                                               .title =
                                                   "The secret that signs logins was replaced"};

static struct jwt_secret secret_make(struct rnd *rnd)
{
    struct jwt_secret s = {.n = SECRET_MADE};
    rnd_fill(rnd, s.bytes, s.n);
    return s;
}

/* Writes `fresh` as the current secret; the one before, if any, becomes the previous one. */
static enum err secret_rotate(struct auth_service *s, struct sql_tx *tx,
                              const struct jwt_secret *fresh, struct bytes who,
                              struct jwt_keys *keys)
{
    int64_t now = auth_state_now(s);
    enum err e = ERR_OK;
    if (keys->current.n) e = secret_write(tx, SECRET_KEY_PREVIOUS, &keys->current, who, now);
    if (!e) e = secret_write(tx, SECRET_KEY, fresh, who, now);
    if (e) return e;
    if (keys->current.n) keys->previous = keys->current;
    keys->current = *fresh;
    return ERR_OK;
}

static enum err secrets_load(struct auth_service *s, struct sql_tx *tx, struct arena *a,
                             struct why *why)
{
    struct jwt_keys *keys = &s->keys;
    int64_t when = 0, rotated = 0;
    enum err e = secret_read(tx, SECRET_KEY, a, &keys->current, &when);
    if (e && e != ERR_NOTFOUND) return why_say(why, e, "the stored JWT secret is not readable");
    e = secret_read(tx, SECRET_KEY_PREVIOUS, a, &keys->previous, &rotated);
    if (e && e != ERR_NOTFOUND) return why_say(why, e, "the previous JWT secret is not readable");
    struct jwt_secret fresh;
    if (s->opts.jwt_secret.n) {
        e = jwt_secret_set(&fresh, s->opts.jwt_secret);
        if (e) return why_say(why, e, "app.jwt.secret must have 32 to 256 bytes");
        if (secret_is(&keys->current, s->opts.jwt_secret)) e = ERR_EXISTS;
    } else {
        fresh = secret_make(s->opts.rnd);
        if (keys->current.n) e = ERR_EXISTS;
    }
    if (e != ERR_EXISTS) {
        bool first = keys->current.n == 0;
        const struct actor system = {.name = BYTES("system")};
        e = secret_rotate(s, tx, &fresh, BYTES("system"), keys);
        if (!e && !first) e = event_service_append(tx, auth_state_now(s), &system, &note_rotated);
        if (e) return e;
        rotated = auth_state_now(s);
    }
    s->previous_until_ns = rotated + s->limits.refresh_ns;
    return ERR_OK;
}

static enum err secrets_open(struct auth_service *s, struct why *why)
{
    struct arena a;
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    arena_init(&a, AUTH_ARENA_BYTES);
    e = sql_end(tx, secrets_load(s, tx, &a, why));
    arena_done(&a);
    return e;
}

enum err auth_service_rotate_secret(struct auth_service *s, struct bytes secret,
                                    const struct actor *actor, struct why *why)
{
    struct jwt_secret fresh = secret_make(s->opts.rnd);
    if (secret.n && jwt_secret_set(&fresh, secret)) {
        return why_say(why, ERR_INVALID, "app.jwt.secret must have 32 to 256 bytes");
    }
    struct jwt_keys keys = auth_state_keys(s);
    if (secret_is(&keys.current, secret)) return ERR_OK;
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    struct bytes who = actor->name.n ? actor->name : BYTES("system");
    e = secret_rotate(s, tx, &fresh, who, &keys);
    if (!e) e = event_service_append(tx, auth_state_now(s), actor, &note_rotated);
    e = sql_end(tx, e);
    if (e) return e;
    rwlock_write(&s->lock);
    s->keys = keys;
    s->previous_until_ns = auth_state_now(s) + s->limits.refresh_ns;
    rwlock_release(&s->lock);
    return ERR_OK;
}

/* --- life ------------------------------------------------------------------------------------- */

static enum err parts_open(struct auth_service *s)
{
    const struct auth_service_opts *o = &s->opts;
    const struct lockout_opts lockout = {
        .clock = o->clock, .rnd = o->rnd, .tell = o->tell_attempt, .tell_ctx = o->tell_attempt_ctx};
    enum err e = password_new(&s->gate, &o->password);
    if (!e) e = lockout_new(&s->lockout, &lockout);
    if (!e) e = auth_failures_new(&s->failures);
    if (!e) e = identity_open(&s->identity, o->db, auth_state_now(s), o->rnd);
    return e;
}

enum err auth_service_open(struct auth_service **ret, const struct auth_service_opts *opts,
                           struct why *why)
{
    struct auth_service *s = mem_zalloc(sizeof *s);
    if (!s) return ERR_NOMEM;
    s->opts = *opts;
    s->limits = limits_filled(&opts->limits);
    rwlock_init(&s->lock, LOCK_RANK_SECURITY);
    s->public_url = mem_copy(opts->public_url.p, opts->public_url.n);
    enum err e = s->public_url ? parts_open(s) : ERR_NOMEM;
    if (!e) e = secrets_open(s, why);
    if (e) {
        auth_service_free(s);
        return e;
    }
    s->opts.jwt_secret = bytes_of(NULL, 0); /* was borrowed for the call */
    s->opts.public_url = bytes_str(s->public_url);
    lockout_set_per_minute(s->lockout, s->limits.attempts_per_minute);
    *ret = s;
    return ERR_OK;
}

void auth_service_free(struct auth_service *s)
{
    if (!s) return;
    identity_free(s->identity);
    auth_failures_free(s->failures);
    lockout_free(s->lockout);
    password_free(s->gate);
    rwlock_done(&s->lock);
    mem_free(s->public_url);
    mem_free(s);
}

/* --- housekeeping ----------------------------------------------------------------------------- */

static enum err uses_write(struct auth_service *s)
{
    struct identity_use uses[USES_AT_ONCE];
    size_t n = identity_take_used(s->identity, uses, USES_AT_ONCE);
    if (!n) return ERR_OK;
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    for (size_t i = 0; !e && i < n; i++) {
        e = catalog_keys_touch(tx, uses[i].org, uses[i].key, uses[i].used_ns);
        if (e == ERR_NOTFOUND) e = ERR_OK; /* revoked meanwhile */
    }
    return sql_end(tx, e);
}

static bool previous_has_ended(struct auth_service *s, int64_t now_ns)
{
    rwlock_read(&s->lock);
    bool ended = s->keys.previous.n && now_ns >= s->previous_until_ns;
    rwlock_release(&s->lock);
    return ended;
}

static enum err previous_remove(struct auth_service *s)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    return sql_end(tx, catalog_settings_remove(tx, BYTES(SECRET_KEY_PREVIOUS)));
}

enum err auth_service_maintain(struct auth_service *s)
{
    int64_t now = auth_state_now(s);
    enum err e = auth_failures_write(s->failures, s->opts.db);
    if (!e) e = uses_write(s);
    rwlock_write(&s->lock);
    bool due =
        now >= s->purge_due_ns || now < s->purge_due_ns - NS_PER_HOUR; /* or clock set back */
    if (due) s->purge_due_ns = now + 10 * NS_PER_MINUTE;
    rwlock_release(&s->lock);
    if (e || !due) return e;
    identity_purge(s->identity, now);
    if (!previous_has_ended(s, now)) return ERR_OK;
    if ((e = previous_remove(s))) return e;
    rwlock_write(&s->lock);
    s->keys.previous.n = 0;
    rwlock_release(&s->lock);
    return ERR_OK;
}
