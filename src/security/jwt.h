#pragma once
/* security/jwt.h -- JSON Web Tokens (RFC 7519) of exactly one kind: HS256, ours.
 *
 * J1  the signature is checked, in constant time, before one byte of the claims is believed.
 * J2  the header is {"alg":"HS256"}, with "typ":"JWT" or without; any other member (kid, jku,
 *     jwk, crit) or value refuses the token: no key is ever chosen by whoever sends it.
 * J3  a refresh token is not an access token, nor the other way round.
 * J4  valid while iat - 60 s <= now < exp, and nbf <= now when there is one; whole seconds.
 *
 * Takes a few microseconds and asks the heap for nothing with tokens we made.
 * Threads: any (values).   Memory: the caller's. */
#include "base/bytes.h"
#include "base/err.h"
#include "model/principal.h"

enum {
    JWT_SECRET_MIN = 32,
    JWT_SECRET_MAX = 256,
    JWT_SUBJECT_MAX = 254,
    JWT_SESSION_MAX = 43,
    JWT_ID_MAX = 22,
    JWT_TEXT_MAX = 2048,
    JWT_IAT_LEEWAY_S = 60
};

enum jwt_kind { JWT_ACCESS, JWT_REFRESH };

struct jwt_claims {
    char sub[JWT_SUBJECT_MAX + 1]; /* login name */
    int64_t user, org;
    unsigned roles;
    enum jwt_kind kind;
    char session[JWT_SESSION_MAX + 1]; /* "sid": the login it belongs to */
    char id[JWT_ID_MAX + 1];           /* "jti": makes two refresh tokens of one second differ */
    int64_t iat_s, exp_s;
    int64_t nbf_s; /* 0 = none */
};

struct jwt_secret {
    uint8_t bytes[JWT_SECRET_MAX];
    size_t n; /* 0 = none */
};
/* The current secret signs; both verify, so that a rotation logs nobody out. */
struct jwt_keys {
    struct jwt_secret current, previous;
};

/* ERR_INVALID: shorter than 32 or longer than 256 bytes. */
enum err jwt_secret_set(struct jwt_secret *s, struct bytes text) MUST_CHECK;
/* NUL-terminated text and its length. ERR_TOOLARGE: the claims do not fit. */
enum err jwt_sign(const struct jwt_keys *keys, const struct jwt_claims *claims,
                  char ret[JWT_TEXT_MAX], size_t *ret_n) MUST_CHECK;
/* ERR_UNAUTHENTICATED for whatever is wrong with it; why (may be NULL) names it for the log, never
 * for the sender. */
enum err jwt_verify(const struct jwt_keys *keys, struct bytes token, enum jwt_kind kind,
                    int64_t now_s, struct jwt_claims *ret, struct why *why) MUST_CHECK;
/* Three parts between two dots: worth giving to jwt_verify(). */
bool jwt_is_shape(struct bytes token);
