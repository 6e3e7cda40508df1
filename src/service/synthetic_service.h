#pragma once
/* service/synthetic_service.h -- synthetic variables: made, found, changed, deleted, tried.
 *
 *   change ──> catalog transaction, with its event ── commit ──> registry, changed() (the engine)
 *
 * Y1  a name belongs to one kind: a device's own variable cannot become computed, and messages
 *     cannot carry a computed one (registry.h). A deleted one leaves its variable and its values; a
 *     new one of that name goes on with them.
 * Y2  none is computed from itself, over however many others, also not when they are disabled.
 * Y3  one begins with the next reading of its inputs; history is computed on request.
 * Threads: any; every call blocks on the catalog.   Memory: copied into the arena. */
#include "base/arena.h"
#include "base/clock.h"
#include "model/actor.h"
#include "rules/expression.h"
#include "service/refusal.h"
#include "store/catalog_synthetics.h"
#include "store/registry.h"
#include "store/telemetry.h"

#define SYNTHETIC_BACKFILL_NS (31 * NS_PER_DAY)

struct synthetic_service {
    struct sql_db *db; /* borrowed, as the rest */
    struct registry *registry;
    struct telemetry *telemetry;
    const struct clock *clock;
    struct rnd *rnd;
    /* After the commit: those of this device are not what they were. Never blocks. */
    void (*changed)(void *engine, int64_t org, int64_t device);
    enum err (*recompute)(void *engine, int64_t org, int64_t device, int64_t from_ns);
    void *engine;
};

/* What to change, or to make; a member that is not `set` stays. */
struct synthetic_text {
    bool set;
    struct bytes value; /* p == NULL clears */
};
struct synthetic_change {
    struct synthetic_text name, device, expression, description, unit;
    bool enabled_set, enabled;
};

/* ERR_NOTFOUND: no such device. ERR_EXISTS: the device has a variable of that name. ERR_IMPOSSIBLE:
 * it would be computed from itself. ERR_LIMIT, ERR_INVALID. */
enum err synthetic_service_create(struct synthetic_service *s, const struct actor *actor,
                                  const struct synthetic_change *given, struct arena *arena,
                                  struct synthetic *ret, struct refusal *refusal) MUST_CHECK;
enum err synthetic_service_find(struct synthetic_service *s, int64_t org, struct bytes uuid,
                                struct arena *arena, struct synthetic *ret) MUST_CHECK;
enum err synthetic_service_list(struct synthetic_service *s, int64_t org,
                                const struct synthetic_filter *filter,
                                const struct catalog_page *page, struct arena *arena,
                                struct synthetic **ret, struct catalog_listing *ret_listing,
                                struct why *why) MUST_CHECK;
enum err synthetic_service_update(struct synthetic_service *s, const struct actor *actor,
                                  struct bytes uuid, const struct synthetic_change *change,
                                  struct arena *arena, struct synthetic *ret,
                                  struct refusal *refusal) MUST_CHECK;
enum err synthetic_service_delete(struct synthetic_service *s, const struct actor *actor,
                                  struct bytes uuid, struct arena *arena) MUST_CHECK;
/* Computes those of its device again from from_ns on, which may lie SYNTHETIC_BACKFILL_NS back.
 * ERR_FULL: too many wait. */
enum err synthetic_service_backfill(struct synthetic_service *s, const struct actor *actor,
                                    struct bytes uuid, int64_t from_ns, struct arena *arena,
                                    struct refusal *refusal) MUST_CHECK;
/* The variable that a name in an expression means; NULL: there is none. */
struct reg_variable *synthetic_service_find_input(struct registry *r, struct reg_device *d,
                                                  struct bytes name);
/* The newest result; ts INT64_MIN: none. */
struct sample synthetic_service_last(struct synthetic_service *s, const struct synthetic *y);
