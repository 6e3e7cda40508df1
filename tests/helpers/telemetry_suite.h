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

/* 0: every test passed. The random test (R7) makes `operations` operations, or as many as the
 * environment variable R7_OPERATIONS says; R7_SEED chooses others. */
int telemetry_suite_run(struct telemetry_maker *maker, uint64_t operations);
/* The part of the contract that copies of a whole store need. */
int telemetry_suite_run_copies(struct telemetry_maker *maker);

/* The random test alone: aborts with cmocka on the first difference. */
void telemetry_random_test(struct telemetry_maker *maker, uint64_t seed, uint64_t operations);
