#pragma once
/* app/boot_pilot.h -- the pilot's part of the start order: limits, which everything that makes
 * something asks.   Threads: the main thread; apply() also the one that changes the configuration.
 * Memory: struct boot_pilot owns its parts. */
#include "api/app.h"
#include "app/settings.h"
#include "pilot/ledger.h"
#include "pilot/quota.h"
#include "pilot/rates.h"
#include "service/onboarding.h"

struct boot_pilot {
    struct app *app;
    struct limits limits;
    struct features features;
    struct pilot_plans plans;
    struct onboarding onboarding;
    struct quota *quota;
    struct ledger *ledger;
    struct rates *rates;
    struct rate_share *share; /* of boot_rates_open(); NULL: no Redis */
};

/* Behind the registry, before anything that makes something. */
enum err boot_pilot_open(struct boot_pilot *b, struct app *app,
                         const struct settings *s) MUST_CHECK;
/* Behind everything that uses any of it: gives leases back. */
void boot_pilot_close(struct boot_pilot *b);
/* Behind the services: what makes an organisation with all it needs. */
void boot_pilot_join(struct boot_pilot *b);
/* LIVE keys. */
void boot_pilot_apply(struct boot_pilot *b, const struct settings *s);
