#pragma once
/* api/live_alerts.h -- alerts on live sockets: {"type":"ALERT","change",<the alert>} to every
 * session of the organisation that came with a login.   Threads: any. */
#include "api/live_api.h"
#include "rules/alerts.h"

/* For alerts_add_hook(). */
struct alerts_hook live_alerts_hook(struct live_hub *hub);
