#pragma once
/* query/cached_catalog.h -- which caches hold what of the catalog, in one table, and how their keys
 * end with a change: the catalog is opened through cached_catalog_new(), and every commit that
 * changed something advances the generations of its organisation before anybody is told.
 *
 *   catalog ── commit ──> sql_watch ──> generations of (cache, organisation) and (cache, 0)
 *   another node's news ── cached_catalog_heard() ──^
 *
 * A key of one organisation looks at cached_catalog_slot(org); one that spans organisations (an
 * installation's administrator) at cached_catalog_slot(0), which ends with any change.
 * Threads: any.   Memory: owns the database below. */
#include "cache/cache.h"
#include "store/sql.h"

/* What changes, as bits; a change of rows that no cache holds is none of them. */
enum cached_catalog_subject {
    CACHED_CATALOG_DEVICES = 1 << CACHE_DEVICES, /* devices and their labels */
    CACHED_CATALOG_QUOTAS = 1 << CACHE_QUOTAS, /* how many there are of what has a limit; limits */
    CACHED_CATALOG_ORGANIZATIONS = 1 << CACHE_ORGANIZATIONS,
    CACHED_CATALOG_USERS = 1 << CACHE_USERS,
};

/* Takes `below`: closing the one closes the other. On failure `below` stays the caller's. */
enum err cached_catalog_new(struct sql_db **ret, struct sql_db *below) MUST_CHECK;
/* From here on changes through `db` end entries of c; before, nobody may read through c. */
void cached_catalog_use(struct sql_db *db, struct cache *c);

/* The slot of an organisation's generation, the same in every cache of the catalog. */
uint32_t cached_catalog_slot(int64_t org);
/* What caches hold of that table, as bits. */
unsigned cached_catalog_subjects(struct bytes table);
/* Another node changed these subjects (bits) of that organisation (0: any) and has said so. */
void cached_catalog_heard(struct cache *c, unsigned subjects, int64_t org);
