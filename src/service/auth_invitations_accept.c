/* Taking the place that was offered (see auth_invitations.h). */
#include "security/tokens.h"
#include "service/auth_invitations.h"
#include "service/auth_rules.h"
#include "service/auth_state.h"
#include "service/event_types.h"
#include "store/catalog_invitations.h"
#include "store/catalog_organizations.h"
#include "store/catalog_users.h"

/* Wrong tokens are counted by address, in a bucket of their own: guessing is slow, and nobody is
 * locked out of logging in by it. */
static enum err may_try(struct auth_service *s, const struct actor *actor, struct arena *a,
                        struct bytes *ret_key, struct refusal *refusal)
{
    const char *key = arena_printf(a, "invite:%.*s", (int)actor->address.n, actor->address.p);
    if (!key) return ERR_NOMEM;
    *ret_key = bytes_str(key);
    return auth_state_may_try(s, bytes_of(NULL, 0), *ret_key, refusal);
}

/* The one sentence (keeps V2). */
static enum err refuse_token(struct auth_service *s, struct bytes key, struct refusal *refusal)
{
    enum err e = auth_state_settle(s, bytes_of(NULL, 0), key, false, refusal);
    if (e == ERR_RATE) return e;
    refusal_field(refusal, "token", "is not valid, was used, or is older than 7 days");
    return ERR_INVALID;
}

/* ERR_NOTFOUND also when the address has an account by now. */
static enum err find(struct auth_service *s, struct sql_tx *tx, struct bytes token, struct arena *a,
                     struct invitation *ret)
{
    uint8_t hash[INVITATION_HASH];
    struct user other;
    _Static_assert((int)INVITATION_HASH == (int)TOKENS_HASH, "a hash fits");
    tokens_hash(token, hash);
    enum err e = catalog_invitations_find_hash(tx, hash, auth_state_now(s), a, ret);
    if (e) return e;
    e = catalog_users_find_email(tx, ret->email, a, &other);
    if (!e) return ERR_NOTFOUND;
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

static enum err read_token(struct auth_service *s, struct bytes token, struct arena *a,
                           struct invitation *ret, struct organization *ret_org)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    e = find(s, tx, token, a, ret);
    if (!e) e = catalog_organizations_find(tx, ret->org, a, ret_org);
    return sql_end(tx, e);
}

enum err auth_invitations_look(struct auth_service *s, struct bytes token,
                               const struct actor *actor, struct arena *arena,
                               struct invitation *ret, struct organization *ret_org,
                               struct refusal *refusal)
{
    struct bytes key;
    enum err e = may_try(s, actor, arena, &key, refusal);
    if (!e) e = read_token(s, token, arena, ret, ret_org);
    return e == ERR_NOTFOUND ? refuse_token(s, key, refusal) : e;
}

/* --- accept ----------------------------------------------------------------------------------- */

static enum err check_name(struct sql_tx *tx, const struct user *u, struct arena *a,
                           struct refusal *refusal)
{
    struct user other;
    enum err e = catalog_users_find_username(tx, u->username, a, &other);
    if (e) return e == ERR_NOTFOUND ? ERR_OK : e;
    return why_say(&refusal->why, ERR_EXISTS, "The user name %.*s is taken; choose another",
                   (int)u->username.n, u->username.p);
}

static enum err check_room(struct auth_service *s, struct sql_tx *tx, int64_t org,
                           struct refusal *refusal)
{
    return refusal_room(refusal, s->opts.pilot, tx, org, LIMIT_USERS);
}

/* Again inside the writing transaction: of two at once, one finds the invitation taken. */
static enum err accept_in(struct auth_service *s, struct sql_tx *tx, struct bytes token,
                          struct user *u, const struct actor *actor, struct arena *a,
                          struct auth_tokens *ret, struct refusal *refusal)
{
    struct invitation i;
    enum err e = find(s, tx, token, a, &i);
    if (e) return e;
    u->org = i.org;
    u->email = i.email;
    u->roles = i.roles;
    e = check_name(tx, u, a, refusal);
    if (!e) e = check_room(s, tx, i.org, refusal);
    i.accepted_ns = u->created_ns;
    if (!e) e = catalog_invitations_update(tx, &i);
    if (!e) e = catalog_users_insert(tx, u);
    if (e) return e;
    struct actor as = auth_state_actor(actor, u, a);
    if (!as.name.p) return ERR_NOMEM;
    as.user = u->id;
    e = auth_state_invitation_event(s, tx, &i, EVENT_INVITATION_ACCEPTED,
                                    "Invitation accepted; user registered", &as);
    if (!e) e = identity_put_user(s->identity, u);
    return e ? e : auth_state_start_session(s, tx, u, false, a, ret);
}

static enum err accept_run(struct auth_service *s, struct bytes token,
                           const struct auth_registration *given, const struct actor *actor,
                           struct arena *a, struct auth_tokens *ret, struct refusal *refusal)
{
    char hash[PASSWORD_TEXT_MAX];
    struct sql_tx *tx;
    int64_t now = auth_state_now(s);
    enum err e = password_hash(s->gate, given->password, hash);
    if (!e) e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    struct user u = {.username = given->username,
                     .first_name = given->first_name,
                     .last_name = given->last_name,
                     .password_hash = bytes_str(hash),
                     .enabled = true,
                     .password_changed_ns = now,
                     .created_ns = now,
                     .updated_ns = now};
    e = sql_end(tx, accept_in(s, tx, token, &u, actor, a, ret, refusal));
    if (e && u.id) identity_remove_user(s->identity, u.id);
    return e;
}

enum err auth_invitations_accept(struct auth_service *s, struct bytes token,
                                 const struct auth_registration *given, const struct actor *actor,
                                 struct arena *arena, struct auth_tokens *ret,
                                 struct refusal *refusal)
{
    struct invitation i;
    struct organization o;
    struct bytes key;
    enum err e = may_try(s, actor, arena, &key, refusal);
    if (!e) e = read_token(s, token, arena, &i, &o); /* before a password hash is paid for */
    if (e) return e == ERR_NOTFOUND ? refuse_token(s, key, refusal) : e;
    struct auth_registration whole = *given;
    whole.email = i.email;
    auth_rules_registration(&whole, auth_service_limits(s).password_min_chars, refusal);
    e = refusal_fields(refusal);
    if (!e) e = accept_run(s, token, &whole, actor, arena, ret, refusal);
    return e == ERR_NOTFOUND ? refuse_token(s, key, refusal) : e;
}
