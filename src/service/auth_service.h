#pragma once
/* service/auth_service.h -- who is asking. Turns credentials into a principal without ever
 * blocking, and logs people in and out.
 *
 *   login ──> session (family) ──> access token + refresh token ──refresh──> the next pair
 *                  └ revoked by: logout, password change or reset, an old refresh token used again
 *
 * A1  auth_service_authenticate() only reads memory (an HMAC or a hash, then maps): users, keys
 *     and revoked sessions are loaded at open and kept up by the calls of this family, so a
 *     change counts for the next request. The catalog is the truth.
 * A2  known and unknown accounts look alike: same work, same answer, same locks.
 * A3  only hashes of refresh tokens, keys and reset tokens are stored.
 * Threads: any. authenticate, user_name and set_limits never block; everything else does.
 * Memory: about 160 bytes a user, 112 a key, 112 a session revoked less than the lifetime of its
 * access tokens ago.   More of the family: auth_accounts.h, auth_keys.h, auth_bootstrap.h. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/rnd.h"
#include "model/actor.h"
#include "model/principal.h"
#include "security/jwt.h"
#include "security/password.h"
#include "service/refusal.h"
#include "store/registry.h"

enum { AUTH_KEYS_PER_USER = 10 };
#define AUTH_COOKIE "sv_session"

/* LIVE settings. */
struct auth_limits {
    int64_t access_ns, refresh_ns; /* lifetimes; 0 = 8 h and 7 days */
    bool registration_enabled;
    unsigned password_min_chars;  /* 0 = 12 */
    unsigned attempts_per_minute; /* failed ones, per address and per account; 0 = no limit */
};

/* Puts a letter into the outbox, inside tx: it is sent if and only if the change is made. */
#define AUTH_MAIL_INVITATION "INVITATION"
#define AUTH_MAIL_RESET      "PASSWORD_RESET"
typedef enum err auth_mail_fn(void *ctx, struct sql_tx *tx, int64_t org, const char *kind,
                              struct bytes to, struct bytes subject, struct bytes text);

struct auth_service_opts {
    struct sql_db *db;          /* borrowed */
    struct registry *registry;  /* borrowed; for device tokens */
    const struct clock *clock;  /* borrowed */
    struct rnd *rnd;            /* borrowed; any thread may draw from it: rnd_system() */
    struct bytes jwt_secret;    /* configured; empty: the stored one, made at the first start */
    struct auth_limits limits;  /* copied */
    const struct limits *pilot; /* of organisations and users; borrowed; NULL: none */
    struct password_opts password;
    auth_mail_fn *send_mail;           /* NULL: nothing is sent */
    void (*mail_committed)(void *ctx); /* the change is made: wakes who sends; may be NULL */
    void *send_mail_ctx;
    void (*tell_attempt)(void *ctx, struct bytes news); /* to the other nodes, for
                                                           auth_news_attempt(); NULL: none */
    void *tell_attempt_ctx;
    struct bytes public_url; /* copied; where people reach us; empty: letters carry bare tokens */
};

struct auth_service;
/* A configured secret that differs from the stored one rotates it: the old one verifies until the
 * tokens it signed have ended. ERR_INVALID: the secret is shorter than 32 bytes. */
enum err auth_service_open(struct auth_service **ret, const struct auth_service_opts *opts,
                           struct why *why) MUST_CHECK;
void auth_service_free(struct auth_service *s); /* NULL is fine */
void auth_service_set_limits(struct auth_service *s, const struct auth_limits *limits);
struct auth_limits auth_service_limits(struct auth_service *s);
/* Signs with `secret` from now on, or with a fresh random one when it is empty. */
enum err auth_service_rotate_secret(struct auth_service *s, struct bytes secret,
                                    const struct actor *actor, struct why *why) MUST_CHECK;
/* Writes what was only in memory (failed logins for the audit trail, last use of keys), forgets
 * what has ended. About once a second and at stop, from an executor. */
enum err auth_service_maintain(struct auth_service *s) MUST_CHECK;

/* What the request carries; absent ones are empty. */
struct auth_credentials {
    struct bytes authorization; /* the header's value */
    struct bytes x_api_key, x_device_token;
    struct bytes cookie; /* the Cookie header's value */
    bool method_is_read; /* GET or HEAD and not a socket: the cookie may count */
    bool basic_allowed;  /* line protocol: Basic, the token as password or as user name */
};
/* The first one present decides, in this order: Authorization Bearer (a JWT, else a device token or
 * user key), Token, Basic; X-API-Key (user key, else device token); X-Device-Token; the login
 * cookie. ERR_UNAUTHENTICATED: none, or a bad one. Never blocks. */
enum err auth_service_authenticate(struct auth_service *s, const struct auth_credentials *given,
                                   struct principal *ret) MUST_CHECK;
/* A token or key that came without a header (u/p of line protocol, MQTT, a socket's query). */
enum err auth_service_authenticate_token(struct auth_service *s, struct bytes token,
                                         struct principal *ret) MUST_CHECK;
/* False when the principal's login was revoked, its key or token taken away or replaced, its user
 * disabled or given other roles, or its device silenced since: live sockets and polls that waited
 * ask. */
bool auth_service_still_valid(struct auth_service *s, const struct principal *p);
/* Login name; "" when unknown. */
void auth_service_user_name(struct auth_service *s, int64_t user, char ret[JWT_SUBJECT_MAX + 1]);

struct auth_tokens {
    char access[JWT_TEXT_MAX], refresh[JWT_TEXT_MAX];
    int64_t user, org;
    struct bytes username, email; /* in the arena */
    bool remember;
    int64_t access_s; /* lifetime of the access token: the cookie's Max-Age */
};
/* login: user name or e-mail, any case. ERR_UNAUTHENTICATED, ERR_RATE (locked, or too many
 * failures). */
enum err auth_service_login(struct auth_service *s, struct bytes login, struct bytes password,
                            bool remember, const struct actor *actor, struct arena *arena,
                            struct auth_tokens *ret, struct refusal *refusal) MUST_CHECK;
/* ERR_UNAUTHENTICATED also for an old token; its family is then revoked. */
enum err auth_service_refresh(struct auth_service *s, struct bytes refresh_token,
                              const struct actor *actor, struct arena *arena,
                              struct auth_tokens *ret, struct refusal *refusal) MUST_CHECK;
/* Revokes the actor's session; without one (an API key) nothing is to be done. */
enum err auth_service_logout(struct auth_service *s, const struct actor *actor) MUST_CHECK;
