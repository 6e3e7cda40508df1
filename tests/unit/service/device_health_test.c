/* The health of a device: the formula at its corners, and a pass over real devices. */
#include "service/device_health.h"

#include "memory_store.h"
#include "service_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int score(int64_t silent_s, int64_t alerts, int64_t records, enum device_status status)
{
    const struct device_vitals v = {.silent_ns = silent_s * NS_PER_S,
                                    .open_alerts = alerts,
                                    .records_24h = records,
                                    .status = status};
    return device_health_score(&v);
}

static void score_follows_the_formula(void **state)
{
    (void)state;
    assert_int_equal(score(0, 0, 288, DEVICE_ONLINE), 100);
    assert_int_equal(score(300, 0, 1000, DEVICE_ONLINE), 100);
    assert_int_equal(score(1050, 0, 288, DEVICE_ONLINE), 80); /* half way from 5 to 30 minutes */
    assert_int_equal(score(1800, 0, 288, DEVICE_ONLINE), 60);
    assert_int_equal(score(0, 1, 288, DEVICE_ONLINE), 94);
    assert_int_equal(score(0, 2, 288, DEVICE_ONLINE), 94);
    assert_int_equal(score(0, 3, 288, DEVICE_ONLINE), 82);
    assert_int_equal(score(0, 5, 288, DEVICE_ONLINE), 82);
    assert_int_equal(score(0, 6, 288, DEVICE_ONLINE), 81); /* 35: 80.5 is rounded up */
    assert_int_equal(score(0, 13, 288, DEVICE_ONLINE), 70);
    assert_int_equal(score(0, 100, 288, DEVICE_ONLINE), 70);
    assert_int_equal(score(0, 0, 144, DEVICE_ONLINE), 90);
    assert_int_equal(score(7200, 13, 0, DEVICE_OFFLINE), 0);
    const struct device_vitals never = {.silent_ns = INT64_MAX, .status = DEVICE_UNKNOWN};
    assert_int_equal(device_health_score(&never), 35);
}

static void score_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(device_health_name(100), "EXCELLENT");
    assert_string_equal(device_health_name(80), "EXCELLENT");
    assert_string_equal(device_health_name(79), "GOOD");
    assert_string_equal(device_health_name(59), "FAIR");
    assert_string_equal(device_health_name(39), "POOR");
    assert_string_equal(device_health_name(19), "CRITICAL");
}

static void write_readings(struct telemetry *store, const struct reg_variable *v, int64_t from_ns,
                           int64_t step_ns, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct point point = {v->id, 1};
        struct record record = {v->device->org, v->device->id, from_ns + i * step_ns, 0, 1};
        const struct record_set set = {&record, 1, &point, 1};
        const struct record_set *sets[] = {&set};
        struct why why = {""};
        assert_int_equal(store->ops->write(store, sets, 1, &why), ERR_OK);
    }
}

static void pass_counts_the_busiest_variable_of_a_day(void **state)
{
    (void)state;
    struct service_world w;
    service_world_open(&w);
    w.devices.telemetry = memory_store_new();
    struct auth_tokens login = service_world_register(&w, "ann");
    struct principal who;
    assert_int_equal(service_world_ask(&w, login.access, &who), ERR_OK);
    const struct bytes names[] = {BYTES("rare"), BYTES("often")};
    struct reg_variable *made[2];
    struct provision item = {.org = who.org,
                             .external_id = BYTES("pump"),
                             .create_device = true,
                             .name_count = 2,
                             .names = names,
                             .variables = made};
    size_t at;
    struct why why = {""};
    assert_int_equal(registry_provision(w.registry, &item, 1, &at, &why), ERR_OK);
    const struct clock *clock = &w.clock.clock;
    int64_t now = clock_wall_ns(clock);
    write_readings(w.devices.telemetry, made[0], now - NS_PER_HOUR, NS_PER_MINUTE, 3);
    write_readings(w.devices.telemetry, made[1], now - 2 * NS_PER_DAY, NS_PER_MINUTE, 100);
    write_readings(w.devices.telemetry, made[1], now - NS_PER_HOUR, NS_PER_S, 144);
    atomic_store(&item.device->last_seen_ns, now);
    struct device_health *h;
    bool done;
    assert_int_equal(device_health_new(&h, w.db, w.registry, w.devices.telemetry, clock), ERR_OK);
    assert_int_equal(device_health_run(h, NS_PER_S, &done), ERR_OK);
    assert_true(done);
    assert_int_equal(atomic_load(&item.device->health), 90); /* 144 of 288 */
    struct device d;
    assert_int_equal(device_service_find(&w.devices, who.org, BYTES("pump"), &w.arena, &d), ERR_OK);
    assert_int_equal(d.health, 90);
    assert_int_equal(d.health_checked_ns, now);
    assert_int_equal(device_health_run(h, NS_PER_S, &done), ERR_OK);
    assert_false(done); /* not due */
    clock_fake_advance(&w.clock, DEVICE_HEALTH_PERIOD_NS);
    assert_int_equal(device_health_run(h, NS_PER_S, &done), ERR_OK);
    assert_true(done);
    clock_fake_advance(&w.clock, 2 * NS_PER_DAY);
    assert_int_equal(device_health_run(h, NS_PER_S, &done), ERR_OK);
    assert_int_equal(atomic_load(&item.device->health), 30); /* no alerts is all that is left */
    device_health_free(h);
    w.devices.telemetry->ops->close(w.devices.telemetry);
    service_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(score_follows_the_formula),
        cmocka_unit_test(score_has_a_name),
        cmocka_unit_test(pass_counts_the_busiest_variable_of_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
