#pragma once
/* service/onboarding.h -- a new organisation with all it needs to begin, in one transaction: its
 * first administrator by invitation, a default dashboard, an example device with its token, limits
 * of its own. Either all of it is there, or nothing.
 * Threads: any; blocks on the catalog.   Memory: copied into the arena.   Errors: refusal tells the
 * rest; ERR_EXISTS: the name is taken; ERR_LIMIT: no room for an organisation. */
#include "service/auth_invitations.h"
#include "service/dashboard_service.h"
#include "service/device_service.h"
#include "service/pilot_plans.h"

struct onboarding {
    struct auth_service *auth; /* borrowed, as the rest */
    struct device_service *devices;
    struct dashboard_service *dashboards;
    struct pilot_plans *plans;
};
struct onboarding_wish {
    struct bytes name;   /* of the organisation */
    struct bytes email;  /* of its first administrator */
    struct bytes device; /* external id; empty: "example-1" */
    struct pilot_limits_change limits;
};
struct onboarding_made {
    int64_t org, dashboard;
    struct auth_invitation_made invitation;
    struct device_new device; /* its token is shown here and never again */
};
enum err onboarding_run(const struct onboarding *o, const struct onboarding_wish *wish,
                        const struct actor *actor, struct arena *arena, struct onboarding_made *ret,
                        struct refusal *refusal) MUST_CHECK;
