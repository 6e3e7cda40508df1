/* The end of a deleted device: nothing before 7 days, then telemetry and row, once. */
#include "service/device_purge.h"

#include "memory_store.h"
#include "service_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void deleted_device_is_purged_after_seven_days_and_once(void **state)
{
    (void)state;
    struct service_world w;
    service_world_open(&w);
    w.devices.telemetry = memory_store_new();
    struct auth_tokens login = service_world_register(&w, "ann");
    struct principal who;
    assert_int_equal(service_world_ask(&w, login.access, &who), ERR_OK);
    const struct actor actor = service_world_actor(&w, &who);
    const struct device given = {.external_id = BYTES("old"), .active = true};
    struct device made;
    char token[TOKENS_DEVICE_TEXT + 1];
    struct refusal refusal = {0};
    size_t n = 99;
    assert_int_equal(
        device_service_create(&w.devices, &actor, &given, &w.arena, &made, token, &refusal),
        ERR_OK);
    assert_int_equal(device_purge_run(&w.devices, &n), ERR_OK);
    assert_int_equal(n, 0);
    assert_int_equal(device_service_delete(&w.devices, &actor, BYTES("old"), &w.arena), ERR_OK);
    clock_fake_advance(&w.clock, DEVICE_RESTORABLE_NS - NS_PER_S);
    assert_int_equal(device_purge_run(&w.devices, &n), ERR_OK);
    assert_int_equal(n, 0);
    clock_fake_advance(&w.clock, 2 * NS_PER_S);
    assert_int_equal(device_purge_run(&w.devices, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(memory_store_purged(w.devices.telemetry), 1);
    assert_int_equal(device_purge_run(&w.devices, &n), ERR_OK);
    assert_int_equal(n, 0);
    w.devices.telemetry->ops->close(w.devices.telemetry);
    service_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deleted_device_is_purged_after_seven_days_and_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
