/* People and organisations: made, read, described. Passwords stand in auth_passwords.c. */
#include "service/auth_accounts.h"

#include "service/auth_rules.h"
#include "service/auth_state.h"
#include "service/event_types.h"
#include "store/catalog_organizations.h"
#include "store/catalog_users.h"

#include <stdio.h>

enum { ID_TEXT = 24, THEME_MAX = 32 };

struct bytes auth_state_id(int64_t id, char text[24])
{
    int n = snprintf(text, ID_TEXT, "%lld", (long long)id);
    return bytes_of(text, (size_t)n);
}

/* --- making ----------------------------------------------------------------------------------- */

/* ERR_EXISTS with the sentence that says what is taken. */
static enum err check_free(struct sql_tx *tx, const struct auth_registration *g, struct arena *a,
                           struct refusal *refusal)
{
    struct user other;
    enum err e = catalog_users_find_username(tx, g->username, a, &other);
    if (!e) {
        return why_say(&refusal->why, ERR_EXISTS, "The user name %.*s is taken; choose another",
                       (int)g->username.n, g->username.p);
    }
    if (e != ERR_NOTFOUND) return e;
    e = catalog_users_find_email(tx, g->email, a, &other);
    if (!e)
        return why_say(&refusal->why, ERR_EXISTS, "There is an account for this e-mail address");
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

enum err auth_accounts_insert_organization(struct auth_service *s, struct sql_tx *tx,
                                           struct bytes name, const struct actor *actor,
                                           int64_t *ret_org, struct refusal *refusal)
{
    int64_t now = auth_state_now(s);
    char id[ID_TEXT];
    enum err e = refusal_room(refusal, s->opts.pilot, tx, 0, LIMIT_ORGANIZATIONS);
    if (e) return e;
    struct organization o = {.name = name, .created_ns = now};
    e = catalog_organizations_insert(tx, &o);
    if (e == ERR_EXISTS) {
        return why_say(&refusal->why, e,
                       "There is an organisation of that name already; choose another, or ask its "
                       "administrator for an account");
    }
    if (e) return e;
    const struct event_note note = {.type = EVENT_ORGANIZATION_CREATED,
                                    .entity_type = "ORGANIZATION",
                                    .entity_id = auth_state_id(o.id, id),
                                    .title = "Organisation created",
                                    .description = name,
                                    .org = o.id};
    e = event_service_append(tx, now, actor, &note);
    if (!e) *ret_org = o.id;
    return e;
}

/* The row, its event, and the user in memory (keeps I1: undone by the caller when the commit
 * fails). */
static enum err insert_user(struct auth_service *s, struct sql_tx *tx, struct user *u,
                            const struct actor *actor)
{
    char id[ID_TEXT];
    enum err e = catalog_users_insert(tx, u);
    if (e) return e;
    const struct event_note note = {.type = EVENT_USER_REGISTERED,
                                    .entity_type = "USER",
                                    .entity_id = auth_state_id(u->id, id),
                                    .title = "User registered",
                                    .description = u->username,
                                    .org = u->org,
                                    .user = u->id};
    e = event_service_append(tx, u->created_ns, actor, &note);
    return e ? e : identity_put_user(s->identity, u);
}

static struct user user_of(const struct auth_registration *g, const char *hash, unsigned roles,
                           int64_t now_ns)
{
    return (struct user){
        .username = g->username,
        .email = g->email,
        .first_name = g->first_name,
        .last_name = g->last_name,
        .password_hash = bytes_str(hash),
        .roles = roles,
        .enabled = true,
        .password_changed_ns = now_ns,
        .created_ns = now_ns,
        .updated_ns = now_ns,
    };
}

static struct bytes organization_name(const struct auth_registration *g, struct arena *arena)
{
    struct bytes name = bytes_trim(g->organization);
    if (name.n) return name;
    return bytes_str(arena_printf(arena, "%.*s's Organization", (int)g->username.n, g->username.p));
}

static enum err register_in(struct auth_service *s, struct sql_tx *tx, struct user *u,
                            const struct auth_registration *g, const struct actor *actor,
                            struct arena *arena, struct auth_tokens *ret, struct refusal *refusal)
{
    enum err e = check_free(tx, g, arena, refusal);
    if (e) return e;
    struct actor as = auth_state_actor(actor, u, arena);
    struct bytes name = organization_name(g, arena);
    if (!name.p || !as.name.p) return ERR_NOMEM;
    e = auth_accounts_insert_organization(s, tx, name, &as, &u->org, refusal);
    if (e) return e;
    as.org = u->org;
    e = insert_user(s, tx, u, &as);
    return e ? e : auth_state_start_session(s, tx, u, false, arena, ret);
}

/* Every registration costs a password hash, so they are counted by address like failed logins, in a
 * bucket of their own: signing up does not lock anybody out of logging in. */
static enum err may_register(struct auth_service *s, const struct actor *actor, struct arena *arena,
                             struct refusal *refusal)
{
    const char *text =
        arena_printf(arena, "register:%.*s", (int)actor->address.n, actor->address.p);
    if (!text) return ERR_NOMEM;
    struct bytes key = bytes_str(text), none = {NULL, 0};
    int64_t wait_ns;
    enum err e = auth_state_may_try(s, none, key, refusal);
    if (e)
        return why_say(&refusal->why, e,
                       "too many accounts from your address within a minute; "
                       "wait and try again");
    (void)lockout_settle(s->lockout, none, key, false, &wait_ns);
    return ERR_OK;
}

enum err auth_accounts_register(struct auth_service *s, const struct auth_registration *given,
                                const struct actor *actor, struct arena *arena,
                                struct auth_tokens *ret, struct refusal *refusal)
{
    struct auth_limits limits = auth_service_limits(s);
    char hash[PASSWORD_TEXT_MAX];
    struct sql_tx *tx;
    if (!limits.registration_enabled) {
        return why_say(&refusal->why, ERR_FORBIDDEN,
                       "Registration is switched off here; ask an administrator for an account");
    }
    auth_rules_registration(given, limits.password_min_chars, refusal);
    enum err e = refusal_fields(refusal);
    if (!e) e = may_register(s, actor, arena, refusal);
    if (!e) e = password_hash(s->gate, given->password, hash);
    if (e) return e;
    struct user u = user_of(given, hash, ROLE_ORG_ADMIN, auth_state_now(s));
    e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, register_in(s, tx, &u, given, actor, arena, ret, refusal));
    if (e && u.id) identity_remove_user(s->identity, u.id);
    return e;
}

struct bytes auth_accounts_check_name(struct bytes name, struct refusal *refusal)
{
    name = bytes_trim(name);
    if (!name.n || !auth_rules_is_text(name, ORGANIZATION_NAME_MAX))
        refusal_field(refusal, "name", "must have 1 to 100 printable characters");
    return name;
}

enum err auth_accounts_add_organization(struct auth_service *s, struct bytes name,
                                        const struct actor *actor, int64_t *ret_org,
                                        struct refusal *refusal)
{
    struct sql_tx *tx;
    name = auth_accounts_check_name(name, refusal);
    enum err e = refusal_fields(refusal);
    if (!e) e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    return sql_end(tx, auth_accounts_insert_organization(s, tx, name, actor, ret_org, refusal));
}

static enum err add_user_in(struct auth_service *s, struct sql_tx *tx, struct user *u,
                            const struct auth_registration *g, const struct actor *actor,
                            struct arena *arena, struct refusal *refusal)
{
    struct organization o;
    enum err e = catalog_organizations_find(tx, u->org, arena, &o);
    if (!e) e = refusal_room(refusal, s->opts.pilot, tx, u->org, LIMIT_USERS);
    if (!e) e = check_free(tx, g, arena, refusal);
    return e ? e : insert_user(s, tx, u, actor);
}

enum err auth_accounts_add_user(struct auth_service *s, int64_t org,
                                const struct auth_registration *given, unsigned roles,
                                const struct actor *actor, int64_t *ret_user,
                                struct refusal *refusal)
{
    char hash[PASSWORD_TEXT_MAX];
    struct sql_tx *tx;
    struct arena arena;
    auth_rules_registration(given, auth_service_limits(s).password_min_chars, refusal);
    enum err e = refusal_fields(refusal);
    if (!e) e = password_hash(s->gate, given->password, hash);
    if (e) return e;
    struct user u = user_of(given, hash, roles, auth_state_now(s));
    u.org = org;
    e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    arena_init(&arena, AUTH_ARENA_BYTES);
    e = sql_end(tx, add_user_in(s, tx, &u, given, actor, &arena, refusal));
    arena_done(&arena);
    if (e && u.id) identity_remove_user(s->identity, u.id);
    if (!e) *ret_user = u.id;
    return e;
}

/* --- reading ---------------------------------------------------------------------------------- */

enum err auth_accounts_find(struct auth_service *s, int64_t org, int64_t user, struct arena *arena,
                            struct user *ret, struct organization *ret_org)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    e = catalog_users_find(tx, org, user, arena, ret);
    if (!e) e = catalog_organizations_find(tx, org, arena, ret_org);
    return sql_end(tx, e);
}

enum err auth_accounts_find_organization(struct auth_service *s, int64_t org, struct arena *arena,
                                         struct organization *ret)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, catalog_organizations_find(tx, org, arena, ret));
}

enum err auth_accounts_list(struct auth_service *s, int64_t org, const struct catalog_page *page,
                            struct arena *arena, struct user **ret,
                            struct catalog_listing *ret_listing)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, catalog_users_list(tx, org, false, page, arena, ret, ret_listing));
}

/* --- preferences ------------------------------------------------------------------------------ */

static bool is_theme(struct bytes theme)
{
    for (size_t i = 0; i < theme.n; i++) {
        char c = theme.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!ok && c != '-' && c != '_') return false;
    }
    return theme.n > 0 && theme.n <= THEME_MAX;
}

static enum err preferences_in(struct auth_service *s, struct sql_tx *tx, const struct actor *actor,
                               const struct auth_preferences *given, struct arena *arena)
{
    struct user u;
    char id[ID_TEXT];
    enum err e = catalog_users_find(tx, actor->org, actor->user, arena, &u);
    if (e) return e;
    if (given->theme.p) u.theme_preference = given->theme;
    if (given->first_name.p) u.first_name = given->first_name;
    if (given->last_name.p) u.last_name = given->last_name;
    u.updated_ns = auth_state_now(s);
    e = catalog_users_update(tx, &u);
    if (e) return e;
    const struct event_note note = {.type = EVENT_USER_UPDATED,
                                    .entity_type = "USER",
                                    .entity_id = auth_state_id(u.id, id),
                                    .title = "Preferences changed"};
    return event_service_append(tx, u.updated_ns, actor, &note);
}

enum err auth_accounts_set_preferences(struct auth_service *s, const struct actor *actor,
                                       const struct auth_preferences *given,
                                       struct refusal *refusal)
{
    struct sql_tx *tx;
    struct arena arena;
    if (given->theme.p && !is_theme(given->theme)) {
        refusal_field(refusal, "themePreference", "must be a name like light, dark or system");
    }
    auth_rules_person_name(given->first_name, "firstName", refusal);
    auth_rules_person_name(given->last_name, "lastName", refusal);
    enum err e = refusal_fields(refusal);
    if (!e) e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    arena_init(&arena, AUTH_ARENA_BYTES);
    e = sql_end(tx, preferences_in(s, tx, actor, given, &arena));
    arena_done(&arena);
    return e;
}
