/* The number of a fleet rule, against the definitions written out by hand. */
#include "rules/fleet_value.h"

#include "memory_store.h"
#include "service_world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { DEVICES = 5 };

struct world {
    struct service_world w;
    struct telemetry *store;
    struct reg_device *devices[DEVICES];
    struct fleet_scope scope;
    int64_t org, now_ns;
};

static void write_value(struct world *t, struct reg_device *d, const char *name, int64_t ts_ns,
                        double value)
{
    struct reg_variable *made[1];
    const struct bytes names[] = {bytes_str(name)};
    struct provision item = {
        .org = t->org, .device = d, .name_count = 1, .names = names, .variables = made};
    size_t at;
    struct why why = {""};
    assert_int_equal(registry_provision(t->w.registry, &item, 1, &at, &why), ERR_OK);
    struct point point = {made[0]->id, value};
    struct record record = {t->org, d->id, ts_ns, 0, 1};
    const struct record_set set = {&record, 1, &point, 1};
    const struct record_set *sets[] = {&set};
    assert_int_equal(t->store->ops->write(t->store, sets, 1, &why), ERR_OK);
}

static void open_world(struct world *t)
{
    service_world_open(&t->w);
    t->store = memory_store_new();
    struct auth_tokens login = service_world_register(&t->w, "ann");
    struct principal who;
    assert_int_equal(service_world_ask(&t->w, login.access, &who), ERR_OK);
    t->org = who.org;
    t->now_ns = clock_wall_ns(&t->w.clock.clock);
    for (int i = 0; i < DEVICES; i++) {
        char name[8] = {'d', (char)('0' + i)};
        struct provision item = {
            .org = who.org, .external_id = bytes_str(name), .create_device = true};
        size_t at;
        struct why why = {""};
        assert_int_equal(registry_provision(t->w.registry, &item, 1, &at, &why), ERR_OK);
        t->devices[i] = item.device;
    }
    t->scope = (struct fleet_scope){.telemetry = t->store,
                                    .registry = t->w.registry,
                                    .devices = t->devices,
                                    .n = DEVICES,
                                    .now_ns = t->now_ns};
}

static void close_world(struct world *t)
{
    t->store->ops->close(t->store);
    service_world_close(&t->w);
}

static struct fleet_value compute(struct world *t, enum fleet_function f, const char *variable,
                                  int64_t window_ns)
{
    const struct fleet_rule r = {
        .org = t->org, .function = f, .variable = bytes_str(variable), .window_ns = window_ns};
    struct fleet_value v;
    struct why why = {""};
    assert_int_equal(fleet_value_compute(&r, &t->scope, &t->w.arena, &v, &why), ERR_OK);
    return v;
}

static void devices_are_counted_by_their_status(void **state)
{
    (void)state;
    struct world t;
    open_world(&t);
    atomic_store(&t.devices[0]->last_seen_ns, t.now_ns);
    atomic_store(&t.devices[1]->last_seen_ns, t.now_ns - DEVICE_SILENCE_NS + 1);
    atomic_store(&t.devices[2]->last_seen_ns, t.now_ns - DEVICE_SILENCE_NS);
    assert_true(compute(&t, FLEET_COUNT_DEVICES, NULL, 0).value == 5);
    assert_true(compute(&t, FLEET_COUNT_ONLINE, NULL, 0).value == 2);
    assert_true(compute(&t, FLEET_COUNT_OFFLINE, NULL, 0).value == 3); /* unheard ones too */
    assert_true(compute(&t, FLEET_PERCENT_ONLINE, NULL, 0).value == 40);
    assert_int_equal(compute(&t, FLEET_COUNT_ONLINE, NULL, 0).affected_count, 2);
    t.scope.n = 0;
    assert_false(compute(&t, FLEET_PERCENT_ONLINE, NULL, 0).known);
    assert_true(compute(&t, FLEET_COUNT_DEVICES, NULL, 0).known);
    close_world(&t);
}

static void newest_values_make_the_number_and_what_is_missing_is_not_zero(void **state)
{
    (void)state;
    static const struct {
        enum fleet_function f;
        double value;
    } expected[] = {{FLEET_SUM, 26},     {FLEET_AVG, 6.5},
                    {FLEET_MIN, 1},      {FLEET_MAX, 16},
                    {FLEET_MEDIAN, 4.5}, {FLEET_PERCENTILE_95, 14.65}, /* rank 2.85: 7 + 0.85 * 9 */
                    {FLEET_RANGE, 15}};
    struct world t;
    open_world(&t);
    assert_false(compute(&t, FLEET_AVG, "heat", 0).known);
    const double values[] = {2, 7, 16, 1};
    for (int i = 0; i < 4; i++) {
        write_value(&t, t.devices[i], "heat", t.now_ns - 2, 1000); /* an older reading */
        write_value(&t, t.devices[i], "heat", t.now_ns - 1, values[i]);
    }
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct fleet_value v = compute(&t, expected[i].f, "heat", 0);
        assert_true(v.known);
        assert_int_equal(v.affected_count, 4);
        assert_true(fabs(v.value - expected[i].value) < 1e-12);
    }
    double mean = 6.5, squares = 0;
    for (int i = 0; i < 4; i++) squares += (values[i] - mean) * (values[i] - mean);
    assert_true(fabs(compute(&t, FLEET_STDDEV, "heat", 0).value - sqrt(squares / 4)) < 1e-12);
    close_world(&t);
}

static void window_takes_all_readings_after_its_start(void **state)
{
    (void)state;
    struct world t;
    open_world(&t);
    int64_t edge = t.now_ns - NS_PER_HOUR;
    write_value(&t, t.devices[0], "heat", edge, 1000); /* (now - w, now]: just outside */
    write_value(&t, t.devices[0], "heat", edge + 1, 1);
    write_value(&t, t.devices[0], "heat", t.now_ns - NS_PER_MINUTE, 3);
    write_value(&t, t.devices[1], "heat", t.now_ns, 8);
    write_value(&t, t.devices[1], "heat", t.now_ns + 1, 1000); /* a clock that is ahead */
    assert_true(compute(&t, FLEET_SUM, "heat", NS_PER_HOUR).value == 12);
    assert_true(compute(&t, FLEET_AVG, "heat", NS_PER_HOUR).value == 4);
    assert_true(compute(&t, FLEET_MEDIAN, "heat", NS_PER_HOUR).value == 3);
    assert_true(compute(&t, FLEET_RANGE, "heat", NS_PER_HOUR).value == 7);
    assert_false(compute(&t, FLEET_AVG, "cold", NS_PER_HOUR).known);
    t.scope.now_ns += NS_PER_DAY;
    assert_false(compute(&t, FLEET_RANGE, "heat", NS_PER_HOUR).known);
    close_world(&t);
}

static void function_names_are_taken_as_old_clients_write_them(void **state)
{
    (void)state;
    enum fleet_function f;
    assert_true(fleet_rule_parse_function(BYTES("countDevices"), &f));
    assert_int_equal(f, FLEET_COUNT_DEVICES);
    assert_true(fleet_rule_parse_function(BYTES("PERCENTILE_95"), &f));
    assert_int_equal(f, FLEET_PERCENTILE_95);
    assert_false(fleet_rule_parse_function(BYTES(""), &f));
    assert_false(fleet_rule_parse_function(BYTES("percentile"), &f));
    assert_false(fleet_rule_parse_function(BYTES("percentile95percentile95percentile95"), &f));
    for (int i = 0; i < FLEET_FUNCTIONS; i++) {
        const char *name = fleet_rule_function_name((enum fleet_function)i);
        assert_true(fleet_rule_parse_function(bytes_str(name), &f));
        assert_int_equal(f, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_are_counted_by_their_status),
        cmocka_unit_test(newest_values_make_the_number_and_what_is_missing_is_not_zero),
        cmocka_unit_test(window_takes_all_readings_after_its_start),
        cmocka_unit_test(function_names_are_taken_as_old_clients_write_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
