#pragma once
/* api/handlers_fleet.h -- rules over many devices and their alerts: fleet_rules_api.c,
 * fleet_alerts_api.c.   Threads: as api.h says of a call; each runs where its route's row says. */
#include "api/api.h"

extern const struct route routes_fleet[];
extern const size_t routes_fleet_count;

void fleet_rules_api_list(struct api_call *c);
void fleet_rules_api_create(struct api_call *c);
void fleet_rules_api_get(struct api_call *c);
void fleet_rules_api_update(struct api_call *c);
void fleet_rules_api_delete(struct api_call *c);
void fleet_rules_api_toggle(struct api_call *c);
void fleet_rules_api_evaluate(struct api_call *c);

void fleet_alerts_api_list(struct api_call *c);
void fleet_alerts_api_get(struct api_call *c);
void fleet_alerts_api_acknowledge(struct api_call *c);
void fleet_alerts_api_resolve(struct api_call *c);
void fleet_alerts_api_stats(struct api_call *c);
