/* People, administered by others: made, found, changed (see auth_users.h). Their end stands in
 * auth_users_gone.c. */
#include "service/auth_users.h"

#include "codec/json_write.h"
#include "security/roles.h"
#include "service/auth_rules.h"
#include "service/auth_state.h"
#include "service/event_types.h"
#include "store/catalog_organizations.h"
#include "store/catalog_resets.h"
#include "store/catalog_users.h"

enum { ID_TEXT = 24, METADATA_MAX = 1024 };

unsigned auth_users_grantable(unsigned roles)
{
    if (roles & ROLE_ADMIN) return (1u << ROLES_COUNT) - 1;
    if (roles & ROLE_ORG_ADMIN) return ROLE_ORG_ADMIN | ROLE_USER | ROLE_VIEWER | ROLE_DEVELOPER;
    return 0;
}

/* --- what the family shares ------------------------------------------------------------------- */

enum err auth_state_check_reach(const struct auth_reach *reach, const struct user *u,
                                struct refusal *refusal)
{
    if (reach->org && u->org != reach->org) return ERR_NOTFOUND;
    if (!(u->roles & ~auth_users_grantable(reach->roles))) return ERR_OK;
    return why_say(&refusal->why, ERR_FORBIDDEN,
                   "This user has a role above yours; only an administrator of the installation "
                   "may change that"); /* keeps U1 */
}

/* Would the organisation or the installation lose its last one of `role`? */
static enum err check_last(struct sql_tx *tx, int64_t org, unsigned role, const char *what,
                           struct refusal *refusal)
{
    int64_t n = 0;
    enum err e = catalog_users_count_role(tx, org, role, &n);
    if (e || n > 1) return e;
    return why_say(&refusal->why, ERR_CONFLICT,
                   "This is the last enabled administrator of %s; make another one first", what);
}

enum err auth_state_check_loss(struct sql_tx *tx, const struct user *u, unsigned lost,
                               const struct actor *actor, struct refusal *refusal)
{
    unsigned high = lost & (ROLE_ADMIN | ROLE_ORG_ADMIN);
    if (u->id == actor->user && lost) {
        return why_say(&refusal->why, ERR_CONFLICT,
                       "Nobody takes rights away from himself; ask another administrator");
    }
    enum err e = ERR_OK;
    if (!u->enabled) return ERR_OK;
    if (high & ROLE_ORG_ADMIN)
        e = check_last(tx, u->org, ROLE_ORG_ADMIN, "the organisation", refusal);
    if (!e && (high & ROLE_ADMIN)) e = check_last(tx, 0, ROLE_ADMIN, "the installation", refusal);
    return e;
}

enum err auth_state_check_email(struct sql_tx *tx, struct bytes email, int64_t user,
                                struct arena *a, struct refusal *refusal)
{
    struct user other;
    enum err e = catalog_users_find_email(tx, email, a, &other);
    if (!e && other.id != user) {
        return why_say(&refusal->why, ERR_EXISTS, "There is an account for this e-mail address");
    }
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

/* --- create and read -------------------------------------------------------------------------- */

enum err auth_users_create(struct auth_service *s, const struct auth_reach *reach, int64_t org,
                           const struct auth_registration *given, unsigned roles,
                           const struct actor *actor, struct arena *arena, struct user *ret,
                           struct organization *ret_org, struct refusal *refusal)
{
    int64_t id = 0;
    if (!roles) roles = ROLE_USER;
    if (reach->org && org != reach->org) return ERR_NOTFOUND;
    if (roles & ~auth_users_grantable(reach->roles)) {
        return why_say(&refusal->why, ERR_FORBIDDEN, "You may not grant a role above your own");
    }
    enum err e = auth_accounts_add_user(s, org, given, roles, actor, &id, refusal);
    return e ? e : auth_accounts_find(s, org, id, arena, ret, ret_org);
}

enum err auth_users_find(struct auth_service *s, const struct auth_reach *reach, int64_t user,
                         struct arena *arena, struct user *ret, struct organization *ret_org)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_users_find_id(tx, user, arena, ret);
    if (!e && reach->org && ret->org != reach->org) e = ERR_NOTFOUND;
    if (!e) e = catalog_organizations_find(tx, ret->org, arena, ret_org);
    return sql_end(tx, e);
}

enum err auth_users_list(struct auth_service *s, const struct auth_reach *reach, bool deleted,
                         const struct catalog_page *page, struct arena *arena, struct user **ret,
                         struct catalog_listing *ret_listing)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, catalog_users_list(tx, reach->org, deleted, page, arena, ret, ret_listing));
}

/* --- change ----------------------------------------------------------------------------------- */

struct change {
    struct auth_service *s;
    const struct auth_reach *reach;
    const struct auth_user_change *given;
    const struct actor *actor;
    struct arena *arena;
    struct refusal *refusal;
    struct user old, fresh;
};

static void check_fields(const struct auth_user_change *g, struct refusal *refusal)
{
    if (g->first_name_set) auth_rules_person_name(g->first_name, "firstName", refusal);
    if (g->last_name_set) auth_rules_person_name(g->last_name, "lastName", refusal);
    if (g->email_set && !auth_rules_is_email(g->email)) {
        refusal_field(refusal, "email", "must be an e-mail address");
    }
    if (g->roles_set && !g->roles) refusal_field(refusal, "roles", "must name at least one role");
}

static enum err apply(struct change *c)
{
    const struct auth_user_change *g = c->given;
    c->fresh = c->old;
    if (g->first_name_set) c->fresh.first_name = g->first_name;
    if (g->last_name_set) c->fresh.last_name = g->last_name;
    if (g->email_set) c->fresh.email = g->email;
    if (g->roles_set) c->fresh.roles = g->roles;
    if (g->enabled_set) c->fresh.enabled = g->enabled;
    c->fresh.updated_ns = auth_state_now(c->s);
    bool other = !bytes_equal_nocase(c->fresh.email, c->old.email);
    /* else the name would be somebody else's login one day */
    if (other && memchr(c->old.username.p, '@', c->old.username.n)) {
        refusal_field(c->refusal, "email", "is the user name too and cannot be changed alone");
    }
    return refusal_fields(c->refusal);
}

static enum err check_change(struct change *c, struct sql_tx *tx)
{
    unsigned lost = c->old.roles & ~c->fresh.roles;
    if (c->old.enabled && !c->fresh.enabled) lost = c->old.roles;
    if (c->fresh.roles & ~auth_users_grantable(c->reach->roles)) {
        return why_say(&c->refusal->why, ERR_FORBIDDEN,
                       "You may not grant a role above your own"); /* keeps U1 */
    }
    enum err e = auth_state_check_loss(tx, &c->old, lost, c->actor, c->refusal);
    if (e || bytes_equal_nocase(c->fresh.email, c->old.email)) return e;
    return auth_state_check_email(tx, c->fresh.email, c->old.id, c->arena, c->refusal);
}

/* {"changed":["roles"],"roles":["ROLE_USER"]} */
static struct bytes describe(const struct change *c)
{
    struct buf b;
    const struct user *o = &c->old, *f = &c->fresh;
    buf_init(&b, METADATA_MAX);
    json_write_open(&b, '{');
    json_write_key(&b, "changed");
    json_write_open(&b, '[');
    if (!bytes_equal(o->first_name, f->first_name)) json_write_string(&b, BYTES("firstName"));
    if (!bytes_equal(o->last_name, f->last_name)) json_write_string(&b, BYTES("lastName"));
    if (!bytes_equal(o->email, f->email)) json_write_string(&b, BYTES("email"));
    if (o->roles != f->roles) json_write_string(&b, BYTES("roles"));
    if (o->enabled != f->enabled) json_write_string(&b, BYTES("enabled"));
    json_write_close(&b, ']');
    if (o->enabled != f->enabled) json_write_member_bool(&b, "enabled", f->enabled);
    if (o->roles != f->roles) json_write_key(&b, "roles");
    if (o->roles != f->roles) json_write_open(&b, '[');
    for (unsigned i = 0; o->roles != f->roles && i < ROLES_COUNT; i++)
        if (f->roles & (1u << i)) json_write_string(&b, bytes_str(roles_name(1u << i)));
    if (o->roles != f->roles) json_write_close(&b, ']');
    json_write_close(&b, '}');
    struct bytes text = b.err ? bytes_of(NULL, 0) : arena_copy(c->arena, buf_bytes(&b));
    buf_done(&b);
    return text;
}

static enum err write_change(struct change *c, struct sql_tx *tx)
{
    char id[ID_TEXT];
    const struct user *f = &c->fresh;
    bool enabled = f->enabled || !c->old.enabled, same_roles = f->roles == c->old.roles;
    const struct event_note note = {.type = EVENT_USER_UPDATED,
                                    .severity = same_roles && enabled ? EVENT_INFO : EVENT_WARNING,
                                    .entity_type = "USER",
                                    .entity_id = auth_state_id(f->id, id),
                                    .title = same_roles ? "User changed" : "Roles changed",
                                    .description = f->username,
                                    .metadata = describe(c),
                                    .org = f->org};
    enum err e = catalog_users_update(tx, f);
    /* a link that went to the old address is not for who reads it now */
    if (!e && !bytes_equal_nocase(f->email, c->old.email))
        e = catalog_resets_remove_user(tx, f->org, f->id);
    if (!e && (!same_roles || !enabled)) {
        e = auth_state_end_sessions(c->s, tx, f->org, f->id, f->updated_ns); /* keeps U4 */
    }
    if (!e) e = event_service_append(tx, f->updated_ns, c->actor, &note);
    if (e) return e;
    /* what is taken away counts before the commit (keeps I1), what is given after it */
    struct user less = *f;
    less.roles &= c->old.roles;
    less.enabled = f->enabled && c->old.enabled;
    return identity_put_user(c->s->identity, &less);
}

static enum err change_in(struct change *c, struct sql_tx *tx, int64_t user,
                          struct organization *ret_org)
{
    enum err e = catalog_users_find_id(tx, user, c->arena, &c->old);
    if (!e) e = auth_state_check_reach(c->reach, &c->old, c->refusal);
    if (!e) e = catalog_organizations_find(tx, c->old.org, c->arena, ret_org);
    if (!e) e = apply(c);
    if (!e) e = check_change(c, tx);
    return e ? e : write_change(c, tx);
}

enum err auth_users_update(struct auth_service *s, const struct auth_reach *reach, int64_t user,
                           const struct auth_user_change *given, const struct actor *actor,
                           struct arena *arena, struct user *ret, struct organization *ret_org,
                           struct refusal *refusal)
{
    struct change c = {
        .s = s, .reach = reach, .given = given, .actor = actor, .arena = arena, .refusal = refusal};
    struct sql_tx *tx;
    check_fields(given, refusal);
    enum err e = refusal_fields(refusal);
    if (!e) e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, change_in(&c, tx, user, ret_org));
    /* should this fail, memory knows less of the user than the catalog until the next start */
    if (c.fresh.id) (void)!identity_put_user(s->identity, e ? &c.old : &c.fresh);
    if (!e) *ret = c.fresh;
    return e;
}
