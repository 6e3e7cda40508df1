#pragma once
/* api/handlers_labels.h -- the handlers of routes_labels.c, and that table. Each serves tags and
 * groups: which of them, the route's id says.
 * Threads: as api.h says of a call; each runs where its route's row says. */
#include "api/api.h"

extern const struct route routes_labels[];
extern const size_t routes_labels_count;

void labels_api_list(struct api_call *c);
void labels_api_get(struct api_call *c);
void labels_api_create(struct api_call *c);
void labels_api_update(struct api_call *c);
void labels_api_delete(struct api_call *c);
void labels_api_assign(struct api_call *c);
void labels_api_remove(struct api_call *c);
void labels_api_of_device(struct api_call *c);
