#pragma once
/* service/auth_state.h -- what the files of the auth family share; nobody else includes it.
 * Threads: fields are immutable after open, or as their line says.   Memory: owned by
 * auth_service. */
#include "model/session.h"
#include "model/user.h"
#include "security/lockout.h"
#include "service/auth_failures.h"
#include "service/auth_service.h"
#include "service/event_service.h"
#include "service/identity.h"
#include "sys/lock.h"

struct auth_service {
    struct auth_service_opts opts; /* but limits, which stand below */
    struct identity *identity;
    struct password_gate *gate;
    struct lockout *lockout;
    struct auth_failures *failures;
    struct rwlock lock;        /* the next four */
    struct jwt_keys keys;      /* copied out by readers: no work under the lock */
    int64_t previous_until_ns; /* when keys.previous is forgotten */
    struct auth_limits limits;
    int64_t purge_due_ns;
};

/* Room for what one call reads from the catalog. */
enum { AUTH_ARENA_BYTES = 256 * 1024 };

struct jwt_keys auth_state_keys(struct auth_service *s);
/* Locked or over the failures a minute: fills the refusal and returns ERR_RATE, else ERR_OK. */
enum err auth_state_may_try(struct auth_service *s, struct bytes account, struct bytes address,
                            struct refusal *refusal) MUST_CHECK;
/* Counts the attempt; ERR_OK only for a success within the limits, else ERR_RATE or
 * ERR_UNAUTHENTICATED. */
enum err auth_state_settle(struct auth_service *s, struct bytes account, struct bytes address,
                           bool success, struct refusal *refusal) MUST_CHECK;
/* A new login of the user, inside tx: session, both tokens. */
enum err auth_state_start_session(struct auth_service *s, struct sql_tx *tx, const struct user *u,
                                  bool remember, struct arena *arena,
                                  struct auth_tokens *ret) MUST_CHECK;
/* Both tokens of a session that goes on; */
enum err auth_state_sign(struct auth_service *s, const struct user *u,
                         const struct session *session, struct arena *arena,
                         struct auth_tokens *ret) MUST_CHECK;
/* Ends every session of the user, in the catalog and in memory (keeps I1). */
enum err auth_state_end_sessions(struct auth_service *s, struct sql_tx *tx, int64_t org,
                                 int64_t user, int64_t now_ns) MUST_CHECK;
/* "42", borrowed from text: entity ids of events. */
struct bytes auth_state_id(int64_t id, char text[24]);
/* The actor as that user. */
struct actor auth_state_actor(const struct actor *from, const struct user *u, struct arena *arena);
static inline int64_t auth_state_now(const struct auth_service *s)
{
    return clock_wall_ns(s->opts.clock);
}
