#pragma once
/* store/catalog_fleet_rules.h -- rules over many devices. Each call works inside the caller's
 * transaction; strings that are read are copied into `a`. Errors: those of store/sql.h;
 * ERR_NOTFOUND when there is no such row in that organisation.   Threads: as the tx. */
#include "base/arena.h"
#include "model/fleet_rule.h"
#include "store/catalog_page.h"
#include "store/sql.h"

/* Fills r->id. */
enum err catalog_fleet_rules_insert(struct sql_tx *tx, struct fleet_rule *r) MUST_CHECK;
enum err catalog_fleet_rules_find(struct sql_tx *tx, int64_t org, const struct uuid *uuid,
                                  struct arena *a, struct fleet_rule *ret) MUST_CHECK;
/* Everything but id, org, uuid, created_ns and what evaluation keeps; it is due at once. */
enum err catalog_fleet_rules_update(struct sql_tx *tx, const struct fleet_rule *r) MUST_CHECK;
/* What evaluation keeps: evaluated_ns (and with it when it is due next), triggered_ns,
 * open_alert. */
enum err catalog_fleet_rules_set_state(struct sql_tx *tx, const struct fleet_rule *r) MUST_CHECK;
/* Only when it was evaluated, and so when it is due next. */
enum err catalog_fleet_rules_skip(struct sql_tx *tx, const struct fleet_rule *r,
                                  int64_t now_ns) MUST_CHECK;
enum err catalog_fleet_rules_delete(struct sql_tx *tx, int64_t org, int64_t id) MUST_CHECK;
enum err catalog_fleet_rules_count(struct sql_tx *tx, int64_t org, int64_t *ret) MUST_CHECK;
/* Sorts: id, name, createdAt, updatedAt. */
enum err catalog_fleet_rules_list(struct sql_tx *tx, int64_t org, const struct catalog_page *page,
                                  struct arena *a, struct fleet_rule **ret,
                                  struct catalog_listing *ret_listing, struct why *why) MUST_CHECK;
/* Enabled ones of living organisations that are due, longest overdue first; at most max. */
enum err catalog_fleet_rules_list_due(struct sql_tx *tx, int64_t now_ns, size_t max,
                                      struct arena *a, struct fleet_rule **ret,
                                      size_t *ret_n) MUST_CHECK;

/* What an alert of a fleet rule says beside the usual. */
struct fleet_alert {
    int64_t org, alert;
    int64_t device_count;
    struct bytes affected; /* a JSON array of device uuids */
    struct bytes resolution_note;
};
enum err catalog_fleet_rules_add_alert(struct sql_tx *tx, const struct fleet_alert *f) MUST_CHECK;
enum err catalog_fleet_rules_find_alert(struct sql_tx *tx, int64_t org, int64_t alert,
                                        struct arena *a, struct fleet_alert *ret) MUST_CHECK;
enum err catalog_fleet_rules_note_alert(struct sql_tx *tx, int64_t org, int64_t alert,
                                        struct bytes resolution_note) MUST_CHECK;
