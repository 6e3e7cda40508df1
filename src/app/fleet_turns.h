#pragma once
/* app/fleet_turns.h -- lets the fleet rules that are due take turns on the analytics executor, one
 * round at a time: a rule over a long window does not hold up the housekeeper.
 * Threads: kick from one thread; free after the executor has ended.   Memory: owns itself. */
#include "rules/fleet_engine.h"
#include "sys/executor.h"

struct fleet_turns;
enum err fleet_turns_new(struct fleet_turns **ret, struct fleet_engine *engine,
                         struct executor *executor) MUST_CHECK;
/* ERR_OK also when a round is under way, or the executor is full: the next kick comes. The failure
 * of the last round, once. */
enum err fleet_turns_kick(struct fleet_turns *t) MUST_CHECK;
void fleet_turns_free(struct fleet_turns *t); /* NULL is fine */
