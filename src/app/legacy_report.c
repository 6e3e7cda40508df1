/* The report of `import legacy` (see legacy_report.h). */
#include "app/legacy_report.h"

#include "codec/json_write.h"

#include <inttypes.h>

static const char *const names[LEGACY_KINDS] = {
    [LEGACY_ORGANIZATIONS] = "organizations",
    [LEGACY_USERS] = "users",
    [LEGACY_DEVICES] = "devices",
    [LEGACY_TAGS] = "tags",
    [LEGACY_GROUPS] = "groups",
    [LEGACY_VARIABLES] = "variables",
    [LEGACY_KEYS] = "apiKeys",
    [LEGACY_RULES] = "rules",
    [LEGACY_FLEET_RULES] = "globalRules",
    [LEGACY_SYNTHETICS] = "syntheticVariables",
    [LEGACY_ALERTS] = "alerts",
    [LEGACY_EVENTS] = "events",
    [LEGACY_DASHBOARDS] = "dashboards",
    [LEGACY_WIDGETS] = "widgets",
    [LEGACY_VALUES] = "values",
};

/* NULL when there is no room for another reason: it is counted with the last one. */
static struct legacy_note *find(struct legacy_report *r, enum legacy_kind kind, bool left_out,
                                const char *reason)
{
    for (size_t i = 0; i < r->note_count; i++) {
        struct legacy_note *n = &r->notes[i];
        if (n->kind == kind && n->left_out == left_out && strcmp(n->reason, reason) == 0) return n;
    }
    if (r->note_count == LEGACY_NOTES) return &r->notes[LEGACY_NOTES - 1];
    struct legacy_note *n = &r->notes[r->note_count++];
    *n = (struct legacy_note){.kind = kind, .left_out = left_out, .reason = reason};
    return n;
}

static void note(struct legacy_report *r, enum legacy_kind kind, bool left_out, const char *reason,
                 struct bytes example)
{
    struct legacy_note *n = find(r, kind, left_out, reason);
    if (n->count < LEGACY_EXAMPLES && example.n) {
        char *to = n->examples[n->count];
        size_t length = example.n < LEGACY_EXAMPLE_MAX ? example.n : LEGACY_EXAMPLE_MAX;
        memcpy(to, example.p, length);
        to[length] = 0;
        for (size_t i = 0; i < length; i++)
            if ((uint8_t)to[i] < ' ' || to[i] == 0x7f) to[i] = '?';
    }
    n->count++;
}

void legacy_report_left(struct legacy_report *r, enum legacy_kind kind, const char *reason,
                        struct bytes example)
{
    note(r, kind, true, reason, example);
}

void legacy_report_changed(struct legacy_report *r, enum legacy_kind kind, const char *reason,
                           struct bytes example)
{
    note(r, kind, false, reason, example);
}

void legacy_report_left_many(struct legacy_report *r, enum legacy_kind kind, const char *reason,
                             uint64_t count)
{
    if (count) find(r, kind, true, reason)->count += count;
}

static void write_notes(const struct legacy_report *r, struct buf *b, bool left_out)
{
    for (size_t i = 0; i < r->note_count; i++) {
        const struct legacy_note *n = &r->notes[i];
        if (n->left_out != left_out) continue;
        buf_printf(b, "  %" PRIu64 " %s: %s", n->count, names[n->kind], n->reason);
        for (int k = 0; k < LEGACY_EXAMPLES && n->examples[k][0]; k++)
            buf_printf(b, "%s%s", k ? ", " : " (", n->examples[k]);
        buf_add_str(b, n->examples[0][0] ? n->count > LEGACY_EXAMPLES ? ", ...)\n" : ")\n" : "\n");
    }
}

static bool has_notes(const struct legacy_report *r, bool left_out)
{
    for (size_t i = 0; i < r->note_count; i++)
        if (r->notes[i].left_out == left_out) return true;
    return false;
}

void legacy_report_text(const struct legacy_report *r, struct buf *b)
{
    buf_printf(b, "%-18s %12s %12s\n", "", "found", "taken over");
    for (int i = 0; i < LEGACY_KINDS; i++)
        buf_printf(b, "%-18s %12" PRIu64 " %12" PRIu64 "\n", names[i], r->found[i], r->taken[i]);
    if (has_notes(r, false)) buf_add_str(b, "changed:\n");
    write_notes(r, b, false);
    if (has_notes(r, true)) buf_add_str(b, "left out:\n");
    write_notes(r, b, true);
}

static void write_json_notes(const struct legacy_report *r, struct buf *b, const char *key,
                             bool left_out)
{
    json_write_key(b, key);
    json_write_open(b, '[');
    for (size_t i = 0; i < r->note_count; i++) {
        const struct legacy_note *n = &r->notes[i];
        if (n->left_out != left_out) continue;
        json_write_open(b, '{');
        json_write_member_text(b, "kind", names[n->kind]);
        json_write_member_text(b, "reason", n->reason);
        json_write_member_u64(b, "count", n->count);
        json_write_key(b, "examples");
        json_write_open(b, '[');
        for (int k = 0; k < LEGACY_EXAMPLES && n->examples[k][0]; k++)
            json_write_string(b, bytes_str(n->examples[k]));
        json_write_close(b, ']');
        json_write_close(b, '}');
    }
    json_write_close(b, ']');
}

void legacy_report_json(const struct legacy_report *r, struct buf *b)
{
    json_write_key(b, "kinds");
    json_write_open(b, '{');
    for (int i = 0; i < LEGACY_KINDS; i++) {
        json_write_key(b, names[i]);
        json_write_open(b, '{');
        json_write_member_u64(b, "found", r->found[i]);
        json_write_member_u64(b, "taken", r->taken[i]);
        json_write_close(b, '}');
    }
    json_write_close(b, '}');
    write_json_notes(r, b, "changed", false);
    write_json_notes(r, b, "leftOut", true);
}
