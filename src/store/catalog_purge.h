#pragma once
/* store/catalog_purge.h -- everything of an organisation that is gone for good, table by table. A
 * new table with an organisation in it belongs into one of the lists; a test compares them with the
 * schema.   Threads: as the tx.   Errors: those of store/sql.h. */
#include "store/sql.h"

/* All that hangs on people, devices and the organisation; *ret_more is false. */
enum err catalog_purge_things(struct sql_tx *tx, int64_t org, bool *ret_more) MUST_CHECK;
/* Devices that have a row, deleted or not. */
enum err catalog_purge_list_devices(struct sql_tx *tx, int64_t org, int64_t *ret, size_t cap,
                                    size_t *ret_n) MUST_CHECK;
/* Last: nothing refers to them any more. */
enum err catalog_purge_people(struct sql_tx *tx, int64_t org) MUST_CHECK;
/* The names of all tables that a purge empties, NULL behind the last. */
extern const char *const catalog_purge_tables[];
