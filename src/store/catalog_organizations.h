#pragma once
/* store/catalog_organizations.h -- the tenants.
 * Each call works inside the caller's transaction. Strings that are read are copied into `a`.
 * Errors: those of store/sql.h; ERR_NOTFOUND when there is no such row alive.   Threads: as the tx.
 */
#include "base/arena.h"
#include "model/organization.h"
#include "store/catalog_page.h"
#include "store/sql.h"

/* Fills o->id. ERR_EXISTS: the name is taken. */
enum err catalog_organizations_insert(struct sql_tx *tx, struct organization *o) MUST_CHECK;
enum err catalog_organizations_find(struct sql_tx *tx, int64_t org, struct arena *a,
                                    struct organization *ret) MUST_CHECK;
/* ASCII case is ignored. */
enum err catalog_organizations_find_name(struct sql_tx *tx, struct bytes name, struct arena *a,
                                         struct organization *ret) MUST_CHECK;
/* Deleted and not purged yet. */
enum err catalog_organizations_find_deleted(struct sql_tx *tx, int64_t org, struct arena *a,
                                            struct organization *ret) MUST_CHECK;
/* The one that was deleted longest ago, before before_ns. */
enum err catalog_organizations_find_due(struct sql_tx *tx, int64_t before_ns, struct arena *a,
                                        struct organization *ret) MUST_CHECK;
/* Writes name, description, settings, updated_ns. The name must be free (find_name). */
enum err catalog_organizations_update(struct sql_tx *tx, const struct organization *o) MUST_CHECK;
/* The name must be free. */
enum err catalog_organizations_restore(struct sql_tx *tx, int64_t org, int64_t now_ns) MUST_CHECK;
/* What is left of it is its number. */
enum err catalog_organizations_note_purged(struct sql_tx *tx, int64_t org,
                                           int64_t now_ns) MUST_CHECK;
/* Soft: users and devices of it are the service's business. */
enum err catalog_organizations_delete(struct sql_tx *tx, int64_t org, int64_t now_ns) MUST_CHECK;
/* The oldest one, which is the installation's own. */
enum err catalog_organizations_first(struct sql_tx *tx, int64_t *ret) MUST_CHECK;
enum err catalog_organizations_count(struct sql_tx *tx, int64_t *ret) MUST_CHECK;
/* Sorts: id, name, createdAt. */
enum err catalog_organizations_list(struct sql_tx *tx, const struct catalog_page *page,
                                    struct arena *a, struct organization **ret,
                                    struct catalog_listing *ret_listing) MUST_CHECK;
enum err catalog_organizations_list_deleted(struct sql_tx *tx, const struct catalog_page *page,
                                            struct arena *a, struct organization **ret,
                                            struct catalog_listing *ret_listing) MUST_CHECK;
