/* Writing JSON: commas place themselves, whatever is written is valid and reads back the same. */
#include "base/rnd.h"
#include "codec/json_text.h"
#include "codec/json_write.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SEED UINT64_C(7159)

static void commas_place_themselves(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10000);
    json_write_open(&b, '{');
    json_write_member_str(&b, "s", BYTES("x"));
    json_write_member_str(&b, "none", bytes_of(NULL, 0));
    json_write_member_text(&b, "t", NULL);
    json_write_member_number(&b, "n", 23.5);
    json_write_member_i64(&b, "i", -7);
    json_write_member_u64(&b, "u", UINT64_MAX);
    json_write_member_bool(&b, "b", true);
    json_write_member_null(&b, "z");
    json_write_member_time(&b, "at", 1700000000123000000);
    json_write_member_time(&b, "never", INT64_MIN);
    json_write_key(&b, "a");
    json_write_open(&b, '[');
    json_write_number(&b, 1);
    json_write_open(&b, '[');
    json_write_close(&b, ']');
    json_write_open(&b, '{');
    json_write_key_bytes(&b, BYTES("\"k\""));
    json_write_raw(&b, BYTES("[1,2]"));
    json_write_close(&b, '}');
    json_write_string(&b, BYTES(""));
    json_write_string(&b, BYTES(","));
    json_write_bool(&b, false);
    json_write_null(&b);
    json_write_close(&b, ']');
    json_write_member_number(&b, "nan", (double)NAN);
    json_write_close(&b, '}');
    assert_string_equal(
        buf_cstr(&b),
        "{\"s\":\"x\",\"none\":null,\"t\":null,\"n\":23.5,\"i\":-7,\"u\":18446744073709551615,"
        "\"b\":true,\"z\":null,\"at\":\"2023-11-14T22:13:20.123Z\",\"never\":null,"
        "\"a\":[1,[],{\"\\\"k\\\"\":[1,2]},\"\",\",\",false,null],\"nan\":null}");
    assert_int_equal(json_text_check(buf_bytes(&b), 32, NULL), ERR_OK);
    buf_clear(&b);
    json_write_number(&b, 1);
    buf_add_char(&b, '\n');
    json_write_number(&b, 2);
    assert_string_equal(buf_cstr(&b), "1\n2");
    buf_done(&b);
}

static void strings_are_escaped_and_repaired(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
        {"\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\""},
        {"<script>&", "\"\\u003cscript\\u003e\\u0026\""},
        {"h\xc3\xb6he \xe2\x82\xac \xf0\x9f\x98\x80",
         "\"h\xc3\xb6he \xe2\x82\xac \xf0\x9f\x98\x80\""},
        {"\xff"
         "a\xc3",
         "\"\xef\xbf\xbd"
         "a\xef\xbf\xbd\""},
        {"\xe2\x82"
         "x",
         "\"\xef\xbf\xbd\xef\xbf\xbd"
         "x\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b;
        buf_init(&b, 1000);
        json_write_string(&b, bytes_str(rows[i].in));
        assert_string_equal(buf_cstr(&b), rows[i].out);
        assert_int_equal(json_text_check(buf_bytes(&b), 32, NULL), ERR_OK);
        buf_done(&b);
    }
}

static void any_bytes_become_valid_json_and_utf8_comes_back(void **state)
{
    (void)state;
    struct rnd r;
    struct buf b;
    struct arena arena;
    rnd_seed(&r, SEED);
    print_message("seed %" PRIu64 "\n", SEED);
    buf_init(&b, 10000);
    arena_init(&arena, 1 << 20);
    for (int i = 0; i < 50000; i++) {
        char text[24];
        size_t n = rnd_below(&r, sizeof text);
        rnd_fill(&r, text, n);
        if (i % 2)
            for (size_t k = 0; k < n; k++) text[k] &= 0x7f;
        buf_clear(&b);
        arena_reset(&arena);
        json_write_string(&b, bytes_of(text, n));
        struct json_reader reader;
        struct json_token t;
        json_text_init(&reader, buf_bytes(&b), &arena, 32);
        assert_int_equal(json_text_next(&reader, &t, NULL), ERR_OK);
        if (bytes_is_utf8(bytes_of(text, n))) assert_true(bytes_equal(t.text, bytes_of(text, n)));
        assert_int_equal(json_text_next(&reader, &t, NULL), ERR_OK);
        assert_int_equal(t.kind, JSON_END);
    }
    arena_done(&arena);
    buf_done(&b);
}

static void a_full_buffer_keeps_its_error(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 300);
    json_write_open(&b, '[');
    for (int i = 0; i < 100; i++) json_write_member_time(&b, "t", i);
    json_write_close(&b, ']');
    assert_int_equal(b.err, ERR_TOOLARGE);
    assert_true(b.n <= 300);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_place_themselves),
        cmocka_unit_test(strings_are_escaped_and_repaired),
        cmocka_unit_test(any_bytes_become_valid_json_and_utf8_comes_back),
        cmocka_unit_test(a_full_buffer_keeps_its_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
