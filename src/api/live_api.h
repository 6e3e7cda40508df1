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
/* Closes sessions whose login has ended; about once a second. */
void live_hub_check(struct live_hub *hub);
/* After the server has stopped and the tap is freed. NULL is fine. */
void live_hub_free(struct live_hub *hub);
