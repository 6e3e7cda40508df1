#pragma once
/* tests/helpers/rules_world.h -- rules on a real catalog and a real store, without threads: the
 * test writes readings, and decides what of them the followers are shown, when they miss some, and
 * when the process "crashes".   Threads: one test.   Memory: the test owns the struct. */
#include "rules/rule_followers.h"
#include "service/alert_service.h"
#include "service/rule_service.h"
#include "service_world.h"

struct rules_world {
    struct service_world w;
    struct telemetry *telemetry;
    struct alerts alerts;
    struct followers *followers;
    struct rule_followers *rules;
    struct rule_service service;
    struct alert_service alert_service;
    struct actor actor;
    int wakes;
    /* what the hook of the test saw, and what it answers */
    int in_tx[3], committed[3]; /* by enum alert_change */
    enum err fail;              /* of in_tx, `fail_times` times */
    int fail_times;
    const char *fail_variable; /* only alerts of this one; NULL: all */
};

void rules_world_open(struct rules_world *r); /* with a user and the device "pump" */
void rules_world_close(struct rules_world *r);
/* Another organisation, which acts from here on, with a device "pump" too; the one before. */
struct actor rules_world_other(struct rules_world *r, const char *username);
/* The process dies and starts again: what was not saved is gone. */
void rules_world_crash(struct rules_world *r);
/* The same with everything settled and saved before. */
void rules_world_restart(struct rules_world *r);

int64_t rules_world_now(struct rules_world *r);
int64_t rules_world_device(struct rules_world *r, const char *external_id);
struct rule rules_world_rule(struct rules_world *r, const char *variable, enum rule_operator op,
                             double threshold, double for_s, double cooldown_minutes);
/* Durable; shown to the followers unless missed. */
void rules_world_send(struct rules_world *r, const char *variable, int64_t ts_ns, double value);
void rules_world_miss(struct rules_world *r, const char *variable, int64_t ts_ns, double value);
/* Many in one set, `step_ns` apart, the values in turn. */
void rules_world_flood(struct rules_world *r, const char *variable, int64_t from_ns,
                       int64_t step_ns, size_t n, const double values[2]);
void rules_world_gap(struct rules_world *r);
void rules_world_settle(struct rules_world *r);
/* All alerts, oldest first by time; strings in w.arena. */
size_t rules_world_alerts(struct rules_world *r, struct alert **ret);
