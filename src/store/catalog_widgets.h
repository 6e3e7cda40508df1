#pragma once
/* store/catalog_widgets.h -- the widgets of dashboards. Each call works inside the caller's
 * transaction. Strings that are read are copied into `a`. Errors: those of store/sql.h;
 * ERR_NOTFOUND when there is no such row on that dashboard of that organisation; ERR_STALE when the
 * row has another version than the one that was read. Threads: as the tx. */
#include "base/arena.h"
#include "model/dashboard.h"
#include "store/sql.h"

/* Fills w->id; version 1. */
enum err catalog_widgets_insert(struct sql_tx *tx, struct widget *w) MUST_CHECK;
enum err catalog_widgets_find(struct sql_tx *tx, int64_t org, int64_t dashboard, int64_t widget,
                              struct arena *a, struct widget *ret) MUST_CHECK;
/* In order of creation. */
enum err catalog_widgets_list(struct sql_tx *tx, int64_t org, int64_t dashboard, struct arena *a,
                              struct widget **ret, size_t *ret_n) MUST_CHECK;
/* Writes all but ids and created_ns over the row of version w->version, which then rises. */
enum err catalog_widgets_update(struct sql_tx *tx, struct widget *w) MUST_CHECK;
enum err catalog_widgets_delete(struct sql_tx *tx, int64_t org, int64_t dashboard,
                                int64_t widget) MUST_CHECK;
/* What an organisation looks at: device, variable and minutes of its widgets, those of the
 * dashboards that changed last first; at most `most`, the rest of the struct is empty. */
enum err catalog_widgets_shown(struct sql_tx *tx, int64_t org, size_t most, struct arena *a,
                               struct widget **ret, size_t *ret_n) MUST_CHECK;
enum err catalog_widgets_count(struct sql_tx *tx, int64_t org, int64_t dashboard,
                               int64_t *ret) MUST_CHECK;
