#pragma once
/* api/handlers_device_fleet.h -- the handlers of routes_device_fleet.c, and that table.
 * Threads: as api.h says of a call; each runs where its route's row says. */
#include "api/api.h"

extern const struct route routes_device_fleet[];
extern const size_t routes_device_fleet_count;

/* device_bulk_api.c, device_import_api.c, device_locations_api.c */
void device_bulk_api_run(struct api_call *c);
void device_bulk_api_restore(struct api_call *c);
void device_import_api_csv(struct api_call *c);
void device_locations_api_list(struct api_call *c);
void device_locations_api_get(struct api_call *c);
void device_locations_api_put(struct api_call *c);
void device_locations_api_delete(struct api_call *c);
