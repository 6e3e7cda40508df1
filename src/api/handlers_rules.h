#pragma once
/* api/handlers_rules.h -- the handlers of routes_rules.c, and that table.
 * Threads: as api.h says of a call; each runs where its route's row says. */
#include "api/api.h"

extern const struct route routes_rules[];
extern const size_t routes_rules_count;

void rules_api_list(struct api_call *c);
void rules_api_create(struct api_call *c);
void rules_api_get(struct api_call *c);
void rules_api_update(struct api_call *c);
void rules_api_delete(struct api_call *c);

void alerts_api_list(struct api_call *c);
void alerts_api_get(struct api_call *c);
void alerts_api_acknowledge(struct api_call *c);
void alerts_api_resolve(struct api_call *c);
