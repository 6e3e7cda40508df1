#pragma once
/* store/catalog_rules.h -- rules on variables, and where each stands. A rule whose device is
 * deleted is in no answer, and comes back when the device does. Each call works inside the caller's
 * transaction. Strings that are read are copied into `a`.   Errors: those of store/sql.h;
 * ERR_NOTFOUND when there is no such row in that organisation.   Threads: as the tx. */
#include "base/arena.h"
#include "model/rule.h"
#include "store/catalog_page.h"
#include "store/sql.h"

/* Fills rule->id. */
enum err catalog_rules_insert(struct sql_tx *tx, struct rule *rule,
                              const struct rule_progress *progress) MUST_CHECK;
enum err catalog_rules_find_uuid(struct sql_tx *tx, int64_t org, const struct uuid *uuid,
                                 struct arena *a, struct rule *ret) MUST_CHECK;
/* Writes everything but ids and created_ns of the row (org, id). */
enum err catalog_rules_update(struct sql_tx *tx, const struct rule *rule) MUST_CHECK;
/* With its progress. */
enum err catalog_rules_delete(struct sql_tx *tx, int64_t org, int64_t rule) MUST_CHECK;
enum err catalog_rules_count(struct sql_tx *tx, int64_t org, int64_t *ret) MUST_CHECK;

enum err catalog_rules_progress(struct sql_tx *tx, int64_t org, int64_t rule,
                                struct rule_progress *ret) MUST_CHECK;
/* The engine's way: ERR_STALE when somebody else wrote it meanwhile (the epoch differs) or the rule
 * is gone. */
enum err catalog_rules_save_progress(struct sql_tx *tx, int64_t org, int64_t rule,
                                     const struct rule_progress *progress) MUST_CHECK;
/* Everybody else's: writes it and moves the epoch on. */
enum err catalog_rules_set_progress(struct sql_tx *tx, int64_t org, int64_t rule,
                                    const struct rule_progress *progress) MUST_CHECK;

struct rule_filter {
    struct bytes q; /* part of the name, ASCII case ignored; empty: all */
    int64_t device; /* 0 = any */
    int enabled;    /* -1 = any */
};
/* Sorts: id, name, createdAt, updatedAt, variable, enabled. */
enum err catalog_rules_list(struct sql_tx *tx, int64_t org, const struct rule_filter *filter,
                            const struct catalog_page *page, struct arena *a, struct rule **ret,
                            struct catalog_listing *ret_listing, struct why *why) MUST_CHECK;

/* For the engine: enabled rules of living devices of all organisations, ids above `after`. */
struct rule_loaded {
    struct rule rule; /* first: its id is what the next call starts after */
    struct rule_progress progress;
    bool resolved; /* progress.alert is */
};
enum err catalog_rules_load(struct sql_tx *tx, int64_t after, size_t cap, struct arena *a,
                            struct rule_loaded **ret, size_t *ret_n) MUST_CHECK;
/* One of them; ERR_NOTFOUND also for a disabled one. */
enum err catalog_rules_load_one(struct sql_tx *tx, int64_t org, int64_t rule, struct arena *a,
                                struct rule_loaded *ret) MUST_CHECK;
/* The device is being deleted: its rules stand still, and what the engine knows of them is old. */
enum err catalog_rules_retire_device(struct sql_tx *tx, int64_t org, int64_t device) MUST_CHECK;
/* With a purged device go its rules; its alerts stay. */
enum err catalog_rules_purge_device(struct sql_tx *tx, int64_t org, int64_t device) MUST_CHECK;
/* Ids of the rules of a device, alive or not, at most cap, above `after`. */
enum err catalog_rules_list_device(struct sql_tx *tx, int64_t org, int64_t device, int64_t after,
                                   int64_t *ret, size_t cap, size_t *ret_n) MUST_CHECK;
