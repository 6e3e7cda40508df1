/* Deleted devices on their way back, and many devices at once, with a clock moved by hand. */
#include "service/device_bulk.h"
#include "service/device_import.h"
#include "service/event_types.h"
#include "service_world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct service_world w;
static struct actor ada;

static int open_world(void **state)
{
    (void)state;
    service_world_open(&w);
    struct auth_tokens t = service_world_register(&w, "ada");
    struct principal p;
    assert_int_equal(service_world_ask(&w, t.access, &p), ERR_OK);
    ada = service_world_actor(&w, &p);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    service_world_close(&w);
    return 0;
}

static struct device create(const char *id)
{
    struct refusal refusal = {.fields = 0};
    struct device d;
    char token[TOKENS_DEVICE_TEXT + 1];
    const struct device given = {.external_id = bytes_str(id),
                                 .active = true,
                                 .latitude = (double)NAN,
                                 .longitude = (double)NAN,
                                 .altitude = (double)NAN};
    assert_int_equal(device_service_create(&w.devices, &ada, &given, &w.arena, &d, token, &refusal),
                     ERR_OK);
    return d;
}

static void delete (const char *id)
{
    assert_int_equal(device_service_delete(&w.devices, &ada, bytes_str(id), &w.arena), ERR_OK);
}

static enum err restore(const char *id, struct device *ret, struct refusal *refusal)
{
    *refusal = (struct refusal){.fields = 0};
    return device_service_restore(&w.devices, &ada, bytes_str(id), &w.arena, ret, refusal);
}

static void it_can_be_restored_for_seven_days_and_no_longer(void **state)
{
    (void)state;
    struct device d;
    struct refusal refusal;
    create("early");
    create("late");
    delete ("early");
    delete ("late");
    clock_fake_advance(&w.clock, DEVICE_RESTORABLE_NS - 1);
    assert_int_equal(restore("early", &d, &refusal), ERR_OK);
    assert_false(d.has_token);
    assert_ptr_equal(registry_find_external(w.registry, ada.org, BYTES("early")),
                     registry_find_key(w.registry, ada.org, d.id));
    clock_fake_advance(&w.clock, 1);
    assert_int_equal(restore("late", &d, &refusal), ERR_NOTFOUND);
    assert_null(registry_find_external(w.registry, ada.org, BYTES("late")));
    assert_int_equal(service_world_events(&w, ada.org, EVENT_DEVICE_RESTORED), 1);
}

static void a_restore_counts_against_the_limit_of_devices(void **state)
{
    (void)state;
    struct device d;
    struct refusal refusal;
    w.pilot.max[LIMIT_DEVICES] = 1;
    create("one");
    delete ("one");
    create("two");
    assert_int_equal(restore("one", &d, &refusal), ERR_LIMIT);
    assert_string_equal(refusal.limit, "pilot.max-devices-per-org");
    delete ("two");
    assert_int_equal(restore("one", &d, &refusal), ERR_OK);
}

static enum err provision(const char *id, int64_t by_device)
{
    struct why why = {""};
    size_t at;
    struct provision item = {.org = ada.org,
                             .external_id = bytes_str(id),
                             .by_device = by_device,
                             .create_device = true};
    return registry_provision(w.registry, &item, 1, &at, &why);
}

static void its_own_messages_do_not_make_it_again_for_a_day(void **state)
{
    (void)state;
    const struct device sender = create("sender");
    create("gone");
    delete ("gone");
    assert_int_equal(provision("gone", sender.id), ERR_FORBIDDEN);
    clock_fake_advance(&w.clock, 24 * NS_PER_HOUR - 1);
    assert_int_equal(provision("gone", sender.id), ERR_FORBIDDEN);
    clock_fake_advance(&w.clock, 1);
    assert_int_equal(provision("gone", sender.id), ERR_OK);
}

static void a_bulk_of_several_transactions_tells_the_registry_of_each(void **state)
{
    (void)state;
    enum { N = BULK_PIECE * 2 + 1 };
    struct device_import_row *rows = arena_zalloc(&w.arena, N * sizeof *rows);
    struct device_outcome *items = arena_zalloc(&w.arena, N * sizeof *items);
    struct refusal refusal = {.fields = 0};
    assert_non_null(rows);
    assert_non_null(items);
    for (size_t i = 0; i < N; i++) {
        rows[i].external_id = bytes_str(arena_printf(&w.arena, "d%zu", i));
        items[i].id = rows[i].external_id;
    }
    assert_int_equal(device_import_run(&w.devices, &ada, rows, N, &w.arena), ERR_OK);
    assert_int_equal(registry_count_devices(w.registry, ada.org), N);
    const struct device_bulk off = {.operation = DEVICE_DISABLE};
    assert_int_equal(device_bulk_run(&w.devices, &ada, &off, items, N, &w.arena, &refusal), ERR_OK);
    for (size_t i = 0; i < N; i++) {
        const struct reg_device *r = registry_find_external(w.registry, ada.org, items[i].id);
        assert_non_null(r);
        assert_false(r->active);
        assert_null(items[i].why);
    }
    const struct device_bulk gone = {.operation = DEVICE_DELETE};
    assert_int_equal(device_bulk_run(&w.devices, &ada, &gone, items, N, &w.arena, &refusal),
                     ERR_OK);
    assert_int_equal(registry_count_devices(w.registry, ada.org), 0);
    assert_int_equal(service_world_events(&w, ada.org, EVENT_DEVICE_DELETED), N);
    assert_int_equal(device_bulk_run(&w.devices, &ada, &gone, items, N, &w.arena, &refusal),
                     ERR_OK);
    for (size_t i = 0; i < N; i++) assert_non_null(items[i].why);
}

static void rows_past_the_limit_of_devices_fail_alone(void **state)
{
    (void)state;
    w.pilot.max[LIMIT_DEVICES] = 2;
    create("known");
    struct device_import_row rows[] = {
        {.external_id = BYTES("new-1")},
        {.external_id = BYTES("new-2")},
        {.external_id = BYTES("known"), .change.location = {true, BYTES("cellar")}}};
    assert_int_equal(device_import_run(&w.devices, &ada, rows, 3, &w.arena), ERR_OK);
    assert_null(rows[0].why);
    assert_true(rows[0].created);
    assert_non_null(rows[1].why);
    assert_null(rows[2].why);
    assert_false(rows[2].created);
    assert_int_equal(registry_count_devices(w.registry, ada.org), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_can_be_restored_for_seven_days_and_no_longer, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_restore_counts_against_the_limit_of_devices, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(its_own_messages_do_not_make_it_again_for_a_day, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_bulk_of_several_transactions_tells_the_registry_of_each,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(rows_past_the_limit_of_devices_fail_alone, open_world,
                                        close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
