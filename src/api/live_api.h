#pragma once
/* api/live_api.h -- the live socket's hub: who watches what, fed by the tap.
 * H1  a session receives records of its own organisation only, of its device scope only.
 * H2  each frame is encoded once for all who get it; a slow reader loses intermediate frames of a
 *     series, never the newest (net/websocket.h, lanes).
 * Threads: any.   Memory: owns its sessions. */
#include "api/app.h"

enum { LIVE_SUBSCRIPTIONS_MAX = 1000 };

enum err live_hub_new(struct live_hub **ret, struct app *app) MUST_CHECK;
/* Fits tap_watch(). */
struct tap_watcher live_hub_watcher(struct live_hub *hub);
size_t live_hub_sessions(struct live_hub *hub);
/* Tells every session with a login of this organisation a message that is no reading (contract §8:
 * ALERT, DEVICE_STATUS). lane: a later message of the same one may replace it for a slow reader; 0:
 * never dropped. Sessions by key and device tokens hear readings only. */
void live_hub_tell(struct live_hub *hub, int64_t org, struct bytes json, uint64_t lane);
/* A device's status changed. */
void live_hub_tell_status(struct live_hub *hub, const struct reg_device *d, const char *status,
                          int64_t at_ns);
/* Closes sessions whose login has ended; about once a second. */
void live_hub_check(struct live_hub *hub);
/* After the server has stopped and the tap is freed. NULL is fine. */
void live_hub_free(struct live_hub *hub);
