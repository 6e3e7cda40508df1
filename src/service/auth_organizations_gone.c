/* An organisation taken away and brought back (see auth_organizations.h). Its events are hidden
 * with it, so both are told in the trail of the installation. */
#include "base/mem.h"
#include "service/auth_organizations.h"
#include "service/auth_state.h"
#include "service/event_types.h"
#include "store/catalog_devices.h"
#include "store/catalog_organizations.h"
#include "store/catalog_users.h"

enum { ID_TEXT = 24, AT_ONCE = 500 };

struct work {
    struct auth_service *s;
    struct sql_tx *tx;
    const struct actor *actor;
    struct arena *arena;
    struct refusal *refusal;
    struct organization org;
    int64_t now_ns;
    int64_t *users; /* owned: those who were taken away or brought back */
    size_t n, cap;
    int64_t left;
};

static enum err note_user(struct work *w, int64_t user)
{
    if (w->n == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 64;
        int64_t *users = mem_array(cap, sizeof *users);
        if (!users) return ERR_NOMEM;
        if (w->n) memcpy(users, w->users, w->n * sizeof *users);
        mem_free(w->users);
        w->users = users;
        w->cap = cap;
    }
    w->users[w->n++] = user;
    return ERR_OK;
}

static enum err tell(struct work *w, const char *type, const char *title)
{
    char id[ID_TEXT];
    struct actor as = *w->actor;
    as.org = 0;
    const struct event_note note = {.type = type,
                                    .severity = EVENT_WARNING,
                                    .entity_type = "ORGANIZATION",
                                    .entity_id = auth_state_id(w->org.id, id),
                                    .title = title,
                                    .description = w->org.name};
    return event_service_append(w->tx, w->now_ns, &as, &note);
}

/* --- delete ----------------------------------------------------------------------------------- */

/* Always the first page: who is deleted leaves it. */
static enum err take_users(struct work *w)
{
    const struct catalog_page page = {.size = AT_ONCE, .by_cursor = true, .no_total = true};
    struct catalog_listing listing = {.more = true};
    enum err e = ERR_OK;
    while (!e && listing.more) {
        struct user *users = NULL;
        e = catalog_users_list(w->tx, w->org.id, false, &page, w->arena, &users, &listing);
        for (size_t i = 0; !e && i < listing.count; i++) {
            e = auth_state_take_away(w->s, w->tx, &users[i], w->now_ns);
            if (!e) e = note_user(w, users[i].id);
        }
    }
    return e;
}

static enum err delete_in(struct work *w, int64_t org)
{
    enum err e = catalog_organizations_find(w->tx, org, w->arena, &w->org);
    if (e) return e;
    if (org == w->actor->org)
        return why_say(&w->refusal->why, ERR_CONFLICT,
                       "This is your own organisation; an administrator of another one may delete "
                       "it");
    e = take_users(w);
    if (!e) e = catalog_devices_delete_all(w->tx, org, w->now_ns);
    if (!e) e = catalog_organizations_delete(w->tx, org, w->now_ns);
    return e ? e : tell(w, EVENT_ORGANIZATION_DELETED, "Organisation deleted");
}

/* Keeps O1: memory follows the commit. */
static void forget_all(struct work *w)
{
    struct reg_device *devices[AT_ONCE];
    size_t n;
    for (size_t i = 0; i < w->n; i++) auth_state_forget(w->s, w->users[i]);
    while ((n = registry_list_devices(w->s->opts.registry, w->org.id, 0, devices, AT_ONCE)))
        for (size_t i = 0; i < n; i++) registry_retire_device(w->s->opts.registry, devices[i]);
}

enum err auth_organizations_delete(struct auth_service *s, int64_t org, const struct actor *actor,
                                   struct arena *arena, struct refusal *refusal)
{
    struct work w = {
        .s = s, .actor = actor, .arena = arena, .refusal = refusal, .now_ns = auth_state_now(s)};
    enum err e = sql_begin(s->opts.db, SQL_WRITE, &w.tx);
    if (e) return e;
    e = sql_end(w.tx, delete_in(&w, org));
    if (!e) forget_all(&w);
    mem_free(w.users);
    return e;
}

/* --- restore ---------------------------------------------------------------------------------- */

/* One who was deleted with the organisation; false in *ret_back: the name is taken (keeps O2). */
static enum err bring_back(struct work *w, const struct user *u, bool *ret_back)
{
    struct refusal unsaid = {.fields = 0};
    struct user alive = *u;
    alive.deleted_ns = 0;
    enum err e = auth_state_bring_back(w->s, w->tx, &alive, w->arena, &unsaid);
    *ret_back = !e;
    return e == ERR_EXISTS ? ERR_OK : e;
}

static enum err return_users(struct work *w)
{
    struct catalog_page page = {.size = AT_ONCE, .by_cursor = true, .no_total = true};
    struct catalog_listing listing = {.more = true};
    enum err e = ERR_OK;
    while (!e && listing.more) {
        struct user *users = NULL;
        e = catalog_users_list(w->tx, w->org.id, true, &page, w->arena, &users, &listing);
        for (size_t i = 0; !e && i < listing.count; i++) {
            bool back = false;
            if (users[i].deleted_ns != w->org.deleted_ns) continue;
            e = bring_back(w, &users[i], &back);
            if (!e && back) e = note_user(w, users[i].id);
            w->left += !e && !back;
        }
        page.after = listing.last;
    }
    return e;
}

static enum err check_room(struct work *w)
{
    return refusal_room(w->refusal, w->s->opts.pilot, w->tx, 0, LIMIT_ORGANIZATIONS);
}

static enum err restore_in(struct work *w, int64_t org)
{
    enum err e = catalog_organizations_find_deleted(w->tx, org, w->arena, &w->org);
    if (!e && w->org.deleted_ns < w->now_ns - AUTH_RESTORABLE_NS) e = ERR_NOTFOUND;
    if (!e) e = auth_state_check_org_name(w->tx, w->org.name, org, w->arena, w->refusal);
    if (!e) e = check_room(w);
    if (!e) e = catalog_organizations_restore(w->tx, org, w->now_ns);
    if (!e) e = catalog_devices_restore_all(w->tx, org, w->org.deleted_ns, w->now_ns);
    if (!e) e = return_users(w);
    return e ? e : tell(w, EVENT_ORGANIZATION_RESTORED, "Organisation restored");
}

enum err auth_organizations_restore(struct auth_service *s, int64_t org, const struct actor *actor,
                                    struct arena *arena, struct organization *ret,
                                    int64_t *ret_left, struct refusal *refusal)
{
    struct work w = {
        .s = s, .actor = actor, .arena = arena, .refusal = refusal, .now_ns = auth_state_now(s)};
    enum err e = sql_begin(s->opts.db, SQL_WRITE, &w.tx);
    if (e) return e;
    e = sql_end(w.tx, restore_in(&w, org));
    for (size_t i = 0; e && i < w.n; i++) identity_remove_user(s->identity, w.users[i]);
    mem_free(w.users);
    if (!e) e = registry_load_organization(s->opts.registry, org);
    if (e) return e;
    w.org.deleted_ns = 0;
    w.org.updated_ns = w.now_ns;
    *ret = w.org;
    *ret_left = w.left;
    return ERR_OK;
}
