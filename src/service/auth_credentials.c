/* From what a request carries to who is asking. Runs on event loops: HMAC or hash, then look-ups in
 * memory, nothing that waits (keeps A1). */
#include "codec/base64.h"
#include "security/tokens.h"
#include "service/auth_state.h"

enum { CREDENTIAL_MAX = 4096, BASIC_MAX = 512 };

static enum err by_jwt(struct auth_service *s, struct bytes token, struct principal *ret)
{
    struct jwt_keys keys = auth_state_keys(s);
    struct jwt_claims claims;
    struct identity_user user;
    int64_t now_s = auth_state_now(s) / NS_PER_S;
    enum err e = jwt_verify(&keys, token, JWT_ACCESS, now_s, &claims, NULL);
    if (e) return e;
    if (!identity_find_user(s->identity, claims.user, &user)) return ERR_UNAUTHENTICATED;
    if (!user.enabled || user.org != claims.org) return ERR_UNAUTHENTICATED;
    if (identity_session_is_revoked(s->identity, bytes_str(claims.session))) {
        return ERR_UNAUTHENTICATED;
    }
    /* roles as they are now, not as they were when the token was signed */
    *ret = (struct principal){
        .kind = PRINCIPAL_USER, .org = user.org, .user = user.id, .roles = user.roles};
    _Static_assert(sizeof ret->session >= sizeof claims.session, "a session id fits");
    memcpy(ret->session, claims.session, sizeof claims.session);
    return ERR_OK;
}

static enum err by_user_key(struct auth_service *s, const uint8_t hash[TOKENS_HASH],
                            struct principal *ret)
{
    struct identity_user user;
    int64_t id = 0;
    if (!identity_use_key(s->identity, hash, auth_state_now(s), &id)) return ERR_UNAUTHENTICATED;
    if (!identity_find_user(s->identity, id, &user) || !user.enabled) return ERR_UNAUTHENTICATED;
    *ret = (struct principal){.kind = PRINCIPAL_USER,
                              .org = user.org,
                              .user = user.id,
                              .roles = user.roles,
                              .by_key = true};
    _Static_assert(sizeof ret->key == TOKENS_HASH, "a key's hash fits");
    memcpy(ret->key, hash, sizeof ret->key);
    return ERR_OK;
}

/* To the second: a busy device's line stays shared between the cores. Relaxed: only a figure. */
static void note_use(struct reg_device *d, int64_t now_ns)
{
    int64_t used = atomic_load_explicit(&d->token_used_ns, memory_order_relaxed);
    if (now_ns >= used && now_ns - used < NS_PER_S) return;
    atomic_store_explicit(&d->token_used_ns, now_ns, memory_order_relaxed);
    atomic_store_explicit(&d->seen_dirty, true, memory_order_release); /* after the time */
}

static enum err by_device_token(struct auth_service *s, const uint8_t hash[TOKENS_HASH],
                                struct principal *ret)
{
    uint32_t epoch = 0;
    struct reg_device *d = registry_use_token(s->opts.registry, hash, &epoch);
    if (!d || !atomic_load_explicit(&d->active, memory_order_relaxed)) return ERR_UNAUTHENTICATED;
    if (atomic_load_explicit(&d->deleted_ns, memory_order_relaxed)) return ERR_UNAUTHENTICATED;
    note_use(d, auth_state_now(s));
    *ret = (struct principal){
        .kind = PRINCIPAL_DEVICE, .org = d->org, .device = d, .by_key = true, .token_epoch = epoch};
    return ERR_OK;
}

/* A user's key or a device token, by its shape; nothing else can be in either map. Keys that came
 * from the Java platform (import legacy) have the shape of a token. */
enum err auth_service_authenticate_token(struct auth_service *s, struct bytes token,
                                         struct principal *ret)
{
    bool key = tokens_is_key(token);
    if (!key && !tokens_is_device(token)) return ERR_UNAUTHENTICATED;
    uint8_t hash[TOKENS_HASH];
    tokens_hash(token, hash);
    enum err e = key ? ERR_UNAUTHENTICATED : by_device_token(s, hash, ret);
    return e ? by_user_key(s, hash, ret) : ERR_OK;
}

/* "Bearer x" -> "x"; p == NULL when the scheme is another one. Schemes ignore case (RFC 9110,
 * 11.1). */
static struct bytes after_scheme(struct bytes header, const char *scheme)
{
    size_t n = strlen(scheme);
    if (header.n <= n || (header.p[n] != ' ' && header.p[n] != '\t')) return bytes_of(NULL, 0);
    if (!bytes_equal_nocase(bytes_of(header.p, n), bytes_str(scheme))) return bytes_of(NULL, 0);
    return bytes_trim(bytes_of(header.p + n, header.n - n));
}

/* user:password, either of which is the token. */
static enum err by_basic(struct auth_service *s, struct bytes encoded, struct principal *ret)
{
    char text[BASIC_MAX];
    size_t n = 0;
    if (base64_decode(encoded, text, sizeof text, &n)) return ERR_UNAUTHENTICATED;
    struct bytes user, password = bytes_cut(bytes_of(text, n), ':', &user);
    if (!password.p) return ERR_UNAUTHENTICATED;
    enum err e = auth_service_authenticate_token(s, password, ret);
    return e ? auth_service_authenticate_token(s, user, ret) : ERR_OK;
}

static enum err by_authorization(struct auth_service *s, struct bytes header, bool basic_allowed,
                                 struct principal *ret)
{
    struct bytes given = after_scheme(header, "Bearer");
    if (given.p && jwt_is_shape(given)) return by_jwt(s, given, ret);
    if (!given.p) given = after_scheme(header, "Token");
    if (given.p) return auth_service_authenticate_token(s, given, ret);
    if (basic_allowed) given = after_scheme(header, "Basic");
    return given.p ? by_basic(s, given, ret) : ERR_UNAUTHENTICATED;
}

/* The value of our cookie in "a=1; sv_session=…; b=2"; p == NULL when it is not there. */
static struct bytes cookie_find(struct bytes header)
{
    while (header.p) {
        struct bytes pair, name;
        header = bytes_cut(header, ';', &pair);
        struct bytes value = bytes_cut(bytes_trim(pair), '=', &name);
        if (value.p && bytes_is(name, AUTH_COOKIE)) return value;
    }
    return bytes_of(NULL, 0);
}

enum err auth_service_authenticate(struct auth_service *s, const struct auth_credentials *given,
                                   struct principal *ret)
{
    const struct auth_credentials *g = given;
    size_t all = g->authorization.n + g->x_api_key.n + g->x_device_token.n;
    if (all > CREDENTIAL_MAX) return ERR_UNAUTHENTICATED;
    if (g->authorization.n) {
        return by_authorization(s, g->authorization, g->basic_allowed, ret);
    }
    if (g->x_api_key.n) return auth_service_authenticate_token(s, bytes_trim(g->x_api_key), ret);
    if (g->x_device_token.n) {
        return auth_service_authenticate_token(s, bytes_trim(g->x_device_token), ret);
    }
    struct bytes cookie = g->method_is_read ? cookie_find(g->cookie) : bytes_of(NULL, 0);
    if (!cookie.n) return ERR_UNAUTHENTICATED;
    enum err e = by_jwt(s, cookie, ret);
    if (!e) ret->by_cookie = true;
    return e;
}

/* Without the registry's lock: a caller may hold one that ranks above it. */
static bool device_still_valid(const struct principal *p)
{
    const struct reg_device *d = p->device;
    return atomic_load_explicit(&d->active, memory_order_relaxed) &&
           !atomic_load_explicit(&d->deleted_ns, memory_order_relaxed) &&
           atomic_load_explicit(&d->token_epoch, memory_order_relaxed) == p->token_epoch;
}

bool auth_service_still_valid(struct auth_service *s, const struct principal *p)
{
    struct identity_user user;
    int64_t owner = 0;
    if (p->kind == PRINCIPAL_DEVICE) return device_still_valid(p);
    if (p->kind == PRINCIPAL_USER && p->by_key &&
        !identity_use_key(s->identity, p->key, auth_state_now(s), &owner))
        return false;
    if (p->kind != PRINCIPAL_USER || !identity_find_user(s->identity, p->user, &user)) return false;
    if (!user.enabled || user.org != p->org || user.roles != p->roles) return false;
    return !p->session[0] || !identity_session_is_revoked(s->identity, bytes_str(p->session));
}

void auth_service_user_name(struct auth_service *s, int64_t user, char ret[JWT_SUBJECT_MAX + 1])
{
    identity_user_name(s->identity, user, ret, JWT_SUBJECT_MAX + 1);
}
