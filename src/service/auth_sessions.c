/* Sessions: a login as a family of refresh tokens, and the two tokens of its moment. */
#include "base/mem.h"
#include "security/tokens.h"
#include "service/auth_state.h"
#include "store/catalog_sessions.h"

#include <stdio.h>

_Static_assert((int)TOKENS_RANDOM_TEXT == (int)SESSION_ID_MAX,
               "a session id is 32 random bytes as text");

enum err auth_state_may_try(struct auth_service *s, struct bytes account, struct bytes address,
                            struct refusal *refusal)
{
    enum lockout_answer a = lockout_check(s->lockout, account, address, &refusal->retry_ns);
    if (a == LOCKOUT_FREE) return ERR_OK;
    if (a == LOCKOUT_PAIR) {
        refusal->limit = "login-lockout";
        refusal->max = refusal->used = LOCKOUT_PAIR_FAILURES;
        return why_say(&refusal->why, ERR_RATE,
                       "too many failed attempts for this account from your address; it is locked "
                       "for you for %lld more minutes",
                       (long long)(refusal->retry_ns / NS_PER_MINUTE + 1));
    }
    refusal->limit = "rate-limiting.auth-per-minute";
    refusal->max = refusal->used = auth_service_limits(s).attempts_per_minute;
    return why_say(&refusal->why, ERR_RATE,
                   "too many failed attempts within a minute; wait and try again");
}

enum err auth_state_settle(struct auth_service *s, struct bytes account, struct bytes address,
                           bool success, struct refusal *refusal)
{
    int64_t wait = 0;
    enum lockout_answer a = lockout_settle(s->lockout, account, address, success, &wait);
    if (a == LOCKOUT_FREE) return success ? ERR_OK : ERR_UNAUTHENTICATED;
    enum err e = auth_state_may_try(s, account, address, refusal);
    return e ? e : ERR_UNAUTHENTICATED; /* the lock ended just now; the attempt was still inside */
}

struct actor auth_state_actor(const struct actor *from, const struct user *u, struct arena *arena)
{
    struct actor a = *from;
    const char *name = arena_printf(arena, "user:%.*s", (int)u->username.n, u->username.p);
    a.name = bytes_str(name);
    a.org = u->org;
    a.user = u->id;
    return a;
}

static enum err sign_one(struct auth_service *s, const struct jwt_claims *claims, char *ret)
{
    struct jwt_keys keys = auth_state_keys(s);
    size_t n = 0;
    return jwt_sign(&keys, claims, ret, &n);
}

enum err auth_state_sign(struct auth_service *s, const struct user *u,
                         const struct session *session, struct arena *arena,
                         struct auth_tokens *ret)
{
    struct auth_limits limits = auth_service_limits(s);
    int64_t now = auth_state_now(s);
    struct jwt_claims c = {.user = u->id, .org = u->org, .roles = u->roles};
    char noise[TOKENS_RANDOM_TEXT + 1];
    if (u->username.n > JWT_SUBJECT_MAX) return ERR_TOOLARGE;
    memcpy(c.sub, u->username.p, u->username.n);
    memcpy(c.session, session->id, sizeof session->id);
    tokens_make_random(s->opts.rnd, noise);
    memcpy(c.id, noise, JWT_ID_MAX);
    c.iat_s = now / NS_PER_S;
    c.kind = JWT_ACCESS;
    c.exp_s = (now + limits.access_ns) / NS_PER_S;
    enum err e = sign_one(s, &c, ret->access);
    if (e) return e;
    c.kind = JWT_REFRESH;
    c.exp_s = session->expires_ns / NS_PER_S;
    e = sign_one(s, &c, ret->refresh);
    if (e) return e;
    ret->user = u->id;
    ret->org = u->org;
    ret->username = arena_copy(arena, u->username);
    ret->email = arena_copy(arena, u->email);
    ret->remember = session->remember;
    ret->access_s = limits.access_ns / NS_PER_S;
    return ret->username.p && ret->email.p ? ERR_OK : ERR_NOMEM;
}

enum err auth_state_start_session(struct auth_service *s, struct sql_tx *tx, const struct user *u,
                                  bool remember, struct arena *arena, struct auth_tokens *ret)
{
    int64_t now = auth_state_now(s);
    struct session session = {
        .org = u->org, .user = u->id, .remember = remember, .created_ns = now, .rotated_ns = now};
    session.expires_ns = now + auth_service_limits(s).refresh_ns;
    tokens_make_random(s->opts.rnd, session.id);
    enum err e = auth_state_sign(s, u, &session, arena, ret);
    if (e) return e;
    tokens_hash(bytes_str(ret->refresh), session.current);
    return catalog_sessions_insert(tx, &session);
}

static enum err remember_revoked(void *ctx, const struct session *session)
{
    struct auth_service *s = ctx;
    return identity_revoke_session(s->identity, bytes_str(session->id), session->expires_ns);
}

enum err auth_state_end_sessions(struct auth_service *s, struct sql_tx *tx, int64_t org,
                                 int64_t user, int64_t now_ns)
{
    int64_t revoked = 0;
    enum err e = catalog_sessions_revoke_user(tx, org, user, BYTES(""), now_ns, &revoked);
    if (e || !revoked) return e;
    return catalog_sessions_each_revoked(tx, now_ns, remember_revoked, s); /* keeps I1 */
}
