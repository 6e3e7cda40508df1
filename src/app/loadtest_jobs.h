#pragma once
/* app/loadtest_jobs.h -- many requests of the load test's own, before and after its run: a few at a
 * time, each until it has its answer. 429, 503 and lost connections are tried again.
 * Threads: main.   Memory: nothing is kept. */
#include "app/loadtest.h"

struct loadtest_jobs {
    const char *noun; /* of the progress bar */
    size_t count;
    unsigned width; /* at a time */
    /* Writes request i, by loadtest_call_write(). */
    void (*write)(struct loadtest *t, size_t i, struct loadtest_call *c);
    /* Judges the answer, which is 2xx; ERR_OK, or why in t->why. */
    enum err (*take)(struct loadtest *t, size_t i, const struct loadtest_reply *reply);
    bool steadfast; /* also when the run was interrupted */
};
/* The first failure ends it: t->why. */
enum err loadtest_jobs_run(struct loadtest *t, const struct loadtest_jobs *jobs) MUST_CHECK;
/* The same for one request; *ret_json is the answer (cJSON_Delete) unless NULL. */
struct cJSON;
enum err loadtest_jobs_one(struct loadtest *t, const char *method, const char *path,
                           const char *credential, struct bytes body,
                           struct cJSON **ret_json) MUST_CHECK;
