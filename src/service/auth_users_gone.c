/* People who are taken away: deleted, brought back, forgotten (see auth_users.h). */
#include "service/auth_state.h"
#include "service/event_types.h"
#include "store/catalog_avatars.h"
#include "store/catalog_keys.h"
#include "store/catalog_organizations.h"
#include "store/catalog_resets.h"
#include "store/catalog_users.h"

enum { ID_TEXT = 24, PURGE_AT_ONCE = 100 };

static enum err user_event(struct sql_tx *tx, const struct user *u, const char *type,
                           const char *title, const struct actor *actor, int64_t now_ns)
{
    char id[ID_TEXT];
    const struct event_note note = {.type = type,
                                    .severity = EVENT_WARNING,
                                    .entity_type = "USER",
                                    .entity_id = auth_state_id(u->id, id),
                                    .title = title,
                                    .description = u->username,
                                    .org = u->org};
    return event_service_append(tx, now_ns, actor, &note);
}

enum err auth_state_take_away(struct auth_service *s, struct sql_tx *tx, const struct user *u,
                              int64_t now_ns)
{
    enum err e = catalog_users_delete(tx, u->org, u->id, now_ns);
    if (!e) e = catalog_keys_revoke_user(tx, u->org, u->id, now_ns);
    if (!e) e = catalog_resets_remove_user(tx, u->org, u->id);
    return e ? e : auth_state_end_sessions(s, tx, u->org, u->id, now_ns);
}

void auth_state_forget(struct auth_service *s, int64_t user)
{
    identity_remove_user(s->identity, user);
    identity_remove_keys(s->identity, user);
}

static enum err delete_in(struct auth_service *s, struct sql_tx *tx, const struct auth_reach *reach,
                          int64_t user, const struct actor *actor, struct arena *a,
                          struct refusal *refusal)
{
    struct user u;
    int64_t now = auth_state_now(s);
    enum err e = catalog_users_find_id(tx, user, a, &u);
    if (!e) e = auth_state_check_reach(reach, &u, refusal);
    if (!e) e = auth_state_check_loss(tx, &u, u.roles, actor, refusal);
    if (!e) e = auth_state_take_away(s, tx, &u, now);
    return e ? e : user_event(tx, &u, EVENT_USER_DELETED, "User deleted", actor, now);
}

enum err auth_users_delete(struct auth_service *s, const struct auth_reach *reach, int64_t user,
                           const struct actor *actor, struct arena *arena, struct refusal *refusal)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    e = sql_end(tx, delete_in(s, tx, reach, user, actor, arena, refusal));
    if (!e) auth_state_forget(s, user);
    return e;
}

/* --- restore ---------------------------------------------------------------------------------- */

enum err auth_state_bring_back(struct auth_service *s, struct sql_tx *tx, const struct user *u,
                               struct arena *a, struct refusal *refusal)
{
    struct user other;
    enum err e = catalog_users_find_username(tx, u->username, a, &other);
    if (!e) {
        return why_say(&refusal->why, ERR_EXISTS, "The user name %.*s was taken meanwhile",
                       (int)u->username.n, u->username.p);
    }
    if (e != ERR_NOTFOUND) return e;
    e = auth_state_check_email(tx, u->email, u->id, a, refusal);
    if (!e) e = catalog_users_restore(tx, u->org, u->id, auth_state_now(s));
    return e ? e : identity_put_user(s->identity, u);
}

static enum err restore_in(struct auth_service *s, struct sql_tx *tx,
                           const struct auth_reach *reach, int64_t user, const struct actor *actor,
                           struct arena *a, struct user *u, struct organization *o,
                           struct refusal *refusal)
{
    int64_t now = auth_state_now(s);
    enum err e = catalog_users_find_deleted(tx, user, a, u);
    if (!e && u->deleted_ns < now - AUTH_RESTORABLE_NS) e = ERR_NOTFOUND;
    if (!e) e = auth_state_check_reach(reach, u, refusal);
    if (!e) e = catalog_organizations_find(tx, u->org, a, o);
    if (!e) e = refusal_room(refusal, s->opts.pilot, tx, u->org, LIMIT_USERS);
    if (e) return e;
    u->deleted_ns = 0;
    e = auth_state_bring_back(s, tx, u, a, refusal);
    return e ? e : user_event(tx, u, EVENT_USER_RESTORED, "User restored", actor, now);
}

enum err auth_users_restore(struct auth_service *s, const struct auth_reach *reach, int64_t user,
                            const struct actor *actor, struct arena *arena, struct user *ret,
                            struct organization *ret_org, struct refusal *refusal)
{
    struct user u = {.id = 0};
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    enum err in = restore_in(s, tx, reach, user, actor, arena, &u, ret_org, refusal);
    e = sql_end(tx, in);
    if (e && !in) identity_remove_user(s->identity, user); /* only the commit failed */
    if (!e) *ret = u;
    return e;
}

/* --- purge ------------------------------------------------------------------------------------ */

static enum err purge_one(struct auth_service *s, struct sql_tx *tx, struct arena *a)
{
    struct user u;
    const struct actor system = {.name = BYTES("system")};
    int64_t now = auth_state_now(s);
    enum err e = catalog_users_find_due(tx, now - AUTH_RESTORABLE_NS, a, &u);
    if (!e) e = catalog_avatars_remove(tx, u.org, u.id);
    if (!e) e = catalog_keys_purge_user(tx, u.org, u.id);
    if (!e) e = catalog_users_purge(tx, u.org, u.id, now);
    u.username = bytes_of(NULL, 0); /* forgotten is forgotten */
    return e ? e : user_event(tx, &u, EVENT_USER_PURGED, "Deleted user forgotten", &system, now);
}

enum err auth_users_purge(struct auth_service *s, size_t *ret_n)
{
    struct arena a;
    enum err e = ERR_OK;
    size_t n = 0;
    arena_init(&a, AUTH_ARENA_BYTES);
    while (!e && n < PURGE_AT_ONCE) {
        struct sql_tx *tx;
        arena_reset(&a);
        e = sql_begin(s->opts.db, SQL_WRITE, &tx);
        if (!e) e = sql_end(tx, purge_one(s, tx, &a));
        n += !e;
    }
    arena_done(&a);
    *ret_n = n;
    return e == ERR_NOTFOUND ? ERR_OK : e;
}
