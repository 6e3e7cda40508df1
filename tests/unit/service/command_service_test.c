/* Commands on a real catalog, with a clock moved by hand. */
#include "service/cleanup_service.h"
#include "service/command_service.h"
#include "service/event_types.h"
#include "service_world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct service_world w;
static struct command_service s;
static struct actor ada, bob; /* of two organisations */
static struct device pump;    /* ada's */
static int told;

static void tell(void *ctx, int64_t org, int64_t device)
{
    assert_ptr_equal(ctx, &told);
    assert_int_equal(org, ada.org);
    assert_int_equal(device, pump.id);
    told++;
}

static struct actor enroll(const char *name)
{
    struct auth_tokens t = service_world_register(&w, name);
    struct principal p;
    assert_int_equal(service_world_ask(&w, t.access, &p), ERR_OK);
    return service_world_actor(&w, &p);
}

static int open_world(void **state)
{
    (void)state;
    service_world_open(&w);
    ada = enroll("ada");
    bob = enroll("bob");
    struct refusal refusal = {.fields = 0};
    char token[TOKENS_DEVICE_TEXT + 1];
    const struct device given = {.external_id = BYTES("pump"),
                                 .active = true,
                                 .latitude = (double)NAN,
                                 .longitude = (double)NAN,
                                 .altitude = (double)NAN};
    assert_int_equal(
        device_service_create(&w.devices, &ada, &given, &w.arena, &pump, token, &refusal), ERR_OK);
    s = (struct command_service){.db = w.db, .clock = &w.clock.clock};
    const struct command_watcher watcher = {&told, tell};
    command_service_watch(&s, &watcher);
    told = 0;
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    service_world_close(&w);
    return 0;
}

static enum err send(const struct actor *actor, const char *name, int64_t life_ns,
                     struct command *ret, struct refusal *refusal)
{
    const struct command_wish wish = {
        .name = bytes_str(name), .payload = BYTES("{\"a\":1}"), .life_ns = life_ns};
    *refusal = (struct refusal){.fields = 0};
    return command_service_send(&s, actor, BYTES("pump"), &wish, &w.arena, ret, refusal);
}

static struct command sent(const char *name, int64_t life_ns)
{
    struct command c;
    struct refusal refusal;
    assert_int_equal(send(&ada, name, life_ns, &c, &refusal), ERR_OK);
    return c;
}

static size_t waiting(int64_t after, struct command **ret)
{
    size_t n = 0;
    assert_int_equal(command_service_list_waiting(&s, ada.org, pump.id, after, &w.arena, ret, &n),
                     ERR_OK);
    return n;
}

static void watchers_hear_of_a_commit_and_not_of_a_refusal(void **state)
{
    (void)state;
    struct command c;
    struct refusal refusal;
    sent("go", 0);
    assert_int_equal(told, 1);
    assert_int_equal(atomic_load(&s.commits), 1);
    assert_int_equal(send(&bob, "go", 0, &c, &refusal), ERR_NOTFOUND);
    assert_int_equal(send(&ada, "", 0, &c, &refusal), ERR_INVALID);
    assert_int_equal(told, 1);
}

static void a_sent_command_is_listed_until_it_is_delivered(void **state)
{
    (void)state;
    struct command *list = NULL;
    const struct command a = sent("a", 0), b = sent("b", 0);
    const int64_t both[] = {a.id, b.id, 999999};
    assert_int_equal(command_service_mark(&s, &ada, ada.org, pump.id, both, 3, COMMAND_SENT),
                     ERR_OK);
    assert_int_equal(waiting(0, &list), 2);
    assert_int_equal(list[0].state, COMMAND_SENT);
    assert_int_equal(waiting(a.id, &list), 1);
    assert_int_equal(list[0].id, b.id);
    assert_int_equal(command_service_mark(&s, &ada, ada.org, pump.id, both, 1, COMMAND_DELIVERED),
                     ERR_OK);
    assert_int_equal(waiting(0, &list), 1);
    assert_true(bytes_is(list[0].name, "b"));
    assert_true(bytes_is(list[0].payload, "{\"a\":1}"));
    assert_int_equal(service_world_events(&w, ada.org, EVENT_COMMAND_QUEUED), 2);
    assert_int_equal(service_world_events(&w, ada.org, EVENT_COMMAND_SENT), 2);
    assert_int_equal(service_world_events(&w, ada.org, EVENT_COMMAND_DELIVERED), 1);
}

static void marking_again_or_backwards_or_for_another_device_changes_nothing(void **state)
{
    (void)state;
    struct command *list = NULL;
    const struct command a = sent("a", 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(command_service_mark(&s, &bob, bob.org, pump.id, &a.id, 1, COMMAND_SENT),
                         ERR_OK);
    assert_int_equal(waiting(0, &list), 1);
    assert_int_equal(list[0].state, COMMAND_QUEUED);
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            command_service_mark(&s, &ada, ada.org, pump.id, &a.id, 1, COMMAND_DELIVERED), ERR_OK);
    assert_int_equal(command_service_mark(&s, &ada, ada.org, pump.id, &a.id, 1, COMMAND_SENT),
                     ERR_OK);
    assert_int_equal(waiting(0, &list), 0);
    assert_int_equal(service_world_events(&w, ada.org, EVENT_COMMAND_DELIVERED), 1);
    assert_int_equal(service_world_events(&w, ada.org, EVENT_COMMAND_SENT), 0);
}

static void nothing_is_handed_out_at_its_end(void **state)
{
    (void)state;
    struct command *list = NULL;
    size_t n = 0;
    const struct command a = sent("a", NS_PER_MINUTE);
    sent("b", 0);
    clock_fake_advance(&w.clock, NS_PER_MINUTE - 1);
    assert_int_equal(waiting(0, &list), 2);
    clock_fake_advance(&w.clock, 1);
    assert_int_equal(waiting(0, &list), 1);
    assert_true(list[0].id != a.id);
    assert_int_equal(command_service_expire(&s, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(service_world_events(&w, ada.org, EVENT_COMMAND_EXPIRED), 1);
    assert_int_equal(command_service_expire(&s, &n), ERR_OK);
    assert_int_equal(n, 0);
}

static void the_ended_are_forgotten_after_a_week(void **state)
{
    (void)state;
    struct command *list = NULL;
    struct catalog_listing listing;
    struct why why;
    size_t n = 0;
    const struct catalog_page page = {.size = 10};
    sent("a", NS_PER_MINUTE);
    clock_fake_advance(&w.clock, NS_PER_MINUTE);
    assert_int_equal(command_service_expire(&s, &n), ERR_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(command_service_list(&s, ada.org, BYTES("pump"), &page, &w.arena, &list,
                                              &listing, &why),
                         ERR_OK);
        assert_int_equal(listing.count, 1 - i);
        clock_fake_advance(&w.clock, COMMAND_KEPT_NS + 1);
        int64_t now_ns = clock_wall_ns(&w.clock.clock);
        const struct cleanup_ages ages = cleanup_service_ages(now_ns, NS_PER_DAY);
        struct cleanup_removed removed = {{0}};
        bool more = true;
        assert_int_equal(cleanup_service_run(w.db, now_ns, &ages, &ada, &removed, &more), ERR_OK);
        assert_int_equal(removed.rows[CLEANUP_COMMANDS], 1 - i);
    }
}

static void a_hundred_wait_and_one_more_is_told_how_long(void **state)
{
    (void)state;
    struct command c;
    struct refusal refusal;
    for (int i = 0; i < COMMANDS_WAITING_MAX; i++) {
        sent("x", NS_PER_HOUR);
        clock_fake_advance(&w.clock, NS_PER_S);
    }
    assert_int_equal(send(&ada, "y", 0, &c, &refusal), ERR_RATE);
    assert_int_equal(refusal.max, COMMANDS_WAITING_MAX);
    assert_int_equal(refusal.retry_ns, NS_PER_HOUR - COMMANDS_WAITING_MAX * NS_PER_S);
    clock_fake_advance(&w.clock, refusal.retry_ns);
    assert_int_equal(send(&ada, "y", 0, &c, &refusal), ERR_OK);
}

static void the_message_for_the_device_is_whole(void **state)
{
    (void)state;
    struct buf b;
    struct command c = sent("led \"on\"", 0);
    buf_init(&b, 1024);
    command_service_write(&b, &c);
    assert_string_equal(buf_cstr(&b), "{\"command\":\"led \\\"on\\\"\",\"payload\":{\"a\":1},"
                                      "\"timestamp\":\"2027-01-15T08:00:00.000Z\"}");
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(watchers_hear_of_a_commit_and_not_of_a_refusal, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_sent_command_is_listed_until_it_is_delivered, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(
            marking_again_or_backwards_or_for_another_device_changes_nothing, open_world,
            close_world),
        cmocka_unit_test_setup_teardown(nothing_is_handed_out_at_its_end, open_world, close_world),
        cmocka_unit_test_setup_teardown(the_ended_are_forgotten_after_a_week, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_hundred_wait_and_one_more_is_told_how_long, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(the_message_for_the_device_is_whole, open_world,
                                        close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
