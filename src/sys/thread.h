#pragma once
/* sys/thread.h -- starting threads with a name, a stated stack and all signals blocked (signals
 * belong to the main loop).   Threads: any. */
#include "base/err.h"

#include <pthread.h>

/* name: at most 15 characters, copied. stack_bytes: 0 = 256 KiB. */
enum err thread_start(pthread_t *ret, void *(*run)(void *), void *arg, const char *name,
                      size_t stack_bytes) MUST_CHECK;
enum err thread_start_detached(void *(*run)(void *), void *arg, const char *name,
                               size_t stack_bytes) MUST_CHECK;
