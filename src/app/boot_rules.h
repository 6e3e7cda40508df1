#pragma once
/* app/boot_rules.h -- the rules' part of the start order: alerts and who hangs on them, the
 * followers with a tap of their own, the services.
 *
 *   boot_rules_open ── others add their hooks to rules->alerts ── boot_rules_start ── HTTP
 *
 * Threads: the main thread.   Memory: struct boot_rules owns its parts. */
#include "api/app.h"
#include "rules/alerts.h"
#include "rules/followers.h"
#include "rules/rule_followers.h"
#include "service/alert_service.h"
#include "service/fleet_rule_service.h"
#include "service/rule_service.h"

struct boot_rules {
    struct app *app;
    struct alerts alerts;
    struct alert_service alert_service;
    struct rule_service rule_service;
    struct fleet_engine fleet;
    struct fleet_rule_service fleet_rules;
    struct followers *followers;
    struct rule_followers *rule_followers;
    struct tap *tap;
};

/* After the live hub and its tap, before the batch pipeline. */
enum err boot_rules_open(struct boot_rules *b, struct app *app) MUST_CHECK;
/* Readings are judged from here on; all hooks and clients are there. */
void boot_rules_start(struct boot_rules *b);
/* After the batch pipeline: judges what is queued, saves where each rule stands. */
void boot_rules_close(struct boot_rules *b);
