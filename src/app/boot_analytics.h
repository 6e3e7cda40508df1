#pragma once
/* app/boot_analytics.h -- the numbers that are ready (store/analytics.h): opened on the store
 * itself, below its cache, and made anew on the analytics executor, one refresh at a time, so that
 * neither the housekeeper nor a request waits for one.
 * Threads: open and close: main; kick: one; the refresh: a thread of the executor.
 * Memory: struct boot owns it. */
#include "base/err.h"

struct boot;
/* Before the store is given to its cache; fills app->numbers. */
enum err boot_analytics_open(struct boot *b) MUST_CHECK;
/* Behind the executors: whoever refreshes has ended. */
void boot_analytics_close(struct boot *b);

struct analytics_turns;
struct app;
enum err boot_analytics_turns_new(struct analytics_turns **ret, struct app *app,
                                  int64_t period_ns) MUST_CHECK;
/* Every second. ERR_OK also when it is not due, or under way; the failure of the last one, once. */
enum err boot_analytics_kick(struct analytics_turns *t) MUST_CHECK;
void boot_analytics_turns_free(struct analytics_turns *t); /* NULL is fine */
