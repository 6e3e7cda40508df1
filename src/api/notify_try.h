#pragma once
/* api/notify_try.h -- the answer of a test button: it comes from the thread that sent the test, so
 * that nobody waits for a receiver on a loop or an executor.   Threads: the call's, then the
 * notifier's.   Memory: the call's arena. */
#include "api/api.h"
#include "service/notify_service.h"

/* A try whose end answers the call; NULL: answered with 503. From here on c->kept is set. */
struct notifier_try *notify_try_new(struct api_call *c);
/* It was not taken: answers with the refusal. */
void notify_try_refuse(struct api_call *c, enum err e, const struct refusal *refusal,
                       const char *what);
