#pragma once
/* api/handlers.h -- the handlers of the route tables, one file per resource, and the tables that
 * routes.c strings together.   Threads: as api.h says of a call; each runs where its route's row
 * says. */
#include "api/api.h"

/* --- accounts: auth_api.c, api_keys_api.c, events_api.c ---------------------------------- */
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

void api_keys_api_list(struct api_call *c);
void api_keys_api_create(struct api_call *c);
void api_keys_api_rotate(struct api_call *c);
void api_keys_api_revoke(struct api_call *c);

void events_api_list(struct api_call *c);
void events_api_recent(struct api_call *c);
void events_api_by_type(struct api_call *c);
void events_api_by_severity(struct api_call *c);

/* --- devices: devices_api.c, device_tokens_api.c, variables_api.c ------------------------ */
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
void variables_api_page(struct api_call *c);
void variables_api_create(struct api_call *c);
void variables_api_newest(struct api_call *c);

/* --- telemetry, live, operations: ingest_api.c, write_api.c, import_api.c, query_api.c,
 * aggregate_api.c, export_api.c, live_api.c, health_api.c, metrics_api.c, docs_api.c
 * ---------------------------- */
extern const struct route routes_telemetry[];
extern const size_t routes_telemetry_count;

void ingest_flat(struct api_call *c);
void ingest_one(struct api_call *c);
void ingest_device(struct api_call *c);
void ingest_value(struct api_call *c);
void ingest_array(struct api_call *c);
void ingest_wrapped(struct api_call *c);
void write_ping(struct api_call *c);
void write_v1(struct api_call *c);
void write_v2(struct api_call *c);
void import_csv(struct api_call *c);
void import_json(struct api_call *c);

void query_range(struct api_call *c);
void query_latest(struct api_call *c);
void query_latest_device(struct api_call *c);
void query_device_telemetry(struct api_call *c);
void aggregate_get(struct api_call *c);
void aggregate_batch(struct api_call *c);
void aggregate_fleet(struct api_call *c);
void export_csv(struct api_call *c);
void export_json(struct api_call *c);
void live_open(struct api_call *c);

void health_get(struct api_call *c);
void health_liveness(struct api_call *c);
void health_readiness(struct api_call *c);
void health_info(struct api_call *c);
void metrics_get(struct api_call *c);
void docs_openapi(struct api_call *c);
void docs_page(struct api_call *c);

/* --- what the old front end asks for and is not here: absent_api.c ---------------------------- */
extern const struct route routes_absent[];
extern const size_t routes_absent_count;
void absent_list(struct api_call *c);
void absent_excel(struct api_call *c);
