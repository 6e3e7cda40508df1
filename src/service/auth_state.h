#pragma once
/* service/auth_state.h -- what the files of the auth family share; nobody else includes it.
 * Threads: fields are immutable after open, or as their line says.   Memory: owned by
 * auth_service. */
#include "model/invitation.h"
#include "model/session.h"
#include "model/user.h"
#include "security/lockout.h"
#include "service/auth_failures.h"
#include "service/auth_users.h"
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
    char *public_url; /* owned; opts.public_url points into it */
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
/* ERR_NOTFOUND outside the reach, ERR_FORBIDDEN when the user has a role above (keeps U1). */
enum err auth_state_check_reach(const struct auth_reach *reach, const struct user *u,
                                struct refusal *refusal) MUST_CHECK;
/* May the user, who is as the catalog has him, lose these roles (keeps U2, U3)? ERR_CONFLICT. */
enum err auth_state_check_loss(struct sql_tx *tx, const struct user *u, unsigned lost,
                               const struct actor *actor, struct refusal *refusal) MUST_CHECK;
/* ERR_EXISTS when somebody but `user` has the address. */
enum err auth_state_check_email(struct sql_tx *tx, struct bytes email, int64_t user,
                                struct arena *a, struct refusal *refusal) MUST_CHECK;
/* Inside tx: the row is deleted, its keys are revoked, its sessions end; after the commit
 * auth_state_forget() takes user and keys out of memory. */
enum err auth_state_take_away(struct auth_service *s, struct sql_tx *tx, const struct user *u,
                              int64_t now_ns) MUST_CHECK;
void auth_state_forget(struct auth_service *s, int64_t user);
/* The other way round, into memory too: taken out again by the caller when the commit fails.
 * ERR_EXISTS: user name or e-mail was taken meanwhile. */
enum err auth_state_bring_back(struct auth_service *s, struct sql_tx *tx, const struct user *u,
                               struct arena *a, struct refusal *refusal) MUST_CHECK;
/* ERR_EXISTS when another organisation than `org` has the name. */
enum err auth_state_check_org_name(struct sql_tx *tx, struct bytes name, int64_t org,
                                   struct arena *a, struct refusal *refusal) MUST_CHECK;
enum err auth_state_invitation_event(struct auth_service *s, struct sql_tx *tx,
                                     const struct invitation *i, const char *type,
                                     const char *title, const struct actor *actor) MUST_CHECK;
/* "42", borrowed from text: entity ids of events. */
struct bytes auth_state_id(int64_t id, char text[24]);
/* The actor as that user. */
struct actor auth_state_actor(const struct actor *from, const struct user *u, struct arena *arena);
static inline int64_t auth_state_now(const struct auth_service *s)
{
    return clock_wall_ns(s->opts.clock);
}
