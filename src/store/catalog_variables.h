#pragma once
/* store/catalog_variables.h -- the variables of devices. Ingest makes them through
 * store/registry.h, which also has to be told of any made here. Each call works inside the caller's
 * transaction. Strings that are read are copied into `a`. Errors: those of store/sql.h;
 * ERR_NOTFOUND when there is no such row in that organisation. Threads: as the tx. */
#include "base/arena.h"
#include "model/variable.h"
#include "store/catalog_page.h"
#include "store/sql.h"

/* Fills v->id. ERR_EXISTS: the device has one of that name. */
enum err catalog_variables_insert(struct sql_tx *tx, struct variable *v) MUST_CHECK;
enum err catalog_variables_find(struct sql_tx *tx, int64_t org, int64_t variable, struct arena *a,
                                struct variable *ret) MUST_CHECK;
enum err catalog_variables_find_name(struct sql_tx *tx, int64_t org, int64_t device,
                                     struct bytes name, struct arena *a,
                                     struct variable *ret) MUST_CHECK;
/* All of the device, by id. */
enum err catalog_variables_list(struct sql_tx *tx, int64_t org, int64_t device, struct arena *a,
                                struct variable **ret, size_t *ret_n) MUST_CHECK;
/* Those of devices that are not deleted; sorts: id, name, createdAt, updatedAt. */
enum err catalog_variables_page(struct sql_tx *tx, int64_t org, const struct catalog_page *page,
                                struct arena *a, struct variable **ret,
                                struct catalog_listing *ret_listing, struct why *why) MUST_CHECK;
/* Writes everything but ids, name, data_source and created_ns of the row (v->org, v->id). */
enum err catalog_variables_update(struct sql_tx *tx, const struct variable *v) MUST_CHECK;
enum err catalog_variables_count(struct sql_tx *tx, int64_t org, int64_t device,
                                 int64_t *ret) MUST_CHECK;
