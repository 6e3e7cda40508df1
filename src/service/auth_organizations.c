/* What organisations say of themselves (see auth_organizations.h). Their end stands in
 * auth_organizations_gone.c. */
#include "service/auth_organizations.h"

#include "service/auth_rules.h"
#include "service/auth_state.h"
#include "service/event_types.h"
#include "store/catalog_organizations.h"
#include "store/catalog_users.h"

enum { ID_TEXT = 24 };

static void check(const struct auth_organization_change *g, struct refusal *refusal)
{
    struct bytes name = bytes_trim(g->name);
    if (g->name_set && (!name.n || !auth_rules_is_text(name, ORGANIZATION_NAME_MAX)))
        refusal_field(refusal, "name", "must have 1 to 100 printable characters");
    if (g->description_set && g->description.n &&
        !auth_rules_is_text(g->description, ORGANIZATION_DESCRIPTION_MAX))
        refusal_field(refusal, "description", "may have 2000 printable characters at most");
    if (g->settings_set && g->settings.n > ORGANIZATION_SETTINGS_MAX)
        refusal_field(refusal, "settings", "may have 16 KiB at most");
}

enum err auth_state_check_org_name(struct sql_tx *tx, struct bytes name, int64_t org,
                                   struct arena *a, struct refusal *refusal)
{
    struct organization other;
    enum err e = catalog_organizations_find_name(tx, name, a, &other);
    if (!e && other.id != org)
        return why_say(&refusal->why, ERR_EXISTS, "There is an organisation of that name already");
    return e == ERR_NOTFOUND ? ERR_OK : e;
}

static enum err update_in(struct auth_service *s, struct sql_tx *tx, int64_t org,
                          const struct auth_organization_change *g, const struct actor *actor,
                          struct arena *a, struct organization *o, struct refusal *refusal)
{
    char id[ID_TEXT];
    enum err e = catalog_organizations_find(tx, org, a, o);
    if (e) return e;
    if (g->name_set) o->name = bytes_trim(g->name);
    if (g->description_set) o->description = g->description;
    if (g->settings_set) o->settings = g->settings;
    o->updated_ns = auth_state_now(s);
    e = auth_state_check_org_name(tx, o->name, org, a, refusal);
    if (!e) e = catalog_organizations_update(tx, o);
    if (e) return e;
    const struct event_note note = {.type = EVENT_ORGANIZATION_UPDATED,
                                    .entity_type = "ORGANIZATION",
                                    .entity_id = auth_state_id(org, id),
                                    .title = "Organisation changed",
                                    .description = o->name,
                                    .org = org};
    return event_service_append(tx, o->updated_ns, actor, &note);
}

enum err auth_organizations_update(struct auth_service *s, int64_t org,
                                   const struct auth_organization_change *change,
                                   const struct actor *actor, struct arena *arena,
                                   struct organization *ret, struct refusal *refusal)
{
    struct sql_tx *tx;
    check(change, refusal);
    enum err e = refusal_fields(refusal);
    if (!e) e = sql_begin(s->opts.db, SQL_WRITE, &tx);
    if (e) return e;
    return sql_end(tx, update_in(s, tx, org, change, actor, arena, ret, refusal));
}

enum err auth_organizations_list(struct auth_service *s, bool deleted,
                                 const struct catalog_page *page, struct arena *arena,
                                 struct organization **ret, struct catalog_listing *ret_listing)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    e = deleted ? catalog_organizations_list_deleted(tx, page, arena, ret, ret_listing)
                : catalog_organizations_list(tx, page, arena, ret, ret_listing);
    return sql_end(tx, e);
}

enum err auth_organizations_count_users(struct auth_service *s, int64_t org, int64_t *ret)
{
    struct sql_tx *tx;
    enum err e = sql_begin(s->opts.db, SQL_READ, &tx);
    if (e) return e;
    return sql_end(tx, catalog_users_count(tx, org, ret));
}
