/* Rows that another server wrote (see auth_news.h). */
#include "service/auth_news.h"

#include "service/auth_state.h"
#include "store/catalog_keys.h"
#include "store/catalog_sessions.h"
#include "store/catalog_settings.h"
#include "store/catalog_users.h"

#define SECRET_KEY          "secret.jwt"
#define SECRET_KEY_PREVIOUS "secret.jwt.previous"

enum err auth_news_user(struct auth_service *s, int64_t user)
{
    struct sql_tx *tx;
    struct user u;
    struct arena a;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    arena_init(&a, AUTH_ARENA_BYTES);
    e = sql_end(tx, catalog_users_find_id(tx, user, &a, &u));
    if (!e) e = identity_put_user(s->identity, &u);
    if (e == ERR_NOTFOUND) {
        auth_state_forget(s, user);
        e = ERR_OK;
    }
    arena_done(&a);
    return e;
}

void auth_news_attempt(struct auth_service *s, struct bytes news)
{
    lockout_hear(s->lockout, news);
}

enum err auth_news_key(struct auth_service *s, int64_t org, int64_t key)
{
    struct sql_tx *tx;
    struct api_key k;
    struct arena a;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    arena_init(&a, AUTH_ARENA_BYTES);
    e = sql_end(tx, catalog_keys_find_good(tx, org, key, &a, &k));
    if (!e) e = identity_follow_key(s->identity, &k);
    if (e == ERR_NOTFOUND) {
        identity_remove_key(s->identity, key);
        e = ERR_OK;
    }
    arena_done(&a);
    return e;
}

enum err auth_news_session(struct auth_service *s, struct bytes id)
{
    struct sql_tx *tx;
    struct session session;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    e = sql_end(tx, catalog_sessions_find(tx, id, &session));
    if (e) return e == ERR_NOTFOUND ? ERR_OK : e;
    if (!session.revoked_ns) return ERR_OK;
    return identity_revoke_session(s->identity, bytes_str(session.id), session.expires_ns);
}

bool auth_news_is_secret(struct bytes setting)
{
    return bytes_is(setting, SECRET_KEY) || bytes_is(setting, SECRET_KEY_PREVIOUS);
}

/* One that is not there (any more) is empty. */
static enum err read_secret(struct sql_tx *tx, const char *key, struct arena *a,
                            struct jwt_secret *ret, int64_t *ret_when_ns)
{
    struct setting row;
    enum err e = catalog_settings_get(tx, bytes_str(key), a, &row);
    ret->n = 0;
    if (e) return e == ERR_NOTFOUND ? ERR_OK : e;
    *ret_when_ns = row.when_ns;
    return jwt_secret_set(ret, row.value) ? ERR_CORRUPT : ERR_OK;
}

enum err auth_news_secret(struct auth_service *s)
{
    struct sql_tx *tx;
    struct arena a;
    struct jwt_keys keys = {.current.n = 0};
    int64_t when_ns = 0, rotated_ns = 0;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    arena_init(&a, AUTH_ARENA_BYTES);
    e = read_secret(tx, SECRET_KEY, &a, &keys.current, &when_ns);
    if (!e) e = read_secret(tx, SECRET_KEY_PREVIOUS, &a, &keys.previous, &rotated_ns);
    e = sql_end(tx, e);
    arena_done(&a);
    if (e || !keys.current.n) return e;
    rwlock_write(&s->lock);
    s->keys = keys;
    s->previous_until_ns = rotated_ns + s->limits.refresh_ns;
    rwlock_release(&s->lock);
    return ERR_OK;
}

enum err auth_news_all(struct auth_service *s)
{
    enum err e = identity_reload(s->identity, s->opts.db, auth_state_now(s));
    return e ? e : auth_news_secret(s);
}
