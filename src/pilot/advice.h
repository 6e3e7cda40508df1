#pragma once
/* pilot/advice.h -- recommendations as people meet them: listed from the evidence of this moment,
 * applied where that is a key that takes effect at once, and taken back.
 *
 * V1  applying keeps first what was there (settings, "advice." + id), with the event that tells who
 *     did it; then the key is set, as `sensorvision config set` sets it.
 * V2  undoing restores that, unless somebody has set the key since: then ERR_STALE, and nothing is
 *     changed.
 * Threads: any; every call blocks on the catalog.   Memory: the options are borrowed. */
#include "model/actor.h"
#include "pilot/recommend.h"
#include "pilot/watch.h"

/* The configuration, handed down by app/. */
struct advice_config {
    void *ctx;
    /* value NULL: the override is taken away. ERR_NOTFOUND, ERR_INVALID with its reason. */
    enum err (*set)(void *ctx, const char *key, const char *value, const struct actor *actor,
                    struct why *why);
    /* *ret_value: as text in the arena, of the override that is set, p == NULL without one.
     * ERR_NOTFOUND: no such key. */
    enum err (*get)(void *ctx, const char *key, struct arena *a, struct bytes *ret_value,
                    bool *ret_live);
};

struct advice {
    struct watch *watch;
    struct sql_db *db;
    const struct clock *clock;
    struct advice_config config;
};

struct advice_item {
    struct recommendation recommendation;
    bool live;    /* its key takes effect at once: it can be applied here */
    bool applied; /* and was, and still is */
};
struct advice_report {
    struct advice_item *items;
    size_t n;
    int score;
    struct evidence evidence;
};
enum err advice_list(struct advice *v, struct arena *a, struct advice_report *ret) MUST_CHECK;
/* ERR_NOTFOUND: there is no such recommendation now. ERR_IMPOSSIBLE: it is none that can be applied
 * while the server runs, `why` says what to do instead. *ret: the one that was applied. */
enum err advice_apply(struct advice *v, struct bytes id, const struct actor *actor, struct arena *a,
                      struct recommendation *ret, struct why *why) MUST_CHECK;
/* ERR_NOTFOUND: it was not applied. ERR_STALE: the key was set again since. */
enum err advice_undo(struct advice *v, struct bytes id, const struct actor *actor, struct arena *a,
                     struct bytes *ret_key, struct bytes *ret_value, struct why *why) MUST_CHECK;

/* Names of events; they begin here. */
#define EVENT_RECOMMENDATION_APPLIED "RECOMMENDATION_APPLIED"
#define EVENT_RECOMMENDATION_UNDONE  "RECOMMENDATION_UNDONE"
