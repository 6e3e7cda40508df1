#pragma once
/* api/command_polls.h -- the long polls of devices that wait for a command, without a thread.
 *
 *   handler: nothing there ──> park ──┬── a command is committed ──> the handler runs again
 *                                     ├── its deadline has come ───> []
 *                                     └── the same device polls again, or the server stops ──> []
 *
 * P1  a device has one poll at most; all together COMMAND_POLLS_MAX.
 * P2  whoever takes a call out of the table ends it or runs it again: exactly one does.
 * Threads: any; check and close one at a time.   Memory: a parked call is borrowed until it is
 * ended. */
#include "api/api.h"
#include "service/command_service.h"

enum { COMMAND_POLLS_MAX = 4096, COMMAND_POLL_MAX_SECONDS = 60 };

struct command_polls;
enum err command_polls_new(struct command_polls **ret, const struct clock *clock) MUST_CHECK;
/* What tells the table of a new command. */
struct command_watcher command_polls_watcher(struct command_polls *p);

struct command_parked {
    struct api_call *call;
    int64_t device, deadline_ns; /* monotonic */
    struct command_parked *next; /* the table's */
};
/* The call is kept; from here on it belongs to the table. False: no room, and it does not. */
bool command_polls_park(struct command_polls *p, struct command_parked *parked);
/* Runs the handler of the device's poll again, if there is one. */
void command_polls_wake(struct command_polls *p, int64_t device);
/* Ends those whose deadline has come; every second. */
void command_polls_check(struct command_polls *p);
/* Ends all, and parks no more: before the server drains. NULL is fine. */
void command_polls_close(struct command_polls *p);
void command_polls_free(struct command_polls *p); /* after close; NULL is fine */
