/* Login, refresh, logout: the life of a session. */
#include "security/tokens.h"
#include "service/auth_state.h"
#include "service/event_types.h"
#include "store/catalog_sessions.h"
#include "store/catalog_users.h"

static struct event_note note_of(const char *type, const char *title)
{
    return (struct event_note){.type = type, .entity_type = "USER", .title = title};
}

/* *ret stays empty (id 0) when nobody has that name. */
static enum err login_find(struct auth_service *s, struct bytes login, struct arena *a,
                           struct user *ret)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_users_find_login(tx, login, a, ret);
    return sql_end(tx, e == ERR_NOTFOUND ? ERR_OK : e);
}

/* A hash made with older parameters is replaced while the password is at hand; "" when it is
 * fine. */
static enum err login_rehash(struct auth_service *s, const struct user *u, struct bytes password,
                             char ret[PASSWORD_TEXT_MAX])
{
    ret[0] = '\0';
    if (!password_is_outdated(s->gate, u->password_hash)) return ERR_OK;
    return password_hash(s->gate, password, ret);
}

static enum err login_start(struct auth_service *s, const struct user *u, bool remember,
                            const char *rehash, const struct actor *actor, struct arena *arena,
                            struct auth_tokens *ret)
{
    int64_t now = auth_state_now(s);
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    struct actor as = auth_state_actor(actor, u, arena);
    struct event_note note = note_of(EVENT_LOGIN_SUCCEEDED, "Logged in");
    e = auth_state_start_session(s, tx, u, remember, arena, ret);
    if (!e && *rehash) {
        e = catalog_users_set_password(tx, u->org, u->id, bytes_str(rehash), now);
    }
    if (!e) e = catalog_users_note_login(tx, u->org, u->id, true, now);
    if (!e) e = event_service_append(tx, now, &as, &note);
    return sql_end(tx, e);
}

enum err auth_service_login(struct auth_service *s, struct bytes login, struct bytes password,
                            bool remember, const struct actor *actor, struct arena *arena,
                            struct auth_tokens *ret, struct refusal *refusal)
{
    struct user u = {.id = 0};
    char rehash[PASSWORD_TEXT_MAX];
    enum err e = auth_state_may_try(s, login, actor->address, refusal);
    if (e) return e;
    e = login_find(s, login, arena, &u);
    if (e) return e;
    e = password_verify(s->gate, password, u.password_hash);
    if (e && e != ERR_UNAUTHENTICATED) return e;
    bool good = !e && u.id && u.enabled;
    e = auth_state_settle(s, login, actor->address, good, refusal);
    if (e) {
        if (!good) auth_failures_note(s->failures, u.id ? &u : NULL, actor, auth_state_now(s));
        if (e == ERR_RATE) return e;
        return why_say(&refusal->why, e, "Invalid user name or password");
    }
    e = login_rehash(s, &u, password, rehash);
    return e ? e : login_start(s, &u, remember, rehash, actor, arena, ret);
}

/* --- refresh ---------------------------------------------------------------------------------- */

struct refresh {
    struct auth_service *s;
    const struct actor *actor;
    struct arena *arena;
    struct bytes token;
    struct jwt_claims claims;
    struct user user;
    bool reused;
};

/* An old token of a living family: somebody else may hold the newer one, so nobody keeps it. */
static enum err refresh_revoke(struct refresh *r, struct sql_tx *tx, const struct session *session)
{
    int64_t now = auth_state_now(r->s);
    struct bytes id = bytes_str(session->id);
    struct actor as = auth_state_actor(r->actor, &r->user, r->arena);
    struct event_note note =
        note_of(EVENT_SESSION_REUSED, "An old refresh token was used again; the login was ended");
    note.severity = EVENT_WARNING;
    enum err e = catalog_sessions_revoke(tx, id, now);
    if (!e) e = event_service_append(tx, now, &as, &note);
    if (!e) e = identity_revoke_session(r->s->identity, id, session->expires_ns);
    r->reused = !e;
    return e;
}

static enum err refresh_rotate(struct refresh *r, struct sql_tx *tx, struct session *session,
                               struct auth_tokens *ret)
{
    uint8_t old[SESSION_HASH], fresh[SESSION_HASH];
    int64_t now = auth_state_now(r->s);
    memcpy(old, session->current, sizeof old);
    session->expires_ns = now + auth_service_limits(r->s).refresh_ns;
    enum err e = auth_state_sign(r->s, &r->user, session, r->arena, ret);
    if (e) return e;
    tokens_hash(bytes_str(ret->refresh), fresh);
    struct bytes id = bytes_str(session->id);
    return catalog_sessions_rotate(tx, id, old, fresh, session->expires_ns, now);
}

static enum err refresh_in(struct refresh *r, struct sql_tx *tx, struct auth_tokens *ret)
{
    struct session session;
    uint8_t hash[SESSION_HASH];
    enum err e = catalog_sessions_find(tx, bytes_str(r->claims.session), &session);
    if (e) return e == ERR_NOTFOUND ? ERR_UNAUTHENTICATED : e;
    if (session.revoked_ns || session.expires_ns <= auth_state_now(r->s))
        return ERR_UNAUTHENTICATED;
    if (session.user != r->claims.user || session.org != r->claims.org) return ERR_UNAUTHENTICATED;
    e = catalog_users_find(tx, session.org, session.user, r->arena, &r->user);
    if (e) return e == ERR_NOTFOUND ? ERR_UNAUTHENTICATED : e;
    tokens_hash(r->token, hash);
    if (!tokens_hash_equal(hash, session.current)) return refresh_revoke(r, tx, &session);
    if (!r->user.enabled) return ERR_UNAUTHENTICATED;
    e = refresh_rotate(r, tx, &session, ret);
    return e == ERR_STALE ? ERR_UNAUTHENTICATED : e;
}

static enum err refresh_run(struct refresh *r, struct auth_tokens *ret)
{
    struct jwt_keys keys = auth_state_keys(r->s);
    int64_t now_s = auth_state_now(r->s) / NS_PER_S;
    enum err e = jwt_verify(&keys, r->token, JWT_REFRESH, now_s, &r->claims, NULL);
    if (e) return e;
    struct sql_tx *tx;
    e = sql_begin(r->s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, refresh_in(r, tx, ret));
    return !e && r->reused ? ERR_UNAUTHENTICATED : e;
}

/* Bad ones are not counted: nobody guesses a signature, and a good one must not be refused for what
 * others at the same address did wrong. */
enum err auth_service_refresh(struct auth_service *s, struct bytes refresh_token,
                              const struct actor *actor, struct arena *arena,
                              struct auth_tokens *ret, struct refusal *refusal)
{
    struct refresh r = {.s = s, .actor = actor, .arena = arena, .token = refresh_token};
    enum err e = refresh_run(&r, ret);
    if (e != ERR_UNAUTHENTICATED) return e;
    return why_say(&refusal->why, e, "Invalid refresh token; log in again");
}

/* --- logout ----------------------------------------------------------------------------------- */

enum err auth_service_logout(struct auth_service *s, const struct actor *actor)
{
    if (!actor->session.n) return ERR_OK;
    int64_t now = auth_state_now(s);
    struct session session;
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    const struct event_note note = note_of(EVENT_LOGOUT, "Logged out");
    e = catalog_sessions_find(tx, actor->session, &session);
    if (!e) e = catalog_sessions_revoke(tx, actor->session, now);
    if (!e) e = event_service_append(tx, now, actor, &note);
    if (!e) e = identity_revoke_session(s->identity, actor->session, session.expires_ns);
    e = sql_end(tx, e);
    return e == ERR_NOTFOUND ? ERR_OK : e;
}
