#pragma once
/* api/handlers_dashboards.h -- the handlers of routes_dashboards.c: dashboards_api.c,
 * widgets_api.c, shares_api.c, dashboard_data_api.c.   Threads: as api.h says of a call; each runs
 * where its route's row says. */
#include "api/api.h"

extern const struct route routes_dashboards[];
extern const size_t routes_dashboards_count;

void dashboards_api_list(struct api_call *c);
void dashboards_api_default(struct api_call *c);
void dashboards_api_get(struct api_call *c);
void dashboards_api_create(struct api_call *c);
void dashboards_api_update(struct api_call *c);
void dashboards_api_delete(struct api_call *c);

void widgets_api_list(struct api_call *c);
void widgets_api_get(struct api_call *c);
void widgets_api_create(struct api_call *c);
void widgets_api_update(struct api_call *c);
void widgets_api_delete(struct api_call *c);

void shares_api_list(struct api_call *c);
void shares_api_create(struct api_call *c);
void shares_api_revoke(struct api_call *c);
void shares_api_open(struct api_call *c);
void shares_api_view(struct api_call *c);
/* What the token of the path and X-Share-Ticket show. False: answered. */
struct dashboard;
struct dashboard_share;
bool shares_api_read(struct api_call *c, struct dashboard *ret, struct dashboard_share *ret_share);

void dashboard_data_api_own(struct api_call *c);
void dashboard_data_api_shared(struct api_call *c);
