/* JSON: every text RFC 8259 allows is taken, every one it forbids is refused, at every depth. */
#include "base/mem.h"
#include "codec/json_text.h"
#include "json_cases.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* In a block of exactly its size, so that a sanitizer sees a read behind it. */
static enum err check(const char *text, size_t n, struct why *why)
{
    char *exact = mem_alloc(n ? n : 1);
    memcpy(exact, text, n);
    enum err checked = json_text_check(bytes_of(exact, n), JSON_DEPTH_MAX, why);
    struct arena arena;
    struct json_reader r;
    struct json_token t;
    arena_init(&arena, 1 << 20);
    json_text_init(&r, bytes_of(exact, n), &arena, JSON_DEPTH_MAX);
    enum err e;
    while (!(e = json_text_next(&r, &t, NULL)) && t.kind != JSON_END) {
    }
    assert_int_equal(e, checked); /* reading and skipping agree */
    arena_done(&arena);
    mem_free(exact);
    return checked;
}

static void every_allowed_text_is_taken(void **state)
{
    (void)state;
    struct why why = {""};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (check(good[i], strlen(good[i]), &why)) fail_msg("%s: %s", good[i], why.text);
    print_message("%zu texts\n", sizeof good / sizeof *good);
}

static void every_forbidden_text_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct why why = {""};
        if (check(bad[i], strlen(bad[i]), &why) != ERR_INVALID) fail_msg("%s was taken", bad[i]);
        assert_non_null(strstr(why.text, "malformed JSON at line "));
    }
    print_message("%zu texts\n", sizeof bad / sizeof *bad);
}

static void a_nul_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    static const char text[] = "{\"ab\" : [1.5, \"x\\n\", true, null]}";
    for (size_t at = 0; at <= sizeof text - 1; at++) {
        char with[sizeof text];
        memcpy(with, text, at);
        with[at] = 0;
        memcpy(with + at + 1, text + at, sizeof text - 1 - at);
        assert_int_equal(check(with, sizeof text, NULL), ERR_INVALID);
    }
}

static void a_cut_text_is_refused_at_every_byte(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\\u00e9\xc3\xa9\":[1,-2.5e+3,{\"b\":\"\\ud834\\udd1e\"},true,null],\"c\":{}}";
    assert_int_equal(check(text, sizeof text - 1, NULL), ERR_OK);
    for (size_t n = 0; n < sizeof text - 1; n++)
        assert_int_equal(check(text, n, NULL), ERR_INVALID);
}

/* depth containers: objects where bit i of `objects` is set, the innermost empty. */
static size_t nest(char *out, unsigned depth, uint64_t objects)
{
    size_t n = 0;
    for (unsigned i = 0; i < depth; i++)
        n += (size_t)snprintf(out + n, 8, "%s",
                              objects >> i & 1 ? (i + 1 < depth ? "{\"k\":" : "{") : "[");
    for (unsigned i = depth; i-- > 0;) out[n++] = objects >> i & 1 ? '}' : ']';
    return n;
}

static void any_depth_up_to_the_limit_and_none_past_it(void **state)
{
    (void)state;
    char text[1024];
    static const uint64_t shapes[] = {0, UINT64_MAX, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa,
                                      0x0123456789abcdef};
    for (unsigned depth = 1; depth <= JSON_DEPTH_MAX + 1; depth++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            size_t n = nest(text, depth, shapes[s]);
            struct why why = {""};
            enum err e = check(text, n, &why);
            assert_int_equal(e, depth <= JSON_DEPTH_MAX ? ERR_OK : ERR_INVALID);
            if (e) assert_non_null(strstr(why.text, "nested too deeply"));
            assert_int_equal(check(text, n - 1, NULL), ERR_INVALID);
            text[n - 1] = text[n - 1] == '}' ? ']' : '}';
            assert_int_equal(check(text, n, NULL), ERR_INVALID);
        }
    struct json_reader r;
    struct json_token t;
    size_t n = nest(text, 64, UINT64_MAX);
    json_text_init(&r, bytes_of(text, n), NULL, 64);
    unsigned opened = 0;
    enum err e;
    while (!(e = json_text_next(&r, &t, NULL)) && t.kind != JSON_END)
        opened += t.kind == JSON_OBJECT;
    assert_int_equal(e, ERR_OK);
    assert_int_equal(opened, 64);
}

/* The tokens of a text on one line: { } [ ] k:name s:text n:number t f 0 */
static void describe(const char *text, char *out)
{
    static const char marks[] = ".{}[]ksntf0";
    struct arena arena;
    struct json_reader r;
    struct json_token t;
    arena_init(&arena, 1 << 20);
    json_text_init(&r, bytes_str(text), &arena, JSON_DEPTH_MAX);
    while (json_text_next(&r, &t, NULL) == ERR_OK && t.kind != JSON_END) {
        *out++ = marks[t.kind];
        if (t.kind == JSON_KEY || t.kind == JSON_STRING)
            out += snprintf(out, 64, ":%.*s ", (int)t.text.n, t.text.p);
        if (t.kind == JSON_NUMBER) out += snprintf(out, 64, ":%g ", t.number);
    }
    *out = 0;
    arena_done(&arena);
}

static void tokens_say_what_the_text_says(void **state)
{
    (void)state;
    char out[512];
    describe("{\"a\":1.5,\"b\":[true,false,null,{}],\"c\":\"x\"}", out);
    assert_string_equal(out, "{k:a n:1.5 k:b [tf0{}]k:c s:x }");
    describe("\"\\u0041\\u00e9\\u20ac\\ud834\\udd1e\\\"\\\\\\/\\b\\f\\n\\r\\t.\"", out);
    assert_string_equal(out, "s:A\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e\"\\/\b\f\n\r\t. ");
    describe("[\"plain and \xc3\xa9\", \"\"]", out);
    assert_string_equal(out, "[s:plain and \xc3\xa9 s: ]");
    describe("\"\\u0000\"", out); /* printed text ends at the NUL that it holds */
    assert_string_equal(out, "s: ");
}

static void a_skipped_value_is_passed_whole(void **state)
{
    (void)state;
    static const char text[] = "[{\"a\":[1,{\"b\":\"\\n\"}],\"c\":{}},7]";
    struct json_reader r;
    struct json_token t;
    json_text_init(&r, bytes_str(text), NULL,
                   JSON_DEPTH_MAX); /* no arena: skipping unescapes nothing */
    assert_int_equal(json_text_next(&r, &t, NULL), ERR_OK);
    assert_int_equal(json_text_next(&r, &t, NULL), ERR_OK);
    assert_int_equal(t.kind, JSON_OBJECT);
    assert_int_equal(json_text_skip(&r, &t, NULL), ERR_OK);
    assert_int_equal(json_text_next(&r, &t, NULL), ERR_OK);
    assert_int_equal(t.kind, JSON_NUMBER);
    assert_int_equal(json_text_skip(&r, &t, NULL), ERR_OK);
    assert_int_equal(json_text_next(&r, &t, NULL), ERR_OK);
    assert_int_equal(t.kind, JSON_ARRAY_END);
}

static void the_reason_names_line_and_byte(void **state)
{
    (void)state;
    struct why why = {""};
    static const char text[] = "{\n \"a\": 1,\n \"b\" 2}";
    assert_int_equal(json_text_check(bytes_str(text), 32, &why), ERR_INVALID);
    assert_string_equal(why.text, "malformed JSON at line 3, byte 16: expected ':', found '2'");
    assert_int_equal(json_text_check(BYTES("[1"), 32, &why), ERR_INVALID);
    assert_non_null(strstr(why.text, "line 1, byte 2: expected ',' or ']', but the text ends"));
    assert_int_equal(json_text_check(BYTES("\x01"), 32, &why), ERR_INVALID);
    assert_non_null(strstr(why.text, "found byte 0x01"));
    assert_int_equal(json_text_check(BYTES("\xef\xbb\xbf{}"), 32, &why), ERR_INVALID);
    assert_non_null(strstr(why.text, "byte order mark"));
}

static void without_room_for_an_escape_the_answer_is_no_memory(void **state)
{
    (void)state;
    struct arena arena;
    struct json_reader r;
    struct json_token t;
    arena_init(&arena, 64);
    json_text_init(
        &r, BYTES("\"\\u0041 and more than sixty-four bytes of text that cannot fit there\""),
        &arena, 32);
    assert_int_equal(json_text_next(&r, &t, NULL), ERR_NOMEM);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allowed_text_is_taken),
        cmocka_unit_test(every_forbidden_text_is_refused),
        cmocka_unit_test(a_nul_is_refused_wherever_it_stands),
        cmocka_unit_test(a_cut_text_is_refused_at_every_byte),
        cmocka_unit_test(any_depth_up_to_the_limit_and_none_past_it),
        cmocka_unit_test(tokens_say_what_the_text_says),
        cmocka_unit_test(a_skipped_value_is_passed_whole),
        cmocka_unit_test(the_reason_names_line_and_byte),
        cmocka_unit_test(without_room_for_an_escape_the_answer_is_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
