#pragma once
/* service/pilot_feedback.h -- what people say of the pilot, and what it comes to.
 * Threads: any; blocks on the catalog.   Memory: copied into the arena. */
#include "base/clock.h"
#include "model/actor.h"
#include "service/refusal.h"
#include "store/catalog_feedback.h"

enum {
    PILOT_FEEDBACK_A_DAY = 100, /* of one organisation: nobody fills the disk with opinions */
    PILOT_FEEDBACK_CATEGORY = 50,
    PILOT_FEEDBACK_TITLE = 200,
    PILOT_FEEDBACK_MESSAGE = 5000,
    PILOT_FEEDBACK_METADATA = 4096 /* bytes of JSON */
};

/* Takes org and user of the actor. ERR_INVALID, ERR_RATE past PILOT_FEEDBACK_A_DAY. */
enum err pilot_feedback_give(struct sql_db *db, int64_t now_ns, const struct actor *actor,
                             struct feedback *f, struct refusal *refusal) MUST_CHECK;

struct pilot_feedback_summary {
    struct feedback *all; /* newest first */
    size_t n;
    int64_t by_rating[11];         /* [1] to [10] */
    int64_t promoters, detractors; /* 9 and more, 6 and less */
    double average, net_promoter_score;
};
enum err pilot_feedback_summarize(struct sql_db *db, int64_t since_ns, struct arena *arena,
                                  struct pilot_feedback_summary *ret) MUST_CHECK;
