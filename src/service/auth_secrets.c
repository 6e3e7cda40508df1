/* Passwords of things (see auth_secrets.h). */
#include "service/auth_secrets.h"

#include "service/auth_state.h"

enum err auth_secrets_hash(struct auth_service *s, struct bytes plain, char ret[PASSWORD_TEXT_MAX])
{
    return password_hash(s->gate, plain, ret);
}

static enum err locked(struct refusal *refusal)
{
    return why_say(&refusal->why, ERR_RATE, "too many wrong passwords; try again in %lld minutes",
                   (long long)(refusal->retry_ns / NS_PER_MINUTE + 1));
}

enum err auth_secrets_verify(struct auth_service *s, struct bytes subject, struct bytes address,
                             struct bytes plain, struct bytes stored, struct refusal *refusal)
{
    enum err e = auth_state_may_try(s, subject, address, refusal);
    if (e) return locked(refusal);
    e = password_verify(s->gate, plain, stored);
    if (e && e != ERR_UNAUTHENTICATED) return e;
    e = auth_state_settle(s, subject, address, !e, refusal);
    return e == ERR_RATE ? locked(refusal) : e;
}
