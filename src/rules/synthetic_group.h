#pragma once
/* rules/synthetic_group.h -- the synthetic variables of one device, computed together.
 *
 *   record at t ──> inputs: newest reading, windows ──> members in their order ──> points at t
 *                      ^                                   │
 *                      └── a member that others use ───────┘   (never over the store)
 *
 * G1  a member is computed at the times of readings of its own inputs, with the newest reading at
 *     or before that time of each of them.
 * G2  times never go back: what is older than position_ns takes a new start with seek().
 * G3  points of a member's own variable are no readings: nothing triggers itself.
 * G4  what members gave is read back only when all of it is durable.
 * G5  the same readings give the same points, whether they come one by one or are read back.
 * Threads: owner only.   Memory: owns its expressions and windows; windows count in the budget. */
#include "model/record.h"
#include "model/synthetic.h"
#include "rules/expression.h"
#include "rules/synthetic_window.h"
#include "store/registry.h"
#include "store/telemetry.h"

struct synthetic_parts {
    struct registry *registry; /* borrowed */
    struct telemetry *telemetry;
    struct synthetic_budget *budget;
    /* Returns when every result that was given to emit is in the store; before the store is read
     * for what members gave. NULL: there are none on their way. */
    void (*settle)(void *ctx);
    void *settle_ctx;
};

struct synthetic_input {
    struct bytes name;  /* borrowed from an expression */
    int64_t series;     /* 0: there is no such variable yet */
    bool computed;      /* of a member */
    bool changed;       /* at the time that is being computed */
    struct sample last; /* ts INT64_MIN: none yet */
    int64_t span_ns;    /* of its longest window */
};

struct synthetic_median;
struct synthetic_view { /* a window of an input */
    struct synthetic_group *group;
    size_t input;
    int64_t span_ns;
    bool sums_wanted, median_wanted;
    struct synthetic_window *sums;
    struct synthetic_median *median;
    enum err broken; /* it gives nothing until the next seek() */
};

struct synthetic_member {
    int64_t series;
    struct expression *expression;
    struct sample last; /* its newest result; ts INT64_MIN: none */
    uint16_t inputs[EXPRESSION_NAMES_MAX];
    uint16_t views[EXPRESSION_WINDOWS_MAX];
};

struct synthetic_group {
    struct synthetic_parts parts;
    struct reg_device *device;
    struct synthetic_member *members; /* in their order */
    size_t member_count;
    struct synthetic_input *inputs;
    size_t input_count;
    struct synthetic_view *views;
    size_t view_count;
    uint32_t variables; /* of the device, when inputs were looked up last */
    int64_t position_ns;
    bool fresh; /* holds nothing yet: seek() first */

    /* what synthetics.c keeps with it */
    uint64_t key; /* device->id, for its map */
    struct synthetic_group *next;
    int64_t seen_ns, dirty_from_ns, due_ns, ahead_from_ns, saved_ns, candidate_ns;
    bool urgent, to_latest, kept;
};

/* Where results go; an error ends the call that was computing. */
struct synthetic_emit {
    void *ctx;
    enum err (*point)(void *ctx, struct synthetic_group *g, int64_t ts_ns, int64_t series,
                      double value);
};

/* Of the enabled rows, whose expressions were checked when they were stored. */
enum err synthetic_group_new(struct synthetic_group **ret, const struct synthetic_parts *parts,
                             struct reg_device *device, const struct synthetic *rows,
                             size_t n) MUST_CHECK;
void synthetic_group_free(struct synthetic_group *g); /* NULL is fine */
/* Is there a reading of an input among them? Looks for new variables of the device. */
bool synthetic_group_concerns(struct synthetic_group *g, const struct point *points, size_t n);
/* Everything as it is after the last reading before from_ns. Reads the store. */
enum err synthetic_group_seek(struct synthetic_group *g, int64_t from_ns) MUST_CHECK;
/* One record, not older than position_ns. */
enum err synthetic_group_apply(struct synthetic_group *g, int64_t ts_ns, const struct point *points,
                               size_t n, const struct synthetic_emit *emit) MUST_CHECK;
/* The only member as of now, without a trace. */
enum expression_outcome synthetic_group_try(struct synthetic_group *g, double *ret_value,
                                            size_t *ret_offset);
/* The newest reading of any input, from memory; INT64_MIN: none. */
enum err synthetic_group_latest(struct synthetic_group *g, int64_t *ret_ns) MUST_CHECK;
/* A window that could not go on for another reason than the budget: seek() again later. */
bool synthetic_group_is_broken(const struct synthetic_group *g);
