#pragma once
/* store/catalog_dashboards.h -- the dashboards, without their widgets (catalog_widgets.h). Each
 * call works inside the caller's transaction. Strings that are read are copied into `a`. Errors:
 * those of store/sql.h; ERR_NOTFOUND when there is no such row in that organisation; ERR_STALE when
 * the row has another version than the one that was read. Threads: as the tx. */
#include "base/arena.h"
#include "model/dashboard.h"
#include "store/catalog_page.h"
#include "store/sql.h"

/* Fills d->id; version 1. ERR_EXISTS: a second default. */
enum err catalog_dashboards_insert(struct sql_tx *tx, struct dashboard *d) MUST_CHECK;
enum err catalog_dashboards_find(struct sql_tx *tx, int64_t org, int64_t dashboard, struct arena *a,
                                 struct dashboard *ret) MUST_CHECK;
enum err catalog_dashboards_find_default(struct sql_tx *tx, int64_t org, struct arena *a,
                                         struct dashboard *ret) MUST_CHECK;
/* Writes all but id, org and created_ns over the row of version d->version, which then rises. */
enum err catalog_dashboards_update(struct sql_tx *tx, struct dashboard *d) MUST_CHECK;
/* A widget of it has changed. */
enum err catalog_dashboards_touch(struct sql_tx *tx, int64_t org, int64_t dashboard,
                                  int64_t now_ns) MUST_CHECK;
/* No dashboard but `but` is the default from here on; their versions rise. */
enum err catalog_dashboards_clear_default(struct sql_tx *tx, int64_t org, int64_t but,
                                          int64_t now_ns) MUST_CHECK;
/* With its widgets and shares. */
enum err catalog_dashboards_delete(struct sql_tx *tx, int64_t org, int64_t dashboard) MUST_CHECK;
enum err catalog_dashboards_count(struct sql_tx *tx, int64_t org, int64_t *ret) MUST_CHECK;
/* Sorts: id, name, createdAt, updatedAt. */
enum err catalog_dashboards_list(struct sql_tx *tx, int64_t org, const struct catalog_page *page,
                                 struct arena *a, struct dashboard **ret,
                                 struct catalog_listing *ret_listing, struct why *why) MUST_CHECK;
