/* Passwords changed, set and forgotten. Whoever gets a new one loses every session. */
#include "security/tokens.h"
#include "service/auth_accounts.h"
#include "service/auth_mail.h"
#include "service/auth_rules.h"
#include "service/auth_state.h"
#include "service/event_types.h"
#include "store/catalog_resets.h"
#include "store/catalog_users.h"

#define RESET_NS NS_PER_HOUR

enum { ID_TEXT = 24 };

static const struct bytes nobody = BYTES("");

/* Inside tx: the new hash, no session, no open request, the event. */
static enum err replace_password(struct auth_service *s, struct sql_tx *tx, const struct user *u,
                                 const char *hash, const char *type, const struct actor *actor)
{
    int64_t now = auth_state_now(s);
    char id[ID_TEXT];
    const struct event_note note = {.type = type,
                                    .severity = EVENT_WARNING,
                                    .entity_type = "USER",
                                    .entity_id = auth_state_id(u->id, id),
                                    .title = "The password was replaced; every login has ended",
                                    .org = u->org,
                                    .user = u->id};
    enum err e = catalog_users_set_password(tx, u->org, u->id, bytes_str(hash), now);
    if (!e) e = catalog_resets_remove_user(tx, u->org, u->id);
    if (!e) e = auth_state_end_sessions(s, tx, u->org, u->id, now);
    if (!e) e = event_service_append(tx, now, actor, &note);
    return e;
}

static enum err user_find(struct auth_service *s, int64_t org, int64_t user, struct arena *a,
                          struct user *ret)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, catalog_users_find(tx, org, user, a, ret));
}

/* --- change: by who knows the old one --------------------------------------------------------- */

static enum err change_check(struct auth_service *s, const struct user *u, struct bytes current,
                             const struct actor *actor, struct refusal *refusal)
{
    enum err e = auth_state_may_try(s, u->username, actor->address, refusal);
    if (e) return e;
    e = password_verify(s->gate, current, u->password_hash);
    if (e && e != ERR_UNAUTHENTICATED) return e;
    e = auth_state_settle(s, u->username, actor->address, e == ERR_OK, refusal);
    if (e != ERR_UNAUTHENTICATED) return e;
    auth_failures_note(s->failures, u, actor, auth_state_now(s));
    refusal_field(refusal, "currentPassword", "is not your password");
    return ERR_INVALID;
}

enum err auth_accounts_change_password(struct auth_service *s, const struct actor *actor,
                                       struct bytes current, struct bytes fresh,
                                       struct arena *arena, struct auth_tokens *ret,
                                       struct refusal *refusal)
{
    struct user u;
    char hash[PASSWORD_TEXT_MAX];
    struct sql_tx *tx;
    if (actor->by_key) {
        return why_say(&refusal->why, ERR_FORBIDDEN, "Log in to change your password");
    }
    auth_rules_password(fresh, auth_service_limits(s).password_min_chars, "newPassword", refusal);
    enum err e = refusal_fields(refusal);
    if (!e) e = user_find(s, actor->org, actor->user, arena, &u);
    if (!e) e = change_check(s, &u, current, actor, refusal);
    if (!e) e = password_hash(s->gate, fresh, hash);
    if (!e) e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    e = replace_password(s, tx, &u, hash, EVENT_PASSWORD_CHANGED, actor);
    if (!e) e = auth_state_start_session(s, tx, &u, false, arena, ret);
    return sql_end(tx, e);
}

/* --- set: by an operator ---------------------------------------------------------------------- */

static enum err set_in(struct auth_service *s, struct sql_tx *tx, struct bytes login,
                       const char *hash, const struct actor *actor, struct arena *a)
{
    struct user u;
    enum err e = catalog_users_find_login(tx, login, a, &u);
    return e ? e : replace_password(s, tx, &u, hash, EVENT_PASSWORD_CHANGED, actor);
}

enum err auth_accounts_set_password(struct auth_service *s, struct bytes login, struct bytes fresh,
                                    const struct actor *actor, struct refusal *refusal)
{
    char hash[PASSWORD_TEXT_MAX];
    struct sql_tx *tx;
    struct arena a;
    auth_rules_password(fresh, auth_service_limits(s).password_min_chars, "password", refusal);
    enum err e = refusal_fields(refusal);
    if (!e) e = password_hash(s->gate, fresh, hash);
    if (!e) e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    arena_init(&a, AUTH_ARENA_BYTES);
    e = sql_end(tx, set_in(s, tx, login, hash, actor, &a));
    arena_done(&a);
    return e;
}

/* --- forgotten -------------------------------------------------------------------------------- */

/* A mailbox is not to be flooded, from however many addresses somebody asks: then he is nobody for
 * this request, silently, and the link of the mail before stays good. */
static enum err pass_over_flooded(struct sql_tx *tx, int64_t now, struct user *u)
{
    int64_t mails = 0;
    enum err e = catalog_resets_count_mails(tx, u->org, u->id, now - NS_PER_HOUR, &mails);
    if (!e && mails >= AUTH_RESET_MAILS_PER_HOUR) *u = (struct user){.id = 0};
    return e;
}

/* *ret stays empty when nobody has the address; the row is written all the same (keeps A2). */
static enum err forgot_in(struct auth_service *s, struct sql_tx *tx, struct bytes email,
                          struct reset *reset, const struct actor *actor, struct arena *a,
                          struct user *ret)
{
    char id[ID_TEXT];
    int64_t now = auth_state_now(s);
    enum err e = catalog_users_find_email(tx, email, a, ret);
    if (!e) e = pass_over_flooded(tx, now, ret);
    if (e && e != ERR_NOTFOUND) return e;
    reset->org = ret->org;
    reset->user = ret->id;
    e = catalog_resets_insert(tx, reset);
    if (e || !ret->id) return e;
    const struct event_note note = {.type = EVENT_PASSWORD_RESET_REQUESTED,
                                    .entity_type = "USER",
                                    .entity_id = auth_state_id(ret->id, id),
                                    .title = "A new password was asked for",
                                    .org = ret->org,
                                    .user = ret->id};
    return event_service_append(tx, now, actor, &note);
}

static enum err forgot_run(struct auth_service *s, struct sql_tx *tx, struct bytes email,
                           struct reset *reset, struct bytes token, const struct actor *actor,
                           struct arena *a)
{
    struct user u = {.id = 0};
    enum err e = forgot_in(s, tx, email, reset, actor, a, &u);
    return e || !u.id ? e : auth_mail_reset(s, tx, &u, token, a);
}

enum err auth_accounts_forgot_password(struct auth_service *s, struct bytes email,
                                       const struct actor *actor, struct refusal *refusal)
{
    char token[TOKENS_RANDOM_TEXT + 1];
    struct reset reset = {.expires_ns = auth_state_now(s) + RESET_NS};
    struct sql_tx *tx;
    struct arena a;
    enum err e = auth_state_may_try(s, nobody, actor->address, refusal);
    if (e) return e;
    /* every request counts, good or not: a mailbox is not to be flooded */
    e = auth_state_settle(s, nobody, actor->address, false, refusal);
    if (e == ERR_RATE) return e;
    tokens_make_random(s->opts.rnd, token);
    tokens_hash(bytes_str(token), reset.hash);
    e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    arena_init(&a, AUTH_ARENA_BYTES);
    e = sql_end(tx, forgot_run(s, tx, email, &reset, bytes_str(token), actor, &a));
    if (!e) auth_mail_committed(s);
    arena_done(&a);
    return e;
}

static enum err reset_find(struct auth_service *s, struct bytes token, struct arena *a,
                           struct user *ret)
{
    uint8_t hash[RESET_HASH];
    struct reset reset;
    struct sql_tx *tx;
    tokens_hash(token, hash);
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_resets_find(tx, hash, auth_state_now(s), &reset);
    if (!e) e = catalog_users_find(tx, reset.org, reset.user, a, ret);
    return sql_end(tx, e);
}

/* Again inside the writing transaction: of two at once, one finds the request gone. */
static enum err reset_in(struct auth_service *s, struct sql_tx *tx, struct bytes token,
                         const struct user *u, const char *hash, const struct actor *actor)
{
    uint8_t token_hash[RESET_HASH];
    struct reset reset;
    tokens_hash(token, token_hash);
    enum err e = catalog_resets_find(tx, token_hash, auth_state_now(s), &reset);
    return e ? e : replace_password(s, tx, u, hash, EVENT_PASSWORD_RESET, actor);
}

static enum err reset_run(struct auth_service *s, struct bytes token, struct bytes fresh,
                          const struct actor *actor, struct arena *a)
{
    struct user u;
    char hash[PASSWORD_TEXT_MAX];
    struct sql_tx *tx;
    enum err e = reset_find(s, token, a, &u);
    if (!e) e = password_hash(s->gate, fresh, hash);
    if (!e) e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    struct actor as = auth_state_actor(actor, &u, a);
    return sql_end(tx, reset_in(s, tx, token, &u, hash, &as));
}

enum err auth_accounts_reset_password(struct auth_service *s, struct bytes token,
                                      struct bytes fresh, const struct actor *actor,
                                      struct refusal *refusal)
{
    struct arena a;
    enum err e = auth_state_may_try(s, nobody, actor->address, refusal);
    if (e) return e;
    auth_rules_password(fresh, auth_service_limits(s).password_min_chars, "newPassword", refusal);
    e = refusal_fields(refusal);
    if (e) return e;
    arena_init(&a, AUTH_ARENA_BYTES);
    e = reset_run(s, token, fresh, actor, &a);
    arena_done(&a);
    if (e != ERR_NOTFOUND) return e;
    e = auth_state_settle(s, nobody, actor->address, false, refusal);
    if (e == ERR_RATE) return e;
    refusal_field(refusal, "token", "is not valid, was used, or is older than an hour");
    return ERR_INVALID;
}
