#pragma once
/* rules/fleet_engine.h -- looks at the fleet rules that are due and raises or ends their alerts.
 *
 *   due ──> devices of the organisation, tag or group ──> one number ──> holds?
 *     yes, none open, cooldown over ──> alert       no, one open ──> resolved by itself
 *     no number (nothing has a value) ──> nothing changes
 *
 * F1  a rule's state and the alert it raised are one transaction (alerts.h L2). A rule that was
 *     changed or deleted while its number was computed is left for its next turn.
 * F2  an alert that a person resolved while the condition holds is not raised again before the
 *     cooldown is over.
 * Threads: one run at a time, on a thread that may block; evaluate from any. Memory: none kept. */
#include "model/fleet_rule.h"
#include "rules/alerts.h"
#include "rules/fleet_value.h"
#include "store/catalog_labels.h"

enum { FLEET_DEVICES_MAX = 100000, FLEET_AFFECTED_MAX = 100, FLEET_DUE_AT_ONCE = 100 };

struct fleet_engine {
    struct sql_db *db; /* borrowed, as the rest */
    struct registry *registry;
    struct telemetry *telemetry;
    const struct clock *clock;
    struct rnd *rnd;
    struct alerts *alerts;
};

/* The tag or group of a rule that has one; ERR_NOTFOUND. */
enum err fleet_engine_find_label(struct sql_tx *tx, const struct fleet_rule *r, struct arena *arena,
                                 struct label *ret) MUST_CHECK;
/* Evaluates up to FLEET_DUE_AT_ONCE rules that are due; *ret_n of them. One that fails (too many
 * samples in a window, for example) is skipped until its next turn and does not stop the others;
 * `why` then says what it was. */
enum err fleet_engine_run(struct fleet_engine *f, size_t *ret_n, struct why *why) MUST_CHECK;
/* One rule, now, whether due or not; of one that is switched off only the number. *ret_value may be
 * NULL. ERR_STALE: changed meanwhile. */
enum err fleet_engine_evaluate(struct fleet_engine *f, const struct fleet_rule *rule,
                               struct fleet_value *ret_value, struct arena *arena,
                               struct why *why) MUST_CHECK;
