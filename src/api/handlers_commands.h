#pragma once
/* api/handlers_commands.h -- the handlers of routes_commands.c, and that table.
 * Threads: as api.h says of a call; each runs where its route's row says. */
#include "api/api.h"

extern const struct route routes_commands[];
extern const size_t routes_commands_count;

void commands_api_send(struct api_call *c);
void commands_api_toggle(struct api_call *c);
void commands_api_set_value(struct api_call *c);
void commands_api_get(struct api_call *c);
