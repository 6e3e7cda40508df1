#pragma once
/* api/handlers_notify.h -- the handlers of routes_notify.c: webhooks_api.c, notifications_api.c.
 * Threads: as api.h says of a call. */
#include "api/api.h"

extern const struct route routes_notify[];
extern const size_t routes_notify_count;

void webhooks_api_list(struct api_call *c);
void webhooks_api_create(struct api_call *c);
void webhooks_api_get(struct api_call *c);
void webhooks_api_update(struct api_call *c);
void webhooks_api_rotate(struct api_call *c);
void webhooks_api_delete(struct api_call *c);
void webhooks_api_test(struct api_call *c);

void notifications_api_preferences(struct api_call *c);
void notifications_api_prefer(struct api_call *c);
void notifications_api_unprefer(struct api_call *c);
void notifications_api_test(struct api_call *c);
void notifications_api_logs(struct api_call *c);
void notifications_api_stats(struct api_call *c);
