/* A new organisation with all it needs (see onboarding.h). */
#include "service/onboarding.h"

#include "service/auth_accounts.h"
#include "store/registry_properties.h"

#include <math.h>

static bool has_limits(const struct pilot_limits_change *c)
{
    for (int i = 0; i < LIMITS; i++)
        if (c->set[i]) return true;
    return false;
}

static enum err make_in(const struct onboarding *o, struct sql_tx *tx,
                        const struct onboarding_wish *wish, struct actor *as, struct arena *arena,
                        struct onboarding_made *made, struct refusal *refusal)
{
    struct dashboard d;
    const struct device given = {
        .external_id = wish->device.n ? wish->device : BYTES("example-1"),
        .name = BYTES("Example device"),
        .latitude = (double)NAN,
        .longitude = (double)NAN,
        .altitude = (double)NAN,
        .active = true,
    };
    enum err e =
        auth_accounts_insert_organization(o->auth, tx, wish->name, as, &made->org, refusal);
    if (e) return e;
    as->org = made->org; /* what follows is made in it */
    if (has_limits(&wish->limits))
        e = pilot_plans_set_limits_in(o->plans, tx, made->org, &wish->limits, as);
    if (!e) e = dashboard_service_insert_default(o->dashboards, tx, as, &d, refusal);
    if (!e) e = device_service_insert(o->devices, tx, as, &given, arena, &made->device, refusal);
    if (!e)
        e = auth_invitations_create_in(o->auth, tx, made->org, wish->email, ROLE_ORG_ADMIN, as,
                                       arena, &made->invitation, refusal);
    if (!e) made->dashboard = d.id;
    return e;
}

enum err onboarding_run(const struct onboarding *o, const struct onboarding_wish *wish,
                        const struct actor *actor, struct arena *arena, struct onboarding_made *ret,
                        struct refusal *refusal)
{
    struct sql_tx *tx;
    struct actor as = *actor;
    struct onboarding_wish w = *wish;
    struct onboarding_made made = {.org = 0};
    w.name = auth_accounts_check_name(wish->name, refusal);
    w.email = auth_invitations_check(wish->email, refusal);
    pilot_plans_check(&w.limits, refusal);
    enum err e = refusal_fields(refusal);
    if (!e) e = sql_begin(o->plans->db, SQL_WRITE, &tx);
    if (e) return e;
    e = make_in(o, tx, &w, &as, arena, &made, refusal);
    uint64_t ticket = registry_properties_ticket(o->devices->registry);
    e = sql_end(tx, e);
    if (e) return e;
    auth_invitations_committed(o->auth);
    e = device_service_inserted(o->devices, ticket, &made.device);
    if (!e) *ret = made;
    return e;
}
