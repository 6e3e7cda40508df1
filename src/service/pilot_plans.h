#pragma once
/* service/pilot_plans.h -- what an administrator of the installation grants one organisation:
 * limits and features of its own. Every change leaves its event, in the organisation it is about.
 * Threads: any; blocks on the catalog.   Memory: copied into the arena. */
#include "base/arena.h"
#include "base/clock.h"
#include "model/actor.h"
#include "service/refusal.h"
#include "store/features.h"

#define PILOT_PLAN_MAX INT64_C(1000000000000000)

struct pilot_plans {
    struct sql_db *db; /* borrowed, as the rest */
    const struct clock *clock;
    const struct limits *limits;
    const struct features *features;
    /* After a commit: the organisation's limits are others now. May be NULL. */
    void (*changed)(void *ctx, int64_t org);
    void *changed_ctx;
};

struct pilot_limits {
    int64_t own[LIMITS];       /* 0: follows the configuration */
    int64_t effective[LIMITS]; /* 0: none */
};
/* ERR_NOTFOUND: no such organisation. */
enum err pilot_plans_limits(struct pilot_plans *p, int64_t org, struct arena *arena,
                            struct pilot_limits *ret) MUST_CHECK;
/* What to change: a member that is not `set` stays; 0 follows the configuration again. */
struct pilot_limits_change {
    bool set[LIMITS];
    int64_t max[LIMITS];
};
/* ERR_INVALID: out of 1 to PILOT_PLAN_MAX. */
enum err pilot_plans_set_limits(struct pilot_plans *p, int64_t org,
                                const struct pilot_limits_change *change, const struct actor *actor,
                                struct arena *arena, struct pilot_limits *ret,
                                struct refusal *refusal) MUST_CHECK;
/* The same inside a transaction of the caller, who tells `changed` himself. */
enum err pilot_plans_set_limits_in(struct pilot_plans *p, struct sql_tx *tx, int64_t org,
                                   const struct pilot_limits_change *change,
                                   const struct actor *actor) MUST_CHECK;
void pilot_plans_check(const struct pilot_limits_change *change, struct refusal *refusal);

enum err pilot_plans_features(struct pilot_plans *p, int64_t org, struct arena *arena,
                              struct feature **ret, size_t *ret_n) MUST_CHECK;
enum err pilot_plans_feature(struct pilot_plans *p, int64_t org, struct bytes name,
                             bool *ret) MUST_CHECK;
enum pilot_feature_wish { PILOT_FEATURE_OFF, PILOT_FEATURE_ON, PILOT_FEATURE_AS_CONFIGURED };
struct pilot_feature_change {
    struct bytes name;
    enum pilot_feature_wish wish;
};
/* ERR_LIMIT: more than FEATURES_OWN_MAX of its own. */
enum err pilot_plans_set_features(struct pilot_plans *p, int64_t org,
                                  const struct pilot_feature_change *changes, size_t n,
                                  const struct actor *actor, struct arena *arena,
                                  struct refusal *refusal) MUST_CHECK;
