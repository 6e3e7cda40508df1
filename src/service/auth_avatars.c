/* Pictures of people (see auth_avatars.h). */
#include "service/auth_avatars.h"

#include "service/auth_state.h"
#include "service/event_types.h"
#include "store/catalog_users.h"

enum { ID_TEXT = 24 };

/* p == NULL: neither. What a client says of its bytes is not asked. */
static struct bytes type_of(struct bytes image)
{
    static const char png[] = "\x89PNG\r\n\x1a\n", jpeg[] = "\xff\xd8\xff";
    if (bytes_starts(image, bytes_of(png, sizeof png - 1))) return BYTES("image/png");
    if (bytes_starts(image, bytes_of(jpeg, sizeof jpeg - 1))) return BYTES("image/jpeg");
    return bytes_of(NULL, 0);
}

static enum err find(struct sql_tx *tx, const struct auth_reach *reach, int64_t user,
                     struct arena *a, struct user *ret)
{
    enum err e = catalog_users_find_id(tx, user, a, ret);
    return !e && reach->org && ret->org != reach->org ? ERR_NOTFOUND : e;
}

/* One's own, or that of somebody one administers. */
static enum err may_change(const struct auth_reach *reach, const struct user *u,
                           const struct actor *actor, struct refusal *refusal)
{
    if (u->id == actor->user) return ERR_OK;
    if (auth_users_grantable(reach->roles)) return auth_state_check_reach(reach, u, refusal);
    return why_say(&refusal->why, ERR_FORBIDDEN, "You may change your own picture only");
}

static enum err note_change(struct sql_tx *tx, const struct user *u, const char *type,
                            const char *title, const struct actor *actor)
{
    char id[ID_TEXT];
    const struct event_note note = {.type = type,
                                    .entity_type = "USER",
                                    .entity_id = auth_state_id(u->id, id),
                                    .title = title,
                                    .description = u->username,
                                    .org = u->org};
    return event_service_append(tx, u->updated_ns, actor, &note);
}

static enum err put_in(struct auth_service *s, struct sql_tx *tx, const struct auth_reach *reach,
                       int64_t user, const struct avatar *avatar, const struct actor *actor,
                       struct arena *a, struct user *u, struct refusal *refusal)
{
    enum err e = find(tx, reach, user, a, u);
    if (!e) e = may_change(reach, u, actor, refusal);
    if (e) return e;
    u->updated_ns = auth_state_now(s);
    u->avatar_version = u->updated_ns / NS_PER_MS;
    e = catalog_avatars_put(tx, u->org, u->id, avatar);
    if (!e) e = catalog_users_update(tx, u);
    return e ? e : note_change(tx, u, EVENT_AVATAR_CHANGED, "Picture changed", actor);
}

enum err auth_avatars_put(struct auth_service *s, const struct auth_reach *reach, int64_t user,
                          struct bytes image, const struct actor *actor, struct arena *arena,
                          struct user *ret, struct refusal *refusal)
{
    struct sql_tx *tx;
    const struct avatar avatar = {type_of(image), image};
    if (image.n > AUTH_AVATAR_MAX_BYTES)
        return why_say(&refusal->why, ERR_TOOLARGE, "A picture may have 1 MiB at most");
    if (!avatar.media_type.p)
        return why_say(&refusal->why, ERR_UNSUPPORTED, "A picture is a PNG or a JPEG");
    enum err e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    return sql_end(tx, put_in(s, tx, reach, user, &avatar, actor, arena, ret, refusal));
}

enum err auth_avatars_get(struct auth_service *s, const struct auth_reach *reach, int64_t user,
                          struct arena *arena, struct avatar *ret)
{
    struct user u;
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    e = find(tx, reach, user, arena, &u);
    if (!e) e = catalog_avatars_get(tx, u.org, u.id, arena, ret);
    return sql_end(tx, e);
}

static enum err remove_in(struct auth_service *s, struct sql_tx *tx, const struct auth_reach *reach,
                          int64_t user, const struct actor *actor, struct arena *a,
                          struct refusal *refusal)
{
    struct user u;
    enum err e = find(tx, reach, user, a, &u);
    if (!e) e = may_change(reach, &u, actor, refusal);
    if (e || !u.avatar_version) return e;
    u.updated_ns = auth_state_now(s);
    u.avatar_version = 0;
    e = catalog_avatars_remove(tx, u.org, u.id);
    if (!e) e = catalog_users_update(tx, &u);
    return e ? e : note_change(tx, &u, EVENT_AVATAR_REMOVED, "Picture removed", actor);
}

enum err auth_avatars_remove(struct auth_service *s, const struct auth_reach *reach, int64_t user,
                             const struct actor *actor, struct arena *arena,
                             struct refusal *refusal)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    return sql_end(tx, remove_in(s, tx, reach, user, actor, arena, refusal));
}
