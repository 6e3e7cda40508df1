#pragma once
/* tests/helpers/engine_model.h -- the simplest thing that keeps store/telemetry.h: one cell per
 * series and time slot. Tests write to it what they write to an engine and compare all that can be
 * asked.   Threads: one.   Memory: the caller owns the struct (0.5 MiB). */
#include "base/clock.h"
#include "base/rnd.h"
#include "store/telemetry.h"

#define MODEL_SERIES   12 /* 1 … 12: four per device */
#define MODEL_DEVICES  3  /* 1 and 2 of organisation 1, 3 of organisation 2 */
#define MODEL_SLOTS    2160
#define MODEL_STEP_NS  (10 * NS_PER_S)
#define MODEL_START_NS (INT64_C(1700000000) / 3600 * 3600 * NS_PER_S)

struct engine_model {
    struct {
        bool known;
        double value;
    } cells[MODEL_SERIES][MODEL_SLOTS];
    int64_t raw_cutoff_ns[3], rollup_cutoff_ns[3]; /* by organisation */
};

void engine_model_init(struct engine_model *m);
int64_t engine_model_time(int slot);
int64_t engine_model_device(int64_t series);
int64_t engine_model_org(int64_t device);

/* A random group of records of up to `most` points, into memory of the caller's. */
struct model_group {
    struct record records[64];
    struct point points[256];
    struct record_set set;
};
void engine_model_group(struct model_group *g, struct rnd *rnd, int slot_from, int slots);
void engine_model_apply(struct engine_model *m, const struct record_set *set);
void engine_model_retain(struct engine_model *m, int64_t org, int64_t raw_cutoff_ns,
                         int64_t rollup_cutoff_ns);
void engine_model_purge(struct engine_model *m, int64_t org, int64_t device);

/* Differences are not described: a test that tries several models. */
void engine_model_be_quiet(bool quiet);
/* Asks the store about one series: scans both ways, latest, rollups. False: a difference, described
 * on stderr. ERR_OK from every call is expected; else *ret_err says which error, and what was
 * answered before it was right. */
bool engine_model_agrees(const struct engine_model *m, struct telemetry *t, int64_t series,
                         struct rnd *rnd, enum err *ret_err);
/* All series over their whole range. */
bool engine_model_agrees_all(const struct engine_model *m, struct telemetry *t, enum err *ret_err);
