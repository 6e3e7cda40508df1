#pragma once
/* app/legacy_report.h -- what `import legacy` found, took over, changed and left out, with reasons
 * and a few examples of each.
 * Threads: main.   Memory: bounded: LEGACY_NOTES reasons, three examples each. */
#include "base/buf.h"

#include <stdbool.h>

enum legacy_kind {
    LEGACY_ORGANIZATIONS,
    LEGACY_USERS,
    LEGACY_DEVICES,
    LEGACY_TAGS,
    LEGACY_GROUPS,
    LEGACY_VARIABLES,
    LEGACY_KEYS,
    LEGACY_RULES,
    LEGACY_FLEET_RULES,
    LEGACY_SYNTHETICS,
    LEGACY_ALERTS,
    LEGACY_EVENTS,
    LEGACY_DASHBOARDS,
    LEGACY_WIDGETS,
    LEGACY_VALUES,
    LEGACY_KINDS
};
enum { LEGACY_NOTES = 96, LEGACY_EXAMPLES = 3, LEGACY_EXAMPLE_MAX = 80 };

struct legacy_note {
    enum legacy_kind kind;
    bool left_out; /* else: taken over, but changed */
    const char *reason;
    uint64_t count;
    char examples[LEGACY_EXAMPLES][LEGACY_EXAMPLE_MAX + 1];
};
struct legacy_report {
    uint64_t found[LEGACY_KINDS], taken[LEGACY_KINDS];
    struct legacy_note notes[LEGACY_NOTES];
    size_t note_count;
};

/* reason: a literal. */
void legacy_report_left(struct legacy_report *r, enum legacy_kind kind, const char *reason,
                        struct bytes example);
void legacy_report_changed(struct legacy_report *r, enum legacy_kind kind, const char *reason,
                           struct bytes example);
/* Many of a kind at once, without an example; 0 is nothing. */
void legacy_report_left_many(struct legacy_report *r, enum legacy_kind kind, const char *reason,
                             uint64_t count);
void legacy_report_text(const struct legacy_report *r, struct buf *b);
/* Members of an object: "kinds" and "notes". */
void legacy_report_json(const struct legacy_report *r, struct buf *b);
