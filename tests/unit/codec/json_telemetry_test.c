/* Telemetry in JSON: the forms A to F, what is wrong record by record, what is wrong as a whole. */
#include "base/buf.h"
#include "base/mem.h"
#include "codec/json_telemetry.h"
#include "codec/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

typedef enum err decode_fn(struct bytes, struct arena *, struct raw_batch *, struct why *);

static struct arena arena;
static struct raw_batch batch;
static struct why why;
static struct buf out;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 22);
    raw_batch_init(&batch, 1000, 10000);
    buf_init(&out, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    raw_batch_done(&batch);
    buf_done(&out);
    return 0;
}

static void describe_record(const struct raw_record *r)
{
    if (out.n) buf_add_str(&out, " | ");
    buf_add_bytes(&out, r->device_id);
    if (r->has_time) {
        char text[TIMESTAMP_TEXT_MAX];
        size_t n = timestamp_format(r->ts_ns, text);
        buf_printf(&out, "@%.*s", (int)n, text);
    }
    for (uint32_t i = r->first; i < r->first + r->count; i++)
        buf_printf(&out, " %.*s=%g", (int)batch.values[i].name.n, batch.values[i].name.p,
                   batch.values[i].value);
    if (r->location.p) buf_printf(&out, " L:%.*s", (int)r->location.n, r->location.p);
    if (r->sensor_type.p) buf_printf(&out, " S:%.*s", (int)r->sensor_type.n, r->sensor_type.p);
    if (r->firmware_version.p)
        buf_printf(&out, " F:%.*s", (int)r->firmware_version.n, r->firmware_version.p);
    if (r->error) buf_printf(&out, " !%s", r->error);
}

/* "dev@time a=1 b=2 L:… | …" or "!reason". */
static const char *decode(decode_fn *form, struct bytes body)
{
    char *exact = mem_alloc(body.n ? body.n : 1);
    memcpy(exact, body.p, body.n);
    raw_batch_clear(&batch);
    arena_reset(&arena);
    buf_clear(&out);
    why.text[0] = 0;
    enum err e = form(bytes_of(exact, body.n), &arena, &batch, &why);
    if (e) {
        assert_true(e == ERR_INVALID || e == ERR_TOOLARGE || e == ERR_NOMEM);
        assert_true(why.text[0]);
        buf_printf(&out, "!%s", why.text);
    } else {
        size_t bad = 0, values = 0;
        for (size_t i = 0; i < batch.record_count; i++) {
            describe_record(&batch.records[i]);
            bad += batch.records[i].error != NULL;
            values += batch.records[i].count;
        }
        assert_int_equal(values, batch.value_count); /* a bad record leaves none behind */
        assert_int_equal(bad, batch.bad_count);
    }
    mem_free(exact);
    return buf_cstr(&out);
}

struct example {
    const char *body, *expected; /* "!…": the reason begins so */
};

static void check(decode_fn *form, const struct example *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *got = decode(form, bytes_str(rows[i].body)), *expected = rows[i].expected;
        bool right = expected[0] == '!' ? strncmp(got, expected, strlen(expected)) == 0
                                        : strcmp(got, expected) == 0;
        if (!right) fail_msg("%s\n%s, not\n%s", rows[i].body, got, expected);
    }
}
#define CHECK(form, rows) check(form, rows, sizeof(rows) / sizeof *(rows))

static void form_a_is_a_flat_object_of_values(void **state)
{
    (void)state;
    static const struct example rows[] = {
        {"{\"temperature\":23.5,\"on\":true,\"off\":false}", " temperature=23.5 on=1 off=0"},
        {"{\"a\":\"1.5\",\"b\":\" 2e1 \",\"c\":\"+.5\",\"n\":null}", " a=1.5 b=20 c=0.5"},
        {"{\"\\u0061\":1,\"a\":2}", " a=1 a=2"},
        {"{\"h\xc3\xb6he\":-0.25}", " h\xc3\xb6he=-0.25"},
        {"{\"a b{c=d}\":1,\"\x7f\":2}", " a b{c=d}=1 \x7f=2"},
        {"{}", "!variables: there is no value"},
        {"{\"a\":null}", "!variables: there is no value"},
        {"{\"a\":\"x\"}", "!a: 'x' is not a number"},
        {"{\"a\":\"NaN\"}", "!a: 'NaN' is not a number"},
        {"{\"a\":\"Infinity\"}", "!a: 'Infinity' is not a number"},
        {"{\"a\":\"1e999\"}", "!a: '1e999' is not a number"},
        {"{\"a\":\"\"}", "!a: '' is not a number"},
        {"{\"a\":{\"b\":1}}", "!a: must be a number, a numeric string or a boolean, not an object"},
        {"{\"a\":[1]}", "!a: must be a number, a numeric string or a boolean, not an array"},
        {"{\"deviceId\":1}", "!deviceId: this name is reserved"},
        {"{\"externalId\":1}", "!externalId: this name is reserved"},
        {"{\"timestamp\":1}", "!timestamp: this name is reserved"},
        {"{\"type\":1}", "!type: this name is reserved"},
        {"{\"metadata\":1}", "!metadata: this name is reserved"},
        {"{\"variables\":1}", "!variables: this name is reserved"},
        {"{\"t\\u0079pe\":1}", "!type: this name is reserved"},
        {"{\"Type\":1,\"types\":2}", " Type=1 types=2"},
        {"{\"\":1}", "!: a variable needs a name"},
        {"{\"a\\nb\":1}", "!a\nb: a variable's name holds no control"},
        {"{\"a\\u0000b\":1}", "!a"},
        {"[]", "!the body must be an object of variables, not an array"},
        {"[{\"a\":1}]", "!the body must be an object of variables, not an array"},
        {"5", "!the body must be an object of variables, not a number"},
        {"", "!malformed JSON at line 1, byte 0"},
        {"{\"a\":1", "!malformed JSON"},
        {"{\"a\":1}x", "!malformed JSON"},
        {"{\"a\":NaN}", "!malformed JSON"},
        {"{\"a\":\"x\",\"b\":}", "!malformed JSON"},
        {"{\"a\":1e999}", "!malformed JSON at line 1, byte 5: the number is too large"},
    };
    CHECK(json_telemetry_flat, rows);
}

static void form_b_is_a_record_of_its_own(void **state)
{
    (void)state;
    static const struct example rows[] = {
        {"{\"deviceId\":\"d1\",\"variables\":{\"a\":1}}", "d1 a=1"},
        {"{\"externalId\":\"d1\",\"variables\":{\"a\":1}}", "d1 a=1"},
        {"{\"deviceId\":42,\"variables\":{\"a\":1}}", "42 a=1"},
        {"{\"variables\":{\"a\":1,\"b\":\"2\"},\"timestamp\":\"2024-05-31T12:00:00+02:00\","
         "\"deviceId\":\"d\"}",
         "d@2024-05-31T10:00:00.000Z a=1 b=2"},
        {"{\"deviceId\":\"d\",\"timestamp\":1700000000123,\"variables\":{\"a\":1}}",
         "d@2023-11-14T22:13:20.123Z a=1"},
        {"{\"deviceId\":\"d\",\"timestamp\":\"1700000000\",\"variables\":{\"a\":1}}",
         "d@2023-11-14T22:13:20.000Z a=1"},
        {"{\"deviceId\":\"d\",\"timestamp\":null,\"metadata\":null,\"variables\":{\"a\":1}}",
         "d a=1"},
        {"{\"deviceId\":\"d\",\"variables\":{\"a\":1},\"metadata\":{\"location\":\"roof\",\"sensor_"
         "type\":\"t\","
         "\"firmware_version\":2.1,\"other\":[{}],\"x\":null}}",
         "d a=1 L:roof S:t F:2.1"},
        {"{\"deviceId\":\"d\",\"variables\":{\"a\":1},\"metadata\":{\"sensorType\":\"t\","
         "\"location\":null}}",
         "d a=1 S:t"},
        {"{\"deviceId\":\"d\",\"variables\":{\"old\":1},\"variables\":{\"a\":1}}", "d a=1"},
        {"{\"deviceId\":\"c\",\"deviceId\":\"d\",\"variables\":{\"a\":1}}", "d a=1"},
        {"{\"deviceId\":\"d\",\"unknown\":{\"x\":[1,\"\\n\"]},\"variables\":{\"a\":1}}", "d a=1"},
        {"{\"variables\":{\"a\":1}}", "!deviceId: is missing"},
        {"{\"deviceId\":null,\"variables\":{\"a\":1}}", "!deviceId: is missing"},
        {"{\"deviceId\":\"\",\"variables\":{\"a\":1}}", "!deviceId: a device id is not empty"},
        {"{\"deviceId\":{},\"variables\":{\"a\":1}}", "!deviceId: must be a string, not an object"},
        {"{\"deviceId\":true,\"variables\":{\"a\":1}}", "!deviceId: must be a string, not true"},
        {"{\"externalId\":\"a\\tb\",\"variables\":{\"a\":1}}",
         "!externalId: a device id holds no control"},
        {"{\"deviceId\":\"d\"}", "!variables: there is no value"},
        {"{\"deviceId\":\"d\",\"variables\":{}}", "!variables: there is no value"},
        {"{\"deviceId\":\"d\",\"variables\":null}", "!variables: there is no value"},
        {"{\"deviceId\":\"d\",\"variables\":[1]}", "!variables: must be an object, not an array"},
        {"{\"deviceId\":\"d\",\"variables\":{\"a\":1,\"type\":2}}", "!type: this name is reserved"},
        {"{\"deviceId\":\"d\",\"variables\":{\"a\":{\"b\":[]}}}", "!a: must be a number"},
        {"{\"deviceId\":\"d\",\"timestamp\":\"yesterday\",\"variables\":{\"a\":1}}",
         "!timestamp: 'yesterday' is not a time"},
        {"{\"deviceId\":\"d\",\"timestamp\":\"2023-02-29T00:00:00Z\",\"variables\":{\"a\":1}}",
         "!timestamp: '2023-02-29T00:00:00Z' is not a time: there is no day 29 in 2023-02"},
        {"{\"deviceId\":\"d\",\"timestamp\":1e300,\"variables\":{\"a\":1}}",
         "!timestamp: times reach"},
        {"{\"deviceId\":\"d\",\"timestamp\":{},\"variables\":{\"a\":1}}",
         "!timestamp: must be a string or"},
        {"{\"deviceId\":\"d\",\"timestamp\":true,\"variables\":{\"a\":1}}",
         "!timestamp: must be a string or"},
        {"{\"deviceId\":\"d\",\"metadata\":5,\"variables\":{\"a\":1}}",
         "!metadata: must be an object"},
        {"{\"deviceId\":\"d\",\"metadata\":{\"location\":[]},\"variables\":{\"a\":1}}",
         "!location: must be a string, not an array"},
        {"{\"deviceId\":\"d\",\"metadata\":{\"location\":\"a\\u0000\"},\"variables\":{\"a\":1}}",
         "!location: holds no control characters"},
        {"[]", "!a record must be an object, not an array"},
        {"{\"deviceId\":\"d\",\"variables\":{\"a\":1}} {}", "!malformed JSON"},
    };
    CHECK(json_telemetry_one, rows);
}

static void form_e_needs_no_device(void **state)
{
    (void)state;
    static const struct example rows[] = {
        {"{\"variables\":{\"a\":1}}", " a=1"},
        {"{\"deviceId\":\"d\",\"variables\":{\"a\":1}}", "d a=1"},
        {"{\"timestamp\":5}", "!variables: there is no value"},
    };
    CHECK(json_telemetry_for_device, rows);
}

static void form_c_is_one_value(void **state)
{
    (void)state;
    static const struct {
        const char *body, *expected;
        double value;
    } rows[] = {
        {"23.5", NULL, 23.5},
        {" -1 ", NULL, -1},
        {"\"7\"", NULL, 7},
        {"true", NULL, 1},
        {"{\"value\":4}", NULL, 4},
        {"{\"value\":1,\"x\":[],\"value\":\"2\"}", NULL, 2},
        {"null", "value: is missing or null", 0},
        {"{}", "value: is missing or null", 0},
        {"{\"value\":null}", "value: is missing or null", 0},
        {"{\"value\":{}}", "value: must be a number", 0},
        {"[1]", "value: must be a number", 0},
        {"\"x\"", "value: 'x' is not a number", 0},
        {"{\"value\":1", "malformed JSON", 0},
        {"1 2", "malformed JSON", 0},
        {"NaN", "malformed JSON", 0},
        {"", "malformed JSON", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double v = 99;
        struct why reason = {""};
        enum err e = json_telemetry_value(bytes_str(rows[i].body), &arena, &v, &reason);
        assert_int_equal(e, rows[i].expected ? ERR_INVALID : ERR_OK);
        if (e && strncmp(reason.text, rows[i].expected, strlen(rows[i].expected)) != 0)
            fail_msg("%s: %s", rows[i].body, reason.text);
        assert_true(v == (e ? 99 : rows[i].value));
    }
}

static void a_bad_record_leaves_the_others_good(void **state)
{
    (void)state;
    static const struct example rows[] = {
        {"[]", ""},
        {"[{\"deviceId\":\"a\",\"variables\":{\"x\":1}},{\"deviceId\":\"b\",\"variables\":{\"x\":{}"
         "}},"
         "{\"deviceId\":\"c\",\"variables\":{\"y\":2,\"z\":3}}]",
         "a x=1 | b !x: must be a number, a numeric string or a boolean, not an object | c y=2 "
         "z=3"},
        {"[5,null,{\"deviceId\":\"a\",\"variables\":{\"x\":1}},[[]]]",
         " !a record must be an object, not a number |  !a record must be an object, not null | a "
         "x=1 |  "
         "!a record must be an object, not an array"},
        {"[{\"deviceId\":\"a\",\"variables\":{\"x\":1,\"y\":\"bad\",\"z\":[]}}]",
         "a !y: 'bad' is not a number"},
        {"[{\"deviceId\":\"a\",\"timestamp\":\"?\",\"variables\":{\"x\":1}},"
         "{\"deviceId\":\"a\",\"timestamp\":1,\"variables\":{\"x\":2}}]",
         "a !timestamp: '?' is not a time; write it like 2024-05-31T12:30:00.250Z or as a number | "
         "a@1970-01-01T00:00:01.000Z x=2"},
        {"{}", "!the body must be an array of records, not an object"},
        {"{\"a\":}", "!malformed JSON"},
        {"[{\"deviceId\":\"a\",\"variables\":{\"x\":1}},]", "!malformed JSON at line 1, byte 38"},
        {"[{\"deviceId\":\"a\",\"variables\":{\"x\":1}}", "!malformed JSON"},
        {"[5,{]", "!malformed JSON"},
    };
    CHECK(json_telemetry_array, rows);
}

static void form_f_wraps_an_array(void **state)
{
    (void)state;
    static const struct example rows[] = {
        {"{\"telemetry\":[{\"deviceId\":\"a\",\"variables\":{\"x\":1}},7]}",
         "a x=1 |  !a record must be an object, not a number"},
        {"{\"x\":[1],\"telemetry\":[],\"y\":{}}", ""},
        {"{}", "!telemetry: is missing"},
        {"{\"telemetry\":{}}", "!telemetry: must be an array of records, not an object"},
        {"{\"telemetry\":[],\"telemetry\":[]}", "!telemetry: stands twice"},
        {"[]", "!the body must be an object with \"telemetry\", not an array"},
        {"{\"telemetry\":[}", "!malformed JSON"},
        {"{\"telemetry\":[]", "!malformed JSON"},
    };
    CHECK(json_telemetry_wrapped, rows);
}

/* "prefix", n times 'x', "suffix" */
static const char *decode_padded(const char *prefix, size_t n, const char *suffix)
{
    char body[1024];
    size_t at = (size_t)snprintf(body, sizeof body, "%s", prefix);
    memset(body + at, 'x', n);
    snprintf(body + at + n, sizeof body - at - n, "%s", suffix);
    return decode(json_telemetry_one, bytes_str(body));
}

static void lengths_are_taken_up_to_their_limit(void **state)
{
    (void)state;
    assert_int_not_equal(decode_padded("{\"deviceId\":\"d\",\"variables\":{\"", 100, "\":1}}")[0],
                         '!');
    assert_non_null(strstr(decode_padded("{\"deviceId\":\"d\",\"variables\":{\"", 101, "\":1}}"),
                           "at most 100 bytes"));
    assert_non_null(strstr(decode_padded("{\"deviceId\":\"d\",\"variables\":{\"\\n", 101, "\":1}}"),
                           "at most 100 bytes"));
    assert_int_not_equal(decode_padded("{\"deviceId\":\"", 64, "\",\"variables\":{\"a\":1}}")[0],
                         '!');
    assert_non_null(
        strstr(decode_padded("{\"deviceId\":\"", 65, "\",\"variables\":{\"a\":1}}"), "at most 64"));
    assert_non_null(strstr(decode_padded("{\"deviceId\":\"", 300, "\",\"variables\":{\"a\":1}}"),
                           "at most 64"));
    static const char meta[] =
        "{\"deviceId\":\"d\",\"variables\":{\"a\":1},\"metadata\":{\"location\":\"";
    assert_int_not_equal(decode_padded(meta, 255, "\"}}")[0], '!');
    assert_non_null(strstr(decode_padded(meta, 256, "\"}}"), "at most 255"));
    /* 64 characters of two bytes */
    char body[300] = "{\"variables\":{\"a\":1},\"deviceId\":\"";
    for (int i = 0; i < 64; i++) strncat(body, "\xc3\xa9", 3);
    strncat(body, "\"}", 3);
    assert_int_not_equal(decode(json_telemetry_one, bytes_str(body))[0], '!');
}

static void the_ceilings_of_the_batch_refuse_the_body(void **state)
{
    (void)state;
    struct raw_batch small;
    raw_batch_init(&small, 2, 3);
    struct why reason = {""};
    static const char two[] =
        "[{\"deviceId\":\"a\",\"variables\":{\"x\":1}},{\"deviceId\":\"b\",\"variables\":"
        "{\"x\":1,\"y\":2}}]";
    assert_int_equal(json_telemetry_array(bytes_str(two), &arena, &small, &reason), ERR_OK);
    raw_batch_clear(&small);
    assert_int_equal(json_telemetry_array(BYTES("[1,2,3]"), &arena, &small, &reason), ERR_TOOLARGE);
    assert_string_equal(reason.text, "the body holds more than 2 records or 3 values");
    raw_batch_clear(&small);
    assert_int_equal(
        json_telemetry_flat(BYTES("{\"a\":1,\"b\":1,\"c\":1,\"d\":1}"), &arena, &small, &reason),
        ERR_TOOLARGE);
    raw_batch_done(&small);
}

static void a_cut_body_is_refused_at_every_byte(void **state)
{
    (void)state;
    static const char body[] =
        "[{\"deviceId\":\"d\\u00e9\",\"timestamp\":\"2024-05-31T12:00:00Z\",\"variables\":"
        "{\"a\":1.5,\"b\":\"2\",\"c\":true},\"metadata\":{\"location\":\"x\"}}]";
    assert_int_not_equal(decode(json_telemetry_array, bytes_str(body))[0], '!');
    for (size_t n = 0; n < sizeof body - 1; n++)
        assert_memory_equal(decode(json_telemetry_array, bytes_of(body, n)), "!malformed", 10);
}

static void any_failing_allocation_is_a_clean_answer(void **state)
{
    (void)state;
    static const char body[] = "[{\"deviceId\":\"d\\n\",\"variables\":{\"\\u0061\":1}},5,{}]";
    int64_t blocks = mem_blocks();
    for (int64_t n = 1;; n++) {
        struct arena fresh;
        struct raw_batch own;
        arena_init(&fresh, 1 << 20);
        raw_batch_init(&own, 100, 100);
        mem_fail_at(n);
        enum err e = json_telemetry_array(bytes_str(body), &fresh, &own, &why);
        bool fired = mem_fail_fired();
        mem_fail_at(0);
        assert_int_equal(e, fired ? ERR_NOMEM : ERR_OK);
        raw_batch_done(&own);
        arena_done(&fresh);
        assert_int_equal(mem_blocks(), blocks);
        if (!fired) break;
        assert_true(n < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(form_a_is_a_flat_object_of_values),
        cmocka_unit_test(form_b_is_a_record_of_its_own),
        cmocka_unit_test(form_e_needs_no_device),
        cmocka_unit_test(form_c_is_one_value),
        cmocka_unit_test(a_bad_record_leaves_the_others_good),
        cmocka_unit_test(form_f_wraps_an_array),
        cmocka_unit_test(lengths_are_taken_up_to_their_limit),
        cmocka_unit_test(the_ceilings_of_the_batch_refuse_the_body),
        cmocka_unit_test(a_cut_body_is_refused_at_every_byte),
        cmocka_unit_test(any_failing_allocation_is_a_clean_answer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
