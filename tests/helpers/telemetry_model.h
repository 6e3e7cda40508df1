#pragma once
/* tests/helpers/telemetry_model.h -- what a telemetry store should answer, kept in plain arrays:
 * two organisations, three devices each, four series each. Every store is compared with it.
 * Threads: owner only.   Memory: owns its arrays; aborts when there is none. */
#include "model/record.h"

#include <stdbool.h>

#define MODEL_ORGS      2
#define MODEL_DEVICES   3 /* of one organisation */
#define MODEL_VARIABLES 4
#define MODEL_SERIES    (MODEL_ORGS * MODEL_DEVICES * MODEL_VARIABLES)

struct model_series {
    int64_t org, device, series;
    struct sample *samples; /* owned; ascending */
    size_t n, cap;
    struct rollup *frozen; /* owned; of hours whose samples are gone; ascending */
    size_t frozen_n, frozen_cap;
};

struct telemetry_model {
    struct model_series series[MODEL_SERIES]; /* [i].series == i + 1 */
    int64_t raw_cutoff_ns[MODEL_ORGS + 1];    /* by organisation; below it nothing is kept */
};

void telemetry_model_init(struct telemetry_model *m);
void telemetry_model_done(struct telemetry_model *m);
void telemetry_model_write(struct telemetry_model *m, size_t series, struct sample s);
/* Samples dropped. Both cutoffs are rounded down to the hour and only ever rise. */
uint64_t telemetry_model_retain(struct telemetry_model *m, int64_t org, int64_t raw_cutoff_ns,
                                int64_t rollup_cutoff_ns);
void telemetry_model_purge(struct telemetry_model *m, int64_t device);
/* Samples in [from, to). */
const struct sample *telemetry_model_scan(const struct telemetry_model *m, size_t series,
                                          int64_t from_ns, int64_t to_ns, size_t *ret_n);
/* Rollups of the hours in [from, to), whole hours both. At most cap are written, all counted. */
size_t telemetry_model_rollups(const struct telemetry_model *m, size_t series, int64_t from_ns,
                               int64_t to_ns, struct rollup *ret, size_t cap);
/* The rollup of n >= 1 samples of one hour, in two passes over them. */
struct rollup telemetry_model_roll(const struct sample *s, size_t n);
int64_t telemetry_model_hour(int64_t ts_ns); /* rounded down, also before 1970 */
