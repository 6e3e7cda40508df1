#pragma once
/* app/legacy.h -- taking an installation of the Java platform over: what the parts share.
 *
 *   legacy_source ── rows ──> legacy_people, _things, _boards, _formulas, _history
 *                                                              ── catalog, one transaction
 *                    values ─> legacy_values ── readings, device by device, position in the mark
 *
 * The first half runs also when it was done already, and with --dry-run: then nothing is written,
 * but the report is the same.
 * Threads: main.   Memory: which organisations, devices and names there are is kept for the length
 * of the command, about 300 bytes a device. */
#include "app/legacy_report.h"
#include "app/legacy_source.h"
#include "app/store_side.h"
#include "model/label.h"
#include "model/uuid.h"
#include "store/takeover.h"

struct legacy_org {
    uint64_t id; /* key of the map */
    bool enabled, has_default;
};
struct legacy_user {
    uint64_t id; /* key of the map */
    int64_t org;
    struct bytes name;
};
/* A synthetic variable that was taken, the next one of its device behind it. */
struct legacy_formula {
    struct bytes name, expression;
    struct legacy_formula *next;
};
struct legacy_device {
    struct uuid uuid; /* key of the map */
    int64_t id, org;  /* id: 0 while nothing is written */
    struct bytes external_id, name;
    struct legacy_formula *formulas;
};
/* Of one device, or (device NULL) a fleet rule. */
struct legacy_rule {
    struct uuid uuid; /* key of the map */
    int64_t id, org;  /* id: 0 while nothing is written */
    const struct legacy_device *device;
    struct bytes name, variable;
};

struct legacy {
    struct legacy_source source;
    struct store_side target;
    struct legacy_report report;
    struct sql_tx *tx; /* on the target; NULL: nothing is written */
    struct arena arena;
    struct map orgs, users, devices, org_names, usernames, emails, external_ids, dashboards, labels;
    struct map rules, raised; /* raised: which rule has an alert of which time */
    int64_t now_ns;
    struct takeover mark;
    uint64_t values_before; /* taken by commands that were killed */
    struct why why;
};

/* Each reads its tables; what cannot be taken over is noted, never an error. */
enum err legacy_people_take(struct legacy *l) MUST_CHECK; /* organisations, users, keys */
enum err legacy_things_take(struct legacy *l) MUST_CHECK; /* devices, tags, groups, variables */
enum err legacy_boards_take(struct legacy *l) MUST_CHECK; /* rules, dashboards, widgets */
/* Fleet rules and synthetic variables. */
enum err legacy_formulas_take(struct legacy *l) MUST_CHECK;
/* Alerts and events, and behind them the event that tells of the take-over. */
enum err legacy_history_take(struct legacy *l) MUST_CHECK;
/* From the mark's position on; shown is called now and then. */
enum err legacy_values_take(struct legacy *l, void (*shown)(void *ctx, uint64_t values),
                            void *ctx) MUST_CHECK;
enum err legacy_values_count(struct legacy *l) MUST_CHECK; /* report.found[LEGACY_VALUES] */

/* NULL: it was left out. */
struct legacy_org *legacy_find_org(struct legacy *l, int64_t id);
struct legacy_device *legacy_find_device(struct legacy *l, struct bytes uuid_text);
struct legacy_user *legacy_find_user(struct legacy *l, int64_t id);
struct legacy_rule *legacy_find_rule(struct legacy *l, struct bytes uuid_text);
/* Makes it known; its texts are copied. */
enum err legacy_keep_rule(struct legacy *l, const struct legacy_rule *rule) MUST_CHECK;
/* Is there the tag of that name, the group of that number of the source? *ret: a group's here. */
bool legacy_find_label(struct legacy *l, enum label_kind kind, int64_t org, struct bytes text,
                       int64_t *ret);
/* Puts a copy of the key into the map; false: it was there already (or *e: no memory). */
bool legacy_claim(struct legacy *l, struct map *map, struct bytes key, enum err *e);
/* So that the next row of the table gets this id. */
enum err legacy_next_id(struct legacy *l, const char *table, int64_t id) MUST_CHECK;
/* At most max characters, of whole UTF-8; no control characters. NULL stays NULL. */
struct bytes legacy_text(struct legacy *l, struct bytes text, size_t max, enum legacy_kind kind,
                         const char *reason);
