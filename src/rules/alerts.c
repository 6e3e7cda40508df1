/* Where alerts begin and end (see alerts.h). */
#include "rules/alerts.h"

#include "store/catalog_alerts.h"
#include "store/catalog_events.h"

#include <math.h>

static const char *const severity_names[ALERT_SEVERITIES] = {
    [ALERT_LOW] = "LOW",
    [ALERT_MEDIUM] = "MEDIUM",
    [ALERT_HIGH] = "HIGH",
    [ALERT_CRITICAL] = "CRITICAL",
};

/* What the audit trail says of each change. */
static const struct {
    const char *name, *event, *title;
} changes[] = {
    [ALERT_RAISED] = {"RAISED", EVENT_ALERT_CREATED, "Alert raised"},
    [ALERT_ACKNOWLEDGED] = {"ACKNOWLEDGED", EVENT_ALERT_ACKNOWLEDGED, "Alert acknowledged"},
    [ALERT_RESOLVED] = {"RESOLVED", EVENT_ALERT_RESOLVED, "Alert resolved"},
};

void alerts_init(struct alerts *a, const struct clock *clock)
{
    *a = (struct alerts){.clock = clock};
}

void alerts_add_hook(struct alerts *a, const struct alerts_hook *hook)
{
    bug_if(a->hook_count == ALERTS_HOOKS_MAX);
    a->hooks[a->hook_count++] = *hook;
}

enum alert_severity alerts_severity(double value, double threshold)
{
    if (threshold == 0) return ALERT_MEDIUM;
    double off = fabs(value - threshold) / fabs(threshold);
    return off > 2 ? ALERT_CRITICAL : off > 1 ? ALERT_HIGH : off > 0.5 ? ALERT_MEDIUM : ALERT_LOW;
}

const char *alerts_severity_name(enum alert_severity s)
{
    return severity_names[s];
}

bool alerts_severity_parse(struct bytes name, enum alert_severity *ret)
{
    for (int i = 0; i < ALERT_SEVERITIES; i++) {
        if (!bytes_is(name, severity_names[i])) continue;
        *ret = (enum alert_severity)i;
        return true;
    }
    return false;
}

const char *alerts_change_name(enum alert_change change)
{
    return changes[change].name;
}

/* How loud the audit trail is about an alert that begins; its end is only information. */
static enum event_severity event_severity_of(const struct alert *alert, enum alert_change change)
{
    static const enum event_severity of[ALERT_SEVERITIES] = {
        [ALERT_LOW] = EVENT_INFO,
        [ALERT_MEDIUM] = EVENT_WARNING,
        [ALERT_HIGH] = EVENT_ERROR,
        [ALERT_CRITICAL] = EVENT_CRITICAL,
    };
    return change == ALERT_RAISED ? of[alert->severity] : EVENT_INFO;
}

/* The event and what the hooks add; the row is written by now. */
static enum err note(struct alerts *a, struct sql_tx *tx, const struct alert *alert,
                     enum alert_change change, const struct actor *by)
{
    char uuid[UUID_TEXT + 1];
    uuid_format(&alert->uuid, uuid);
    struct event event = {
        .org = alert->org,
        .type = bytes_str(changes[change].event),
        .severity = event_severity_of(alert, change),
        .entity_type = BYTES("ALERT"),
        .entity_id = bytes_str(uuid),
        .title = bytes_str(changes[change].title),
        .description = alert->message,
        .user = by ? by->user : 0,
        .device = alert->device,
        .actor = by ? by->name : BYTES("system"),
        .address = by ? by->address : bytes_of(NULL, 0),
        .request_id = by ? by->request_id : bytes_of(NULL, 0),
        .created_ns = clock_wall_ns(a->clock),
    };
    enum err e = catalog_events_append(tx, &event);
    for (size_t i = 0; i < a->hook_count && !e; i++) {
        const struct alerts_hook *h = &a->hooks[i];
        if (h->in_tx) e = h->in_tx(h->ctx, tx, alert, change);
    }
    return e;
}

enum err alerts_raise(struct alerts *a, struct sql_tx *tx, struct alert *alert, bool *ret_new)
{
    bool is_new = false;
    enum err e = catalog_alerts_insert(tx, alert, &is_new);
    if (!e && is_new) e = note(a, tx, alert, ALERT_RAISED, NULL);
    if (!e) *ret_new = is_new;
    return e;
}

enum err alerts_resolve(struct alerts *a, struct sql_tx *tx, struct alert *alert, int64_t at_ns,
                        const struct actor *by, bool *ret_changed)
{
    *ret_changed = false;
    if (alert->resolved_ns) return ERR_OK;
    alert->resolved_ns = at_ns;
    alert->resolved_by = by ? by->user : 0;
    enum err e = catalog_alerts_update(tx, alert);
    if (!e) e = note(a, tx, alert, ALERT_RESOLVED, by);
    *ret_changed = !e;
    return e;
}

enum err alerts_acknowledge(struct alerts *a, struct sql_tx *tx, struct alert *alert, int64_t at_ns,
                            const struct actor *by, bool *ret_changed)
{
    *ret_changed = false;
    if (alert->acknowledged_ns) return ERR_OK;
    alert->acknowledged_ns = at_ns;
    alert->acknowledged_by = by ? by->user : 0;
    enum err e = catalog_alerts_update(tx, alert);
    if (!e) e = note(a, tx, alert, ALERT_ACKNOWLEDGED, by);
    *ret_changed = !e;
    return e;
}

void alerts_committed(struct alerts *a, const struct alert *alert, enum alert_change change)
{
    for (size_t i = 0; i < a->hook_count; i++) {
        const struct alerts_hook *h = &a->hooks[i];
        if (h->committed) h->committed(h->ctx, alert, change);
    }
}
