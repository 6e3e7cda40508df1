#pragma once
/* store/catalog_shares.h -- links that show a dashboard to somebody without an account. Each call
 * works inside the caller's transaction. Strings that are read are copied into `a`. Errors: those
 * of store/sql.h; ERR_NOTFOUND when there is no such row. Threads: as the tx. */
#include "base/arena.h"
#include "model/dashboard.h"
#include "store/sql.h"

enum { CATALOG_SHARES_HASH = 32 };

/* Fills s->id. */
enum err catalog_shares_insert(struct sql_tx *tx, struct dashboard_share *s,
                               const uint8_t token_hash[CATALOG_SHARES_HASH]) MUST_CHECK;
/* By its token, whatever the organisation, unless that is deleted or the share has ended. */
enum err catalog_shares_find_token(struct sql_tx *tx, const uint8_t token_hash[CATALOG_SHARES_HASH],
                                   int64_t now_ns, struct arena *a,
                                   struct dashboard_share *ret) MUST_CHECK;
enum err catalog_shares_find(struct sql_tx *tx, int64_t org, int64_t dashboard, int64_t share,
                             struct arena *a, struct dashboard_share *ret) MUST_CHECK;
/* In order of creation, also those that have ended. */
enum err catalog_shares_list(struct sql_tx *tx, int64_t org, int64_t dashboard, struct arena *a,
                             struct dashboard_share **ret, size_t *ret_n) MUST_CHECK;
enum err catalog_shares_count(struct sql_tx *tx, int64_t org, int64_t dashboard,
                              int64_t *ret) MUST_CHECK;
enum err catalog_shares_delete(struct sql_tx *tx, int64_t org, int64_t dashboard,
                               int64_t share) MUST_CHECK;
/* Those of the dashboard that have ended make room for new ones. */
enum err catalog_shares_drop_ended(struct sql_tx *tx, int64_t org, int64_t dashboard,
                                   int64_t now_ns) MUST_CHECK;
