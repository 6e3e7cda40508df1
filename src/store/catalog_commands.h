#pragma once
/* store/catalog_commands.h -- the commands of devices. A command waits while it is queued or sent
 * and its end has not come. Each call works inside the caller's transaction; strings that are read
 * are copied into `a`.   Errors: those of store/sql.h.   Threads: as the tx. */
#include "base/arena.h"
#include "model/command.h"
#include "store/catalog_page.h"
#include "store/sql.h"

/* Fills c->id. */
enum err catalog_commands_insert(struct sql_tx *tx, struct command *c) MUST_CHECK;
/* How many wait, and when the first of them ends (0 without any). */
enum err catalog_commands_count_waiting(struct sql_tx *tx, int64_t org, int64_t device,
                                        int64_t now_ns, int64_t *ret,
                                        int64_t *ret_first_end_ns) MUST_CHECK;
/* Those that wait with an id above `after`, oldest first, at most max. */
enum err catalog_commands_list_waiting(struct sql_tx *tx, int64_t org, int64_t device,
                                       int64_t after, int64_t now_ns, size_t max, struct arena *a,
                                       struct command **ret, size_t *ret_n) MUST_CHECK;
/* Those that were sent, and not acknowledged, with an id up to `upto`. */
enum err catalog_commands_list_sent(struct sql_tx *tx, int64_t org, int64_t device, int64_t upto,
                                    struct arena *a, struct command **ret,
                                    size_t *ret_n) MUST_CHECK;
/* All of a device, newest first. Sorts: id. */
enum err catalog_commands_list(struct sql_tx *tx, int64_t org, int64_t device,
                               const struct catalog_page *page, struct arena *a,
                               struct command **ret, struct catalog_listing *ret_listing,
                               struct why *why) MUST_CHECK;
/* ERR_NOTFOUND: no such command of that device that has not ended. */
enum err catalog_commands_find_open(struct sql_tx *tx, int64_t org, int64_t device, int64_t id,
                                    struct arena *a, struct command *ret) MUST_CHECK;
enum err catalog_commands_set_state(struct sql_tx *tx, const struct command *c,
                                    enum command_state state, int64_t now_ns) MUST_CHECK;
/* Any organisation: those whose end has come, at most max. */
enum err catalog_commands_list_due(struct sql_tx *tx, int64_t now_ns, size_t max, struct arena *a,
                                   struct command **ret, size_t *ret_n) MUST_CHECK;
/* All of a deleted device, before its row goes. */
enum err catalog_commands_purge_device(struct sql_tx *tx, int64_t org, int64_t device) MUST_CHECK;
