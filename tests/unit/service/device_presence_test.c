/* Who fell silent is told once, also over restarts; who is back, too. */
#include "service/device_presence.h"

#include "service_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct heard {
    int online, offline;
};

static void hear(void *ctx, const struct reg_device *d, enum device_status status, int64_t at_ns)
{
    (void)d;
    (void)at_ns;
    struct heard *h = ctx;
    h->online += status == DEVICE_ONLINE;
    h->offline += status == DEVICE_OFFLINE;
}

struct world {
    struct service_world w;
    struct heard heard;
    struct device_presence presence;
    struct reg_device *device;
    int64_t org;
};

static void begin_again(struct world *t)
{
    t->presence = (struct device_presence){
        .db = t->w.db,
        .registry = t->w.registry,
        .clock = &t->w.clock.clock,
        .started_ns = clock_wall_ns(&t->w.clock.clock),
        .ctx = &t->heard,
        .changed = hear,
    };
    t->device = registry_find_external(t->w.registry, t->org, BYTES("pump"));
    assert_non_null(t->device);
}

static void open_world(struct world *t)
{
    *t = (struct world){.heard = {0, 0}};
    service_world_open(&t->w);
    struct auth_tokens login = service_world_register(&t->w, "ann");
    struct principal who;
    assert_int_equal(service_world_ask(&t->w, login.access, &who), ERR_OK);
    const struct actor actor = service_world_actor(&t->w, &who);
    const struct device given = {.external_id = BYTES("pump"), .active = true};
    struct device made;
    char token[TOKENS_DEVICE_TEXT + 1];
    struct refusal refusal = {0};
    assert_int_equal(
        device_service_create(&t->w.devices, &actor, &given, &t->w.arena, &made, token, &refusal),
        ERR_OK);
    t->org = who.org;
    begin_again(t);
    clock_fake_advance(&t->w.clock, PRESENCE_GRACE_NS);
}

static size_t look(struct world *t)
{
    size_t n = 99;
    assert_int_equal(device_presence_run(&t->presence, &n), ERR_OK);
    return n;
}

static void speak(struct world *t)
{
    atomic_store(&t->device->last_seen_ns, clock_wall_ns(&t->w.clock.clock));
    atomic_store(&t->device->seen_dirty, true);
}

static void silence_and_return_are_told_once_each(void **state)
{
    (void)state;
    struct world t;
    open_world(&t);
    assert_int_equal(look(&t), 0); /* never seen: nothing to tell */
    speak(&t);
    assert_int_equal(look(&t), 1);
    assert_int_equal(t.heard.online, 1);
    assert_int_equal(service_world_events(&t.w, t.org, "DEVICE_CONNECTED"), 0);
    clock_fake_advance(&t.w.clock, DEVICE_SILENCE_NS - NS_PER_S);
    assert_int_equal(look(&t), 0);
    clock_fake_advance(&t.w.clock, 2 * NS_PER_S);
    assert_int_equal(look(&t), 1);
    assert_int_equal(look(&t), 0);
    assert_int_equal(t.heard.offline, 1);
    assert_int_equal(service_world_events(&t.w, t.org, "DEVICE_OFFLINE"), 1);
    speak(&t);
    assert_int_equal(look(&t), 1);
    assert_int_equal(service_world_events(&t.w, t.org, "DEVICE_CONNECTED"), 1);
    service_world_close(&t.w);
}

static void restart_tells_nothing_twice_and_gives_devices_time(void **state)
{
    (void)state;
    struct world t;
    open_world(&t);
    speak(&t);
    assert_int_equal(look(&t), 1);
    assert_int_equal(registry_save_seen(t.w.registry), ERR_OK);
    clock_fake_advance(&t.w.clock, 2 * DEVICE_SILENCE_NS);
    service_world_reopen(&t.w, NULL);
    begin_again(&t);
    assert_int_equal(look(&t), 0); /* the server was away, perhaps not the device */
    clock_fake_advance(&t.w.clock, PRESENCE_GRACE_NS);
    assert_int_equal(look(&t), 1);
    service_world_reopen(&t.w, NULL);
    begin_again(&t);
    clock_fake_advance(&t.w.clock, PRESENCE_GRACE_NS);
    assert_int_equal(look(&t), 0);
    assert_int_equal(service_world_events(&t.w, t.org, "DEVICE_OFFLINE"), 1);
    service_world_close(&t.w);
}

/* Another server on the same catalog, which has heard the device as we have, and not yet what we
 * told of it. */
static void a_server_that_takes_over_tells_nothing_twice(void **state)
{
    (void)state;
    struct world t;
    struct registry *other;
    struct why why;
    open_world(&t);
    speak(&t);
    assert_int_equal(registry_save_seen(t.w.registry), ERR_OK);
    assert_int_equal(look(&t), 1);
    assert_int_equal(registry_open(&other, t.w.db, &t.w.clock.clock, rnd_system(), &why), ERR_OK);
    struct device_presence first = t.presence, second = t.presence;
    second.registry = other;
    clock_fake_advance(&t.w.clock, DEVICE_SILENCE_NS + NS_PER_S);
    assert_int_equal(look(&t), 1);
    assert_int_equal(t.heard.offline, 1);
    t.presence = second;
    (void)look(&t);
    assert_int_equal(service_world_events(&t.w, t.org, "DEVICE_OFFLINE"), 1);
    assert_int_equal(t.heard.offline, 1);
    struct reg_device *there = registry_find_external(other, t.org, BYTES("pump"));
    speak(&t);
    atomic_store(&there->last_seen_ns, clock_wall_ns(&t.w.clock.clock));
    assert_int_equal(look(&t), 1); /* the other one leads now: it tells what comes */
    t.presence = first;
    (void)look(&t);
    assert_int_equal(service_world_events(&t.w, t.org, "DEVICE_CONNECTED"), 1);
    assert_int_equal(t.heard.online, 2); /* of the first reading, and of this one */
    registry_free(other);
    service_world_close(&t.w);
}

static void deleted_device_is_not_missed(void **state)
{
    (void)state;
    struct world t;
    open_world(&t);
    speak(&t);
    assert_int_equal(look(&t), 1);
    const struct actor actor = {.name = BYTES("user:ann"), .org = t.org};
    assert_int_equal(device_service_delete(&t.w.devices, &actor, BYTES("pump"), &t.w.arena),
                     ERR_OK);
    clock_fake_advance(&t.w.clock, 2 * DEVICE_SILENCE_NS);
    assert_int_equal(look(&t), 0);
    assert_int_equal(service_world_events(&t.w, t.org, "DEVICE_OFFLINE"), 0);
    service_world_close(&t.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_and_return_are_told_once_each),
        cmocka_unit_test(restart_tells_nothing_twice_and_gives_devices_time),
        cmocka_unit_test(a_server_that_takes_over_tells_nothing_twice),
        cmocka_unit_test(deleted_device_is_not_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
