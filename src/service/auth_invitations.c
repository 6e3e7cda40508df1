/* Offers of a place in an organisation: made, sent again, revoked (see auth_invitations.h). Taking
 * one stands in auth_invitations_accept.c. */
#include "service/auth_invitations.h"

#include "security/tokens.h"
#include "service/auth_mail.h"
#include "service/auth_rules.h"
#include "service/auth_state.h"
#include "service/event_types.h"
#include "store/catalog_invitations.h"
#include "store/catalog_organizations.h"
#include "store/catalog_users.h"

enum { ID_TEXT = 24 };

struct work {
    struct auth_service *s;
    struct sql_tx *tx;
    const struct actor *actor;
    struct arena *arena;
    struct refusal *refusal;
    char token[TOKENS_RANDOM_TEXT + 1];
    struct auth_invitation_made made;
};

enum err auth_state_invitation_event(struct auth_service *s, struct sql_tx *tx,
                                     const struct invitation *i, const char *type,
                                     const char *title, const struct actor *actor)
{
    char id[ID_TEXT];
    const struct event_note note = {.type = type,
                                    .entity_type = "INVITATION",
                                    .entity_id = auth_state_id(i->id, id),
                                    .title = title,
                                    .description = i->email,
                                    .org = i->org};
    return event_service_append(tx, auth_state_now(s), actor, &note);
}

static void draw_token(struct work *w)
{
    struct invitation *i = &w->made.invitation;
    tokens_make_random(w->s->opts.rnd, w->token);
    tokens_hash(bytes_str(w->token), i->hash);
    i->expires_ns = auth_state_now(w->s) + AUTH_INVITATION_NS;
    i->sends++;
}

/* By mail, in the same transaction; without one the answer has to carry it (keeps V1). */
static enum err deliver(struct work *w, const struct organization *o)
{
    struct auth_invitation_made *m = &w->made;
    struct bytes token = arena_copy(w->arena, bytes_str(w->token));
    struct bytes url = auth_mail_link(w->s, "/accept-invitation?token=", token, w->arena);
    if (!token.p) return ERR_NOMEM;
    enum err e =
        auth_mail_invitation(w->s, w->tx, &m->invitation, o, url, token, w->arena, &m->sent);
    if (e || m->sent) return e;
    m->token = token;
    m->url = url;
    return ERR_OK;
}

/* Nobody of the organisation has the address, and it is not invited. Who has it elsewhere is
 * nobody's business here. */
static enum err check_address(struct work *w)
{
    struct invitation *i = &w->made.invitation, open;
    struct user other;
    enum err e = catalog_users_find_email(w->tx, i->email, w->arena, &other);
    if (!e && other.org == i->org) {
        return why_say(&w->refusal->why, ERR_EXISTS,
                       "Somebody of this organisation has that e-mail address");
    }
    if (e && e != ERR_NOTFOUND) return e;
    e = catalog_invitations_find_open(w->tx, i->org, i->email, w->arena, &open);
    if (e) return e == ERR_NOTFOUND ? ERR_OK : e;
    if (open.expires_ns > auth_state_now(w->s)) {
        return why_say(&w->refusal->why, ERR_EXISTS,
                       "This address is invited already; send that invitation again");
    }
    open.revoked_ns = auth_state_now(w->s); /* it had ended by itself */
    return catalog_invitations_update(w->tx, &open);
}

static enum err check_room(struct work *w)
{
    int64_t org = w->made.invitation.org, open = 0, users = 0, max = 0;
    enum err e = catalog_invitations_count_open(w->tx, org, auth_state_now(w->s), &open);
    if (!e) e = catalog_users_count(w->tx, org, &users);
    if (!e) e = limits_find(w->s->opts.pilot, w->tx, org, LIMIT_USERS, &max);
    if (e) return e;
    if (open >= AUTH_INVITATIONS_OPEN)
        return refusal_limit(w->refusal, "open-invitations", AUTH_INVITATIONS_OPEN, open);
    if (max && users + open >= max)
        return refusal_limit(w->refusal, limit_key(LIMIT_USERS), max, users + open);
    return ERR_OK;
}

static enum err create_in(struct work *w)
{
    struct invitation *i = &w->made.invitation;
    struct organization o;
    enum err e = catalog_organizations_find(w->tx, i->org, w->arena, &o);
    if (!e) e = check_address(w);
    if (!e) e = check_room(w);
    if (!e) e = catalog_invitations_insert(w->tx, i);
    if (!e) e = deliver(w, &o);
    return e ? e
             : auth_state_invitation_event(w->s, w->tx, i, EVENT_INVITATION_CREATED,
                                           "Invitation made", w->actor);
}

struct bytes auth_invitations_check(struct bytes email, struct refusal *refusal)
{
    email = bytes_trim(email);
    if (!auth_rules_is_email(email)) refusal_field(refusal, "email", "must be an e-mail address");
    return email;
}

enum err auth_invitations_create_in(struct auth_service *s, struct sql_tx *tx, int64_t org,
                                    struct bytes email, unsigned roles, const struct actor *actor,
                                    struct arena *arena, struct auth_invitation_made *ret,
                                    struct refusal *refusal)
{
    struct work w = {.s = s, .tx = tx, .actor = actor, .arena = arena, .refusal = refusal};
    w.made.invitation = (struct invitation){.org = org,
                                            .email = email,
                                            .roles = roles,
                                            .invited_by = actor->user,
                                            .inviter = actor->name,
                                            .created_ns = auth_state_now(s)};
    draw_token(&w);
    enum err e = create_in(&w);
    if (!e) *ret = w.made;
    return e;
}

void auth_invitations_committed(struct auth_service *s)
{
    auth_mail_committed(s);
}

enum err auth_invitations_create(struct auth_service *s, const struct auth_reach *reach,
                                 struct bytes email, unsigned roles, const struct actor *actor,
                                 struct arena *arena, struct auth_invitation_made *ret,
                                 struct refusal *refusal)
{
    struct sql_tx *tx;
    if (!roles) roles = ROLE_USER;
    email = auth_invitations_check(email, refusal);
    enum err e = refusal_fields(refusal);
    if (e) return e;
    if (roles & ~auth_users_grantable(reach->roles))
        return why_say(&refusal->why, ERR_FORBIDDEN, "You may not grant a role above your own");
    e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, auth_invitations_create_in(s, tx, reach->org, email, roles, actor, arena, ret,
                                               refusal));
    if (!e) auth_mail_committed(s);
    return e;
}

/* --- again ------------------------------------------------------------------------------------ */

static enum err resend_in(struct work *w, const struct auth_reach *reach, int64_t id)
{
    struct invitation *i = &w->made.invitation;
    struct organization o;
    enum err e = catalog_invitations_find(w->tx, reach->org, id, w->arena, i);
    if (!e) e = catalog_organizations_find(w->tx, reach->org, w->arena, &o);
    if (e) return e;
    if (i->accepted_ns || i->revoked_ns) {
        return why_say(&w->refusal->why, ERR_CONFLICT,
                       "This invitation was accepted or revoked; make a new one");
    }
    if (i->roles & ~auth_users_grantable(reach->roles)) {
        return why_say(&w->refusal->why, ERR_FORBIDDEN, "You may not grant a role above your own");
    }
    if (i->sends >= AUTH_INVITATION_SENDS)
        return refusal_limit(w->refusal, "invitation-sends", AUTH_INVITATION_SENDS, i->sends);
    draw_token(w);
    e = catalog_invitations_update(w->tx, i);
    if (!e) e = deliver(w, &o);
    return e ? e
             : auth_state_invitation_event(w->s, w->tx, i, EVENT_INVITATION_RESENT,
                                           "Invitation sent again", w->actor);
}

enum err auth_invitations_resend(struct auth_service *s, const struct auth_reach *reach, int64_t id,
                                 const struct actor *actor, struct arena *arena,
                                 struct auth_invitation_made *ret, struct refusal *refusal)
{
    struct work w = {.s = s, .actor = actor, .arena = arena, .refusal = refusal};
    enum err e = sql_begin(s->opts.db, SQL_WRITE, &w.tx);
    if (e) return e;
    e = sql_end(w.tx, resend_in(&w, reach, id));
    if (!e) auth_mail_committed(w.s);
    if (!e) *ret = w.made;
    return e;
}

/* --- revoke, list ----------------------------------------------------------------------------- */

static enum err revoke_in(struct auth_service *s, struct sql_tx *tx, int64_t org, int64_t id,
                          const struct actor *actor, struct arena *a, struct refusal *refusal)
{
    struct invitation i;
    enum err e = catalog_invitations_find(tx, org, id, a, &i);
    if (e || i.revoked_ns) return e;
    if (i.accepted_ns) {
        return why_say(&refusal->why, ERR_CONFLICT,
                       "This invitation was accepted; the user can be disabled or deleted");
    }
    i.revoked_ns = auth_state_now(s);
    e = catalog_invitations_update(tx, &i);
    return e ? e
             : auth_state_invitation_event(s, tx, &i, EVENT_INVITATION_REVOKED,
                                           "Invitation revoked", actor);
}

enum err auth_invitations_revoke(struct auth_service *s, int64_t org, int64_t id,
                                 const struct actor *actor, struct arena *arena,
                                 struct refusal *refusal)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    return sql_end(tx, revoke_in(s, tx, org, id, actor, arena, refusal));
}

enum err auth_invitations_list(struct auth_service *s, int64_t org, const struct catalog_page *page,
                               struct arena *arena, struct invitation **ret,
                               struct catalog_listing *ret_listing, struct why *why)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, catalog_invitations_list(tx, org, page, arena, ret, ret_listing, why));
}
