#pragma once
/* app/loadtest_run.h -- the loop of the load test: opened first, closed last, and its run between.
 * Threads: main.   Memory: as app/loadtest.h. */
#include "app/loadtest.h"

/* With t->opts filled. */
enum err loadtest_run_open(struct loadtest *t) MUST_CHECK;
/* From the first login to the last answer; figures are in t->figures. */
enum err loadtest_run_all(struct loadtest *t) MUST_CHECK;
void loadtest_run_close(struct loadtest *t); /* also of one that opened in part */
