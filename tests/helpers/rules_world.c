/* See rules_world.h. */
#include "rules_world.h"

#include "model/record.h"
#include "store/embedded/engine.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void wake(void *ctx)
{
    ((struct rules_world *)ctx)->wakes++;
}

static void changed(void *ctx, int64_t org, int64_t rule)
{
    rule_followers_changed(((struct rules_world *)ctx)->rules, org, rule);
}

static enum err in_tx(void *ctx, struct sql_tx *tx, const struct alert *a, enum alert_change change)
{
    struct rules_world *r = ctx;
    (void)tx;
    r->in_tx[change]++;
    if (!r->fail_times) return ERR_OK;
    if (r->fail_variable && !bytes_is(a->variable, r->fail_variable)) return ERR_OK;
    r->fail_times--;
    return r->fail;
}

static void committed(void *ctx, const struct alert *a, enum alert_change change)
{
    (void)a;
    ((struct rules_world *)ctx)->committed[change]++;
}

static void open_rules(struct rules_world *r)
{
    const struct clock *clock = &r->w.clock.clock;
    const struct alerts_hook mine = {r, in_tx, committed};
    const struct followers_opts followers = {r->w.registry, r->telemetry, clock};
    alerts_init(&r->alerts, clock);
    assert_int_equal(followers_new(&r->followers, &followers), ERR_OK);
    const struct rule_followers_opts rules = {r->w.db, &r->alerts, r->followers, clock,
                                              rnd_system()};
    assert_int_equal(rule_followers_new(&r->rules, &rules), ERR_OK);
    followers_set_waker(r->followers, wake, r);
    const struct alerts_hook people = rule_followers_hook(r->rules);
    alerts_add_hook(&r->alerts, &mine);
    alerts_add_hook(&r->alerts, &people);
    r->alert_service = (struct alert_service){r->w.db, &r->alerts, clock};
    r->service = (struct rule_service){.db = r->w.db,
                                       .registry = r->w.registry,
                                       .telemetry = r->telemetry,
                                       .alerts = &r->alerts,
                                       .clock = clock,
                                       .rnd = rnd_system(),
                                       .changed = changed,
                                       .changed_ctx = r};
    r->w.devices.telemetry = r->telemetry;
    r->w.devices.watcher = rule_devices_watcher(&r->service);
    followers_on_idle(r->followers);
}

static void close_rules(struct rules_world *r)
{
    rule_followers_free(r->rules);
    followers_free(r->followers);
}

static void act_as(struct rules_world *r, const char *username)
{
    struct principal p;
    const struct auth_tokens tokens = service_world_register(&r->w, username);
    assert_int_equal(service_world_ask(&r->w, tokens.access, &p), ERR_OK);
    r->actor = service_world_actor(&r->w, &p);
}

struct actor rules_world_other(struct rules_world *r, const char *username)
{
    const struct actor before = r->actor;
    act_as(r, username);
    rules_world_device(r, "pump");
    return before;
}

void rules_world_open(struct rules_world *r)
{
    struct why why = {""};
    char dir[96];
    memset(r, 0, sizeof *r);
    service_world_open(&r->w);
    snprintf(dir, sizeof dir, "%s/telemetry", r->w.dir.path);
    const struct engine_opts opts = {dir, fs_real(), &r->w.clock.clock, UINT64_C(4) << 20, 0};
    assert_int_equal(engine_open(&r->telemetry, &opts, &why), ERR_OK);
    act_as(r, "ada");
    open_rules(r);
    rules_world_device(r, "pump");
}

void rules_world_close(struct rules_world *r)
{
    close_rules(r);
    r->telemetry->ops->close(r->telemetry);
    service_world_close(&r->w);
}

void rules_world_crash(struct rules_world *r)
{
    close_rules(r);
    service_world_reopen(&r->w, NULL);
    open_rules(r);
}

void rules_world_restart(struct rules_world *r)
{
    followers_stop(r->followers);
    followers_on_idle(r->followers);
    rules_world_crash(r);
}

int64_t rules_world_now(struct rules_world *r)
{
    return clock_wall_ns(&r->w.clock.clock);
}

int64_t rules_world_device(struct rules_world *r, const char *external_id)
{
    struct device d, given = {.external_id = bytes_str(external_id),
                              .active = true,
                              .latitude = (double)NAN,
                              .longitude = (double)NAN,
                              .altitude = (double)NAN};
    char token[TOKENS_DEVICE_TEXT + 1];
    struct refusal refusal = {.fields = 0};
    enum err e =
        device_service_create(&r->w.devices, &r->actor, &given, &r->w.arena, &d, token, &refusal);
    assert_int_equal(e, ERR_OK);
    return d.id;
}

struct rule rules_world_rule(struct rules_world *r, const char *variable, enum rule_operator op,
                             double threshold, double for_s, double cooldown_minutes)
{
    struct rule rule;
    struct refusal refusal = {.fields = 0};
    const struct rule_change given = {
        .name = {true, BYTES("a rule")},
        .device = {true, BYTES("pump")},
        .variable = {true, bytes_str(variable)},
        .op = {true, bytes_str(rule_operator_name(op))},
        .threshold = {true, threshold},
        .for_s = {true, for_s},
        .cooldown_minutes = {true, cooldown_minutes},
    };
    assert_int_equal(
        rule_service_create(&r->service, &r->actor, &given, &r->w.arena, &rule, &refusal), ERR_OK);
    followers_on_idle(r->followers); /* what the wake-up does */
    return rule;
}

static struct record_set make_set(struct rules_world *r, const char *variable, size_t n)
{
    struct reg_variable *v;
    const struct bytes name = bytes_str(variable);
    size_t at;
    struct why why = {""};
    struct provision p = {.org = r->actor.org,
                          .external_id = BYTES("pump"),
                          .name_count = 1,
                          .names = &name,
                          .variables = &v};
    assert_int_equal(registry_provision(r->w.registry, &p, 1, &at, &why), ERR_OK);
    struct record_set set = {arena_array(&r->w.arena, n, sizeof *set.records), n,
                             arena_array(&r->w.arena, n, sizeof *set.points), n};
    for (uint32_t i = 0; i < n; i++) {
        set.records[i] = (struct record){r->actor.org, p.device->id, 0, i, 1};
        set.points[i].series = v->id;
    }
    return set;
}

static void write(struct rules_world *r, const struct record_set *set, bool show)
{
    struct why why = {""};
    assert_int_equal(telemetry_write(r->telemetry, &set, 1, &why), ERR_OK);
    if (show && followers_watches(r->followers, r->actor.org))
        followers_on_records(r->followers, set);
}

static void write_one(struct rules_world *r, const char *variable, int64_t ts_ns, double value,
                      bool show)
{
    const struct record_set set = make_set(r, variable, 1);
    set.records[0].ts_ns = ts_ns;
    set.points[0].value = value;
    write(r, &set, show);
}

void rules_world_send(struct rules_world *r, const char *variable, int64_t ts_ns, double value)
{
    write_one(r, variable, ts_ns, value, true);
}

void rules_world_miss(struct rules_world *r, const char *variable, int64_t ts_ns, double value)
{
    write_one(r, variable, ts_ns, value, false);
}

void rules_world_flood(struct rules_world *r, const char *variable, int64_t from_ns,
                       int64_t step_ns, size_t n, const double values[2])
{
    const struct record_set set = make_set(r, variable, n);
    for (size_t i = 0; i < n; i++) {
        set.records[i].ts_ns = from_ns + (int64_t)i * step_ns;
        set.points[i].value = values[i % 2];
    }
    write(r, &set, true);
}

void rules_world_gap(struct rules_world *r)
{
    followers_on_gap(r->followers);
}

/* As the tap's thread does: again, as long as it asks for that. */
void rules_world_settle(struct rules_world *r)
{
    int before;
    do {
        before = r->wakes;
        followers_on_idle(r->followers);
    } while (r->wakes != before);
}

size_t rules_world_alerts(struct rules_world *r, struct alert **ret)
{
    const struct alert_filter filter = {.severity = -1};
    const struct catalog_page page = {.size = CATALOG_PAGE_MAX, .sort = BYTES("timestamp")};
    struct catalog_listing listing;
    assert_int_equal(alert_service_list(&r->alert_service, r->actor.org, &filter, &page,
                                        &r->w.arena, ret, &listing, NULL),
                     ERR_OK);
    assert_false(listing.more);
    return listing.count;
}
