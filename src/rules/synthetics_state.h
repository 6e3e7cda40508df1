#pragma once
/* rules/synthetics_state.h -- what the files synthetics*.c share. All of it belongs to the tap's
 * thread but what stands under the lock and the atomics. */
#include "base/map.h"
#include "rules/synthetic_group.h"
#include "rules/synthetic_sweep.h"
#include "rules/synthetics.h"
#include "sys/lock.h"

enum { SYNTHETIC_ORGS = 4096, SYNTHETIC_REQUESTS = 1024 };
#define NOT_DIRTY INT64_MAX

struct synthetic_request {
    int64_t org, device;
    int64_t from_ns; /* NOT_DIRTY: it changed */
};

struct synthetics {
    struct synthetics_opts opts;
    struct synthetic_budget budget;
    struct synthetic_output *output;
    struct synthetic_emit emit;
    void (*wake)(void *ctx);
    void *wake_ctx;

    struct map groups; /* device -> struct synthetic_group */
    struct synthetic_group *first;
    size_t group_count, dirty_count; /* dirty: an upper bound */

    struct synthetic_sweep *sweep; /* NULL: none is going on */
    struct synthetic_group *swept;
    int64_t sweep_from_ns; /* where it began */
    int64_t sweep_took_ns; /* so far */
    int64_t late_from_ns;  /* monotonic: no sweep of late readings before */
    int64_t looked_ns;     /* when it was last looked for work between records */

    bool saving; /* candidates wait until output is settled up to save_seq */
    uint64_t save_seq;
    uint64_t failed, save_failed; /* records that failed, so far and when saving began */
    int64_t save_due_ns;
    bool finished, led;
    _Atomic bool leads; /* any thread writes it; led follows */
    bool missed;        /* records came while a change could not be loaded */

    _Atomic uint32_t orgs[SYNTHETIC_ORGS]; /* groups of organisations, by org modulo */
    _Atomic bool asked;                    /* something stands under the lock */
    _Atomic uint64_t stat_results, stat_sweeps, stat_failed;
    _Atomic size_t stat_groups, stat_dirty, stat_window_bytes;

    struct lock lock; /* guards all below */
    struct cond changed;
    struct synthetic_request requests[SYNTHETIC_REQUESTS];
    size_t request_count;
    bool reload_all, finishing, done;
};

/* synthetics_load.c: from the catalog to groups. */
enum err synthetics_load_all(struct synthetics *s) MUST_CHECK;
enum err synthetics_load_device(struct synthetics *s, int64_t org, int64_t device) MUST_CHECK;
/* At start: what may not have been computed before it. */
enum err synthetics_load_start(struct synthetics *s) MUST_CHECK;
/* Another server leads. */
void synthetics_load_nothing(struct synthetics *s);
struct synthetic_group *synthetics_find(const struct synthetics *s, int64_t device);

/* synthetics_sweep.c: what is dirty. */
void synthetics_mark(struct synthetics *s, struct synthetic_group *g, int64_t from_ns,
                     int64_t delay_ns);
/* True: there is more to do at once. */
bool synthetics_sweep_some(struct synthetics *s, int64_t budget_ns);
/* The sweep that goes on begins again later. */
void synthetics_sweep_stop(struct synthetics *s);

/* synthetics_save.c */
void synthetics_save_some(struct synthetics *s);
/* Everything, now, and that nothing is missing; was it so at the last stop? */
enum err synthetics_save_clean(struct synthetics *s) MUST_CHECK;
enum err synthetics_save_was_clean(struct synthetics *s, bool *ret) MUST_CHECK;
