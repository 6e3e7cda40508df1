/* Telemetry messages of MQTT in JSON: nested, flat, and in the forms of ThingsBoard. */
#include "codec/json_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;
static struct raw_batch batch;
static struct bytes token;
static struct why why;

static int open_all(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    raw_batch_init(&batch, 100, 100);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    raw_batch_done(&batch);
    arena_done(&arena);
    return 0;
}

static enum err device(const char *text)
{
    raw_batch_clear(&batch);
    token = bytes_of(NULL, 0);
    return json_message_device(bytes_str(text), &arena, &batch, &token, &why);
}

static enum err board(const char *text)
{
    raw_batch_clear(&batch);
    return json_message_thingsboard(bytes_str(text), &arena, &batch, &why);
}

static void assert_value(size_t at, const char *name, double value)
{
    assert_true(batch.value_count > at);
    assert_true(bytes_is(batch.values[at].name, name));
    assert_true(batch.values[at].value == value);
}

static void nested_variables_count_and_other_members_do_not(void **state)
{
    (void)state;
    assert_int_equal(device("{\"x\":9,\"note\":\"text\",\"variables\":{\"a\":1.5,\"b\":true},"
                            "\"y\":[1],\"deviceId\":\"p\",\"apiToken\":\"t\",\"timestamp\":5}"),
                     ERR_OK);
    assert_int_equal(batch.value_count, 2);
    assert_value(0, "a", 1.5);
    assert_value(1, "b", 1);
    assert_true(bytes_is(batch.records[0].device_id, "p"));
    assert_true(bytes_is(token, "t"));
    assert_true(batch.records[0].has_time);
}

static void without_variables_the_members_are_the_variables(void **state)
{
    (void)state;
    assert_int_equal(
        device("{\"externalId\":\"p\",\"type\":\"x\",\"a\":1,\"metadata\":{\"location\":"
               "\"hall\"},\"b\":\"2\",\"c\":null}"),
        ERR_OK);
    assert_int_equal(batch.value_count, 2);
    assert_value(0, "a", 1);
    assert_value(1, "b", 2);
    assert_null(token.p);
    assert_true(bytes_is(batch.records[0].location, "hall"));
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "7",
                                        "[]",
                                        "{}",
                                        "{\"a\":",
                                        "{\"a\":\"x\"}",
                                        "{\"a\":{}}",
                                        "{\"variables\":5}",
                                        "{\"variables\":{}}",
                                        "{\"apiToken\":1,\"a\":1}",
                                        "{\"a\":1}x",
                                        "{\"timestamp\":\"then\",\"a\":1}",
                                        "{\"deviceId\":\"\",\"a\":1}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        why.text[0] = 0;
        assert_int_equal(device(wrong[i]), ERR_INVALID);
        assert_true(why.text[0]);
    }
}

static void thingsboards_forms_are_taken_whole_or_not(void **state)
{
    (void)state;
    assert_int_equal(board("{\"a\":1}"), ERR_OK);
    assert_false(batch.records[0].has_time);
    assert_int_equal(board("[{\"ts\":1451649600512,\"values\":{\"a\":1,\"b\":2}},{\"c\":3}]"),
                     ERR_OK);
    assert_int_equal(batch.record_count, 2);
    assert_int_equal(batch.records[0].count, 2);
    assert_true(batch.records[0].ts_ns == INT64_C(1451649600512000000));
    assert_value(2, "c", 3);
    static const char *const wrong[] = {"[]",
                                        "[1]",
                                        "[{\"a\":1},{\"b\":\"x\"}]",
                                        "{\"values\":{}}",
                                        "[{\"a\":1}",
                                        "{\"ts\":\"x\",\"values\":{\"a\":1}}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(board(wrong[i]), ERR_INVALID);
}

static void cut_anywhere_it_is_refused(void **state)
{
    (void)state;
    static const char whole[] = "{\"deviceId\":\"p\",\"variables\":{\"a\":1.5},\"apiToken\":\"t\"}";
    char text[sizeof whole];
    assert_int_equal(device(whole), ERR_OK);
    for (size_t n = 0; n + 1 < sizeof whole; n++) {
        memcpy(text, whole, n);
        text[n] = 0;
        assert_int_equal(device(text), ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_variables_count_and_other_members_do_not),
        cmocka_unit_test(without_variables_the_members_are_the_variables),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(thingsboards_forms_are_taken_whole_or_not),
        cmocka_unit_test(cut_anywhere_it_is_refused),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
