#pragma once
/* api/handlers_synthetics.h -- the handlers of routes_synthetics.c, and that table.
 * Threads: as api.h says of a call; each runs where its route's row says. */
#include "api/api.h"

extern const struct route routes_synthetics[];
extern const size_t routes_synthetics_count;

void synthetics_api_list(struct api_call *c);
void synthetics_api_create(struct api_call *c);
void synthetics_api_get(struct api_call *c);
void synthetics_api_update(struct api_call *c);
void synthetics_api_enable(struct api_call *c);
void synthetics_api_disable(struct api_call *c);
void synthetics_api_delete(struct api_call *c);
void synthetics_api_backfill(struct api_call *c);

void expressions_api_validate(struct api_call *c);
void expressions_api_functions(struct api_call *c);
void expressions_api_flat(struct api_call *c);
