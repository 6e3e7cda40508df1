#pragma once
/* tests/helpers/telemetry_suite.h -- the contract of store/telemetry.h as tests that run on any
 * store: a store's test program says how to make one and calls telemetry_suite_run().
 * Threads: owner only.   Memory: the maker is borrowed for the call. */
#include "store/telemetry.h"

struct telemetry_maker {
    const char *name;
    /* Opens the store on what is there since the last wipe (nothing at first). */
    enum err (*open)(struct telemetry_maker *, struct telemetry **ret, struct why *why);
    /* Forgets all data; no store is open. */
    void (*wipe)(struct telemetry_maker *);
};

/* 0: every claim holds. */
int telemetry_suite_run(struct telemetry_maker *maker);
/* The part of the contract that copies of a whole store need. */
int telemetry_suite_run_copies(struct telemetry_maker *maker);

/* R7: random operations on a store and on a model; a seed and a pace are the same operations on
 * every store. R7_OPERATIONS and R7_SEED of the environment choose others. */
struct telemetry_random {
    uint64_t seed, operations;
    /* How many seconds lie between two times that a device may have. At 1 a device has a reading
     * nearly every second and reads are long; at 10 as many operations cross ten times as many
     * hours, days and retentions, and a read is a tenth as long. */
    int64_t pace_s;
};
/* Of each of the two seeds that PostgreSQL is given, side by side; under a sanitizer, which looks
 * at our half of it only, fewer. The embedded store makes the same ones, beside more at pace 1. */
#ifdef __SANITIZE_ADDRESS__
#define RANDOM_POSTGRES 10000
#else
#define RANDOM_POSTGRES 100000
#endif
int telemetry_suite_run_random(struct telemetry_maker *maker, const struct telemetry_random *r);
/* The same as part of a test: aborts with cmocka on the first difference. */
void telemetry_random_test(struct telemetry_maker *maker, const struct telemetry_random *r);
