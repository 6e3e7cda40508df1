/* For each index the call of the program whose statement it serves (see index_world.h). A case runs
 * in a transaction that is rolled back, so it can be run again. */
#include "index_world.h"

#include "store/catalog_alerts.h"
#include "store/catalog_cleanup.h"
#include "store/catalog_commands.h"
#include "store/catalog_devices.h"
#include "store/catalog_events.h"
#include "store/catalog_fleet_rules.h"
#include "store/catalog_invitations.h"
#include "store/catalog_keys.h"
#include "store/catalog_labels.h"
#include "store/catalog_notifications.h"
#include "store/catalog_organizations.h"
#include "store/catalog_resets.h"
#include "store/catalog_rules.h"
#include "store/catalog_sessions.h"
#include "store/catalog_shares.h"
#include "store/catalog_synthetics.h"
#include "store/catalog_users.h"
#include "store/catalog_widgets.h"

#include <stdio.h>

/* The third organisation and its first device, the one with a fleet, and one that hardly does
 * anything: without an index it would have to look for its rows among everybody's. As index_seed.c
 * numbers them. */
enum { ORG = 3, DEVICE = 101, USER = 103, FLEET = 11, QUIET = 12, DASHBOARD = 3, NOBODY = 999999 };
#define AT(days) (INDEX_YEAR_NS + (days)*INDEX_DAY_NS)

static const struct catalog_page first_page = {.size = 50, .no_total = true};

static struct sql_tx *begin(struct index_world *w)
{
    struct sql_tx *tx = NULL;
    bug_if(sql_begin(w->db, SQL_WRITE, &tx));
    return tx;
}

static void end(struct sql_tx *tx, enum err e)
{
    if (e && e != ERR_NOTFOUND)
        fprintf(stderr, "%s: %s %s\n", tx->func, err_sentence(e), tx->ops->message(tx));
    bug_if(e && e != ERR_NOTFOUND);
    sql_rollback(tx);
}

static struct catalog_page sorted(const char *name)
{
    struct catalog_page page = first_page;
    page.sort = bytes_str(name);
    page.descending = true;
    return page;
}

/* --- alerts ----------------------------------------------------------------------------------- */

static void alerts_in(struct index_world *w, int64_t org, struct alert_filter f,
                      struct catalog_page page)
{
    struct alert *items;
    struct catalog_listing listing;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_alerts_list(tx, org, &f, &page, &w->arena, &items, &listing, NULL));
}
static void alerts(struct index_world *w, struct alert_filter f, struct catalog_page page)
{
    alerts_in(w, ORG, f, page);
}
#define ANY_ALERT .source = -1, .severity = -1
#define ALERTS(name, page, ...)                                                                    \
    static void name(struct index_world *w)                                                        \
    {                                                                                              \
        alerts(w, (struct alert_filter){ANY_ALERT, __VA_ARGS__}, page);                            \
    }
ALERTS(alerts_in_time, sorted("timestamp"), .from_ns = AT(0), .to_ns = AT(1))
ALERTS(alerts_of_device, first_page, .device = DEVICE)
ALERTS(alerts_unacknowledged, first_page, .unacknowledged = true)
ALERTS(alerts_sorted_rule, sorted("ruleName"), .open = false)
ALERTS(alerts_sorted_device, sorted("deviceId"), .open = false)

static void alerts_newest(struct index_world *w)
{
    alerts_in(w, QUIET, (struct alert_filter){ANY_ALERT}, first_page);
}
static void alerts_severe(struct index_world *w)
{
    alerts(w, (struct alert_filter){.source = -1, .severity = ALERT_CRITICAL}, first_page);
}
static void alerts_of_rule(struct index_world *w)
{
    struct uuid rule; /* of one that organisation 3 has: md5('r2') */
    char hex[40];
    index_world_ask(w, "SELECT md5('r2')", hex, sizeof hex);
    for (int i = 0; i < 16; i++) {
        unsigned byte = 0;
        bug_if(sscanf(hex + 2 * i, "%2x", &byte) != 1);
        rule.b[i] = (uint8_t)byte;
    }
    alerts(w, (struct alert_filter){ANY_ALERT, .rule = &rule}, first_page);
}
static void alerts_open_of_device(struct index_world *w)
{
    struct alert *items;
    size_t n;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_alerts_list_open(tx, ORG, DEVICE, 100, &w->arena, &items, &n));
}
static void alerts_open_after(struct index_world *w)
{
    struct alert *items;
    size_t n;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_alerts_open_after(tx, ORG, 0, 100, &w->arena, &items, &n));
}
static void clean(struct index_world *w, enum cleanup_subject subject, int64_t before_ns)
{
    int64_t orgs[100];
    size_t n;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_cleanup_remove(tx, subject, before_ns, 100, orgs, &n));
}
static void alerts_prune(struct index_world *w)
{
    clean(w, CLEANUP_ALERTS, AT(0) + 100000);
}

/* --- events ----------------------------------------------------------------------------------- */

static void events(struct index_world *w, int64_t org, struct event_filter f)
{
    struct event *items;
    struct catalog_listing listing;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_events_list(tx, org, &f, &first_page, &w->arena, &items, &listing, NULL));
}
static void events_newest(struct index_world *w)
{
    events(w, QUIET, (struct event_filter){.severity = -1});
}
static void events_of_device(struct index_world *w)
{
    events(w, ORG, (struct event_filter){.severity = -1, .device = DEVICE});
}
static void events_of_type(struct index_world *w)
{
    events(w, ORG, (struct event_filter){.severity = -1, .type = BYTES("type 7")});
}
static void events_of_entity(struct index_world *w)
{
    events(w, ORG, (struct event_filter){.severity = -1, .entity_type = BYTES("ENTITY 7")});
}
static void events_severe(struct index_world *w)
{
    events(w, ORG, (struct event_filter){.severity = 2});
}
static void events_old(struct index_world *w)
{
    bool old;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_events_has_old(tx, ORG, AT(0) - 1, &old));
}

/* --- notifications ---------------------------------------------------------------------------- */

static void notes(struct index_world *w, int64_t org, struct notification_filter f,
                  struct catalog_page page)
{
    struct notification *items;
    struct catalog_listing listing;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_notifications_list(tx, org, &f, &page, &w->arena, &items, &listing, NULL));
}
#define NOTES(name, page, channel_, state_, ...)                                                   \
    static void name(struct index_world *w)                                                        \
    {                                                                                              \
        notes(w, ORG,                                                                              \
              (struct notification_filter){.channel = (channel_), .state = (state_), __VA_ARGS__}, \
              page);                                                                               \
    }
NOTES(notes_of_user, first_page, -1, -1, .user = 7)
NOTES(notes_of_webhook, first_page, -1, -1, .webhook = 7)
NOTES(notes_failed, first_page, -1, NOTIFICATION_FAILED, .user = 0)
NOTES(notes_of_channel, first_page, NOTIFY_ALERTMANAGER, -1, .user = 0)
NOTES(notes_sorted, sorted("createdAt"), -1, -1, .user = 0)

static void notes_newest(struct index_world *w)
{
    notes(w, QUIET, (struct notification_filter){.channel = -1, .state = -1}, first_page);
}
static void notes_of_alert(struct index_world *w)
{
    char alert[40];
    index_world_ask(w, "SELECT md5('11')", alert, sizeof alert);
    notes(w, ORG,
          (struct notification_filter){.channel = -1, .state = -1, .alert = bytes_str(alert)},
          first_page);
}
static void notes_next(struct index_world *w)
{
    struct notification next;
    const struct catalog_busy busy = {.target_count = 0};
    struct sql_tx *tx = begin(w);
    end(tx, catalog_notifications_next(tx, &busy, &w->arena, &next));
}
static void notes_queue(struct index_world *w)
{
    struct catalog_queue queue;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_notifications_queue(tx, ORG, BYTES("webhook:8"), 100, &queue));
}
static void notes_purge(struct index_world *w)
{
    clean(w, CLEANUP_NOTIFICATIONS, AT(0) + 100);
}

/* --- devices and what hangs on them ----------------------------------------------------------- */

static void devices(struct index_world *w, int64_t org, struct device_filter f,
                    struct catalog_page page)
{
    struct device *items;
    struct catalog_listing listing;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_devices_list(tx, org, &f, &page, &w->arena, &items, &listing, NULL));
}
#define DEVICES(name, page, ...)                                                                   \
    static void name(struct index_world *w)                                                        \
    {                                                                                              \
        devices(w, FLEET, (struct device_filter){__VA_ARGS__}, page);                              \
    }
DEVICES(devices_located, first_page, .located = true)
DEVICES(devices_labelled, first_page, .labels = {1007})
DEVICES(devices_by_name, sorted("name"), .located = false)
DEVICES(devices_by_location, sorted("location"), .located = false)
DEVICES(devices_by_type, sorted("sensorType"), .located = false)
DEVICES(devices_by_age, sorted("createdAt"), .located = false)

static void devices_gone(struct index_world *w)
{
    struct device d;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_devices_find_deleted(tx, ORG, BYTES("gone-2"), &w->arena, &d));
}
static void devices_purgeable(struct index_world *w)
{
    struct device_key keys[10];
    size_t n;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_devices_list_purgeable(tx, AT(1), keys, 10, &n));
}
static void commands_of_device(struct index_world *w)
{
    struct command *items;
    struct catalog_listing listing;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_commands_list(tx, ORG, DEVICE, &first_page, &w->arena, &items, &listing, NULL));
}
static void commands_waiting(struct index_world *w)
{
    int64_t n, first_ns;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_commands_count_waiting(tx, ORG, DEVICE, AT(0), &n, &first_ns));
}
static void commands_due(struct index_world *w)
{
    struct command *items;
    size_t n;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_commands_list_due(tx, AT(0) + 100000000, 10, &w->arena, &items, &n));
}
static void commands_purge(struct index_world *w)
{
    clean(w, CLEANUP_COMMANDS, AT(0) + 100000);
}
static void rules_of_device(struct index_world *w)
{
    int64_t ids[20];
    size_t n;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_rules_list_device(tx, ORG, DEVICE, 0, ids, 20, &n));
}
static void fleet_rules_due(struct index_world *w)
{
    struct fleet_rule *items;
    size_t n;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_fleet_rules_list_due(tx, AT(0) + 10, 10, &w->arena, &items, &n));
}
static void synthetics_load(struct index_world *w)
{
    struct synthetic *items;
    size_t n;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_synthetics_load(tx, 300, 5, &w->arena, &items, &n));
}
static void widgets_list(struct index_world *w)
{
    struct widget *items;
    size_t n;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_widgets_list(tx, ORG, DASHBOARD, &w->arena, &items, &n));
}
static void shares_list(struct index_world *w)
{
    struct dashboard_share *items;
    size_t n;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_shares_list(tx, ORG, DASHBOARD, &w->arena, &items, &n));
}

/* --- people ----------------------------------------------------------------------------------- */

static enum err ignore_session(void *ctx, const struct session *s)
{
    (void)ctx;
    (void)s;
    return ERR_OK;
}
static void sessions_revoked(struct index_world *w)
{
    struct sql_tx *tx = begin(w);
    end(tx, catalog_sessions_each_revoked(tx, AT(0) + 2000, ignore_session, NULL));
}
static void sessions_of_user(struct index_world *w)
{
    int64_t n;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_sessions_revoke_user(tx, ORG, USER, BYTES("none"), AT(1), &n));
}
static void sessions_purge(struct index_world *w)
{
    clean(w, CLEANUP_SESSIONS, AT(0) + 20000000);
}
static void keys_of_user(struct index_world *w)
{
    struct api_key *items;
    size_t n;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_keys_list(tx, ORG, USER, AT(0), &w->arena, &items, &n));
}
static void resets_of_user(struct index_world *w)
{
    struct sql_tx *tx = begin(w);
    end(tx, catalog_resets_remove_user(tx, ORG, USER));
}
static void invitations_list(struct index_world *w)
{
    struct invitation *items;
    struct catalog_listing listing;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_invitations_list(tx, QUIET, &first_page, &w->arena, &items, &listing, NULL));
}
static void resets_purge(struct index_world *w)
{
    clean(w, CLEANUP_PASSWORD_RESETS, AT(0) + 10);
}
static void users_due(struct index_world *w)
{
    struct user user;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_users_find_due(tx, AT(0) + 1, &w->arena, &user));
}
static void organizations_due(struct index_world *w)
{
    struct organization organization;
    struct sql_tx *tx = begin(w);
    end(tx, catalog_organizations_find_due(tx, AT(0) + 2, &w->arena, &organization));
}

/* --- readings --------------------------------------------------------------------------------- */

static void scan(struct index_world *w, bool descending)
{
    struct scan_cursor *c;
    const struct sample *samples;
    size_t n;
    const struct scan_range range = {ORG, DEVICE, 2 * DEVICE - 1, AT(200), AT(201), descending};
    bug_if(telemetry_scan_open(w->telemetry, &range, &c));
    while (!telemetry_scan_next(c, &samples, &n)) continue;
    telemetry_scan_close(c);
    /* the plan is written when the statement's place is needed by another */
    struct sample latest;
    int64_t series = 1;
    bug_if(telemetry_latest(w->telemetry, ORG, &series, 1, &latest));
}
static void records_of_device(struct index_world *w)
{
    scan(w, true);
}
static void records_forgotten(struct index_world *w)
{
    uint64_t n;
    bug_if(telemetry_retain(w->telemetry, ORG, AT(1), AT(0), &n));
}
static void hours_of_series(struct index_world *w)
{
    static struct rollup hours[9000];
    size_t n;
    const struct scan_range range = {ORG, DEVICE, 2 * DEVICE - 1, AT(0), AT(365), false};
    bug_if(telemetry_rollups(w->telemetry, &range, hours, 9000, &n));
}
static void device_forgotten(struct index_world *w)
{
    bug_if(telemetry_purge_device(w->telemetry, ORG, NOBODY));
}
static void hours_summed_up(struct index_world *w)
{
    bug_if(telemetry_maintain(w->telemetry));
}

/* --- all -------------------------------------------------------------------------------------- */

const struct index_case index_cases[] = {
    /* V57__Pilot_performance_indexes */
    {"alerts_rule", "catalog_alerts_list", false, alerts_of_rule},
    {"alerts_open_device", "catalog_alerts_list_open", false, alerts_open_of_device},
    {"alerts_severity", "catalog_alerts_list", false, alerts_severe},
    {"alerts_rule_name", "catalog_alerts_list", false, alerts_sorted_rule},
    {"alerts_device_name", "catalog_alerts_list", false, alerts_sorted_device},
    {"notifications_webhook", "catalog_notifications_list", false, notes_of_webhook},
    {"notifications_alert", "catalog_notifications_list", false, notes_of_alert},
    {"notifications_state", "catalog_notifications_list", false, notes_failed},
    {"notifications_channel", "catalog_notifications_list", false, notes_of_channel},
    {"notifications_created", "catalog_notifications_list", false, notes_sorted},
    {"devices_purgeable", "catalog_devices_list_purgeable", false, devices_purgeable},
    {"devices_located", "catalog_devices_list", true, devices_located},
    {"devices_name", "catalog_devices_list", true, devices_by_name},
    {"devices_location", "catalog_devices_list", true, devices_by_location},
    {"devices_sensor_type", "catalog_devices_list", true, devices_by_type},
    {"devices_created", "catalog_devices_list", true, devices_by_age},
    {"synthetics_device", "catalog_synthetics_load", false, synthetics_load},
    {"sessions_expiry", "catalog_cleanup_remove", false, sessions_purge},
    {"password_resets_expiry", "catalog_cleanup_remove", false, resets_purge},
    {"telemetry_records_recent", "cleanup_old_telemetry", false, records_forgotten},
    /* those there were */
    {"telemetry_records_pkey", "postgres_scan_open", false, records_of_device},
    {"telemetry_hours_pkey", "postgres_rollups", false, hours_of_series},
    {"telemetry_hours_device", "postgres_purge_device", false, device_forgotten},
    {"telemetry_latest_device", "postgres_purge_device", false, device_forgotten},
    {"telemetry_stale_hour", "postgres_hours_sum_up", false, hours_summed_up},
    {"alerts_org", "catalog_alerts_list", false, alerts_newest},
    {"alerts_time", "catalog_alerts_list", false, alerts_in_time},
    {"alerts_device", "catalog_alerts_list", false, alerts_of_device},
    {"alerts_unacknowledged", "catalog_alerts_list", false, alerts_unacknowledged},
    {"alerts_open", "catalog_alerts_open_after", false, alerts_open_after},
    {"alerts_resolved", "catalog_cleanup_remove", false, alerts_prune},
    {"events_org", "catalog_events_list", false, events_newest},
    {"events_created", "catalog_events_has_old", false, events_old},
    {"events_device", "catalog_events_list", false, events_of_device},
    {"events_type", "catalog_events_list", false, events_of_type},
    {"events_severity", "catalog_events_list", false, events_severe},
    {"events_entity", "catalog_events_list", false, events_of_entity},
    {"notifications_org", "catalog_notifications_list", false, notes_newest},
    {"notifications_user", "catalog_notifications_list", false, notes_of_user},
    {"notifications_due", "catalog_notifications_next", false, notes_next},
    {"notifications_target", "catalog_notifications_queue", false, notes_queue},
    {"notifications_ended", "catalog_cleanup_remove", false, notes_purge},
    {"commands_device", "catalog_commands_list", false, commands_of_device},
    {"commands_waiting", "catalog_commands_count_waiting", false, commands_waiting},
    {"commands_expiry", "catalog_commands_list_due", false, commands_due},
    {"commands_ended", "catalog_cleanup_remove", false, commands_purge},
    {"rules_device", "catalog_rules_list_device", false, rules_of_device},
    {"fleet_rules_due", "catalog_fleet_rules_list_due", false, fleet_rules_due},
    {"device_labels_label", "catalog_devices_list", true, devices_labelled},
    {"devices_deleted", "catalog_devices_find_deleted", false, devices_gone},
    {"widgets_dashboard", "catalog_widgets_list", false, widgets_list},
    {"dashboard_shares_dashboard", "catalog_shares_list", false, shares_list},
    {"sessions_user", "catalog_sessions_revoke_user", false, sessions_of_user},
    {"sessions_revoked", "catalog_sessions_each_revoked", false, sessions_revoked},
    {"api_keys_user", "catalog_keys_list", false, keys_of_user},
    {"password_resets_user", "catalog_resets_remove_user", false, resets_of_user},
    {"invitations_org", "catalog_invitations_list", false, invitations_list},
    {"users_deleted", "catalog_users_find_due", false, users_due},
    {"organizations_deleted", "catalog_organizations_find_due", false, organizations_due},
};
const size_t index_case_count = sizeof index_cases / sizeof index_cases[0];
