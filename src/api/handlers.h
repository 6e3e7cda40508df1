#pragma once
/* api/handlers.h -- the handlers of the route tables, one file per resource, and the tables that
 * routes.c strings together.   Threads: as api.h says of a call; each runs where its route's row
 * says. */
#include "api/api.h"

/* --- accounts: auth_api.c, users_api.c, api_keys_api.c, events_api.c
 * ------------------------------ */
extern const struct route routes_account[];
extern const size_t routes_account_count;

void auth_api_register(struct api_call *c);
void auth_api_login(struct api_call *c);
void auth_api_refresh(struct api_call *c);
void auth_api_logout(struct api_call *c);
void auth_api_me(struct api_call *c);
void auth_api_preferences(struct api_call *c);
void auth_api_change_password(struct api_call *c);
void auth_api_forgot_password(struct api_call *c);
void auth_api_reset_password(struct api_call *c);

void users_api_list(struct api_call *c);
void users_api_get(struct api_call *c);
void users_api_organization(struct api_call *c);

void api_keys_api_list(struct api_call *c);
void api_keys_api_create(struct api_call *c);
void api_keys_api_rotate(struct api_call *c);
void api_keys_api_revoke(struct api_call *c);

void events_api_list(struct api_call *c);
void events_api_recent(struct api_call *c);
void events_api_by_type(struct api_call *c);
void events_api_by_severity(struct api_call *c);

/* --- devices: devices_api.c, device_tokens_api.c, variables_api.c
 * --------------------------------- */
extern const struct route routes_devices[];
extern const size_t routes_devices_count;

void devices_api_list(struct api_call *c);
void devices_api_create(struct api_call *c);
void devices_api_get(struct api_call *c);
void devices_api_update(struct api_call *c);
void devices_api_delete(struct api_call *c);

void device_tokens_api_generate(struct api_call *c);
void device_tokens_api_rotate_short(struct api_call *c); /* the answer of /rotate-token */
void device_tokens_api_get(struct api_call *c);
void device_tokens_api_revoke(struct api_call *c);

void variables_api_list(struct api_call *c);
void variables_api_latest(struct api_call *c);
void variables_api_get(struct api_call *c);
void variables_api_values(struct api_call *c);
void variables_api_statistics(struct api_call *c);
void variables_api_update(struct api_call *c);
