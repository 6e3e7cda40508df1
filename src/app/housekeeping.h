#pragma once
/* app/housekeeping.h -- what has to happen from time to time: one thread that asks each part to do
 * its bounded share. Thread "housekeeper"; its work may block.   Memory: owned by whoever started
 * it. */
#include "api/app.h"
#include "app/admin.h"

struct housekeeping;
struct analytics_turns;
struct fleet_turns;
enum err housekeeping_start(struct housekeeping **ret, struct app *app, struct admin *admin,
                            struct fleet_turns *fleet,
                            struct analytics_turns *analytics) MUST_CHECK;
void housekeeping_stop(struct housekeeping *h); /* NULL is fine */
