/* The grammar of .properties files, rule by rule, and ${…} references. */
#include "conf/properties.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* "key=value|key=value", or "!" and the reason. */
static const char *read_all(const char *text, size_t n)
{
    static char out[4096];
    struct buf all;
    struct properties p;
    struct property property;
    struct why why = {""};
    enum err e;
    buf_init(&all, sizeof out - 1);
    properties_open(&p, bytes_of(text, n));
    while (!(e = properties_next(&p, &property, &why))) {
        if (all.n) buf_add_char(&all, '|');
        buf_add_bytes(&all, property.key);
        buf_add_char(&all, '=');
        buf_add_bytes(&all, property.value);
    }
    properties_done(&p);
    if (e != ERR_END) {
        buf_clear(&all);
        buf_printf(&all, "!%s", why.text);
    }
    memcpy(out, buf_cstr(&all), all.n + 1);
    buf_done(&all);
    return out;
}

struct example {
    const char *text, *expected;
};

static void check(const struct example *examples, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_string_equal(read_all(examples[i].text, strlen(examples[i].text)),
                            examples[i].expected);
}
#define CHECK(examples) check(examples, sizeof(examples) / sizeof(examples)[0])

static void separators_are_equals_colon_or_blanks(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"a=1", "a=1"},         {"a:1", "a=1"},
        {"a 1", "a=1"},         {"a\t= 1", "a=1"},
        {"a = = 1", "a== 1"},   {"a", "a="},
        {"a=", "a="},           {"  a=1", "a=1"},
        {"a=b=c:d", "a=b=c:d"}, {"a\\ b\\=c\\:d=1", "a b=c:d=1"},
        {"a=1 ", "a=1 "},       {"=1", "=1"},
    };
    CHECK(examples);
}

static void comments_and_blank_lines_are_nothing(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"", ""},
        {"\n\r\n \t\n", ""},
        {"# a=1\n! b=2\n  # c=3\nd=4", "d=4"},
        {"# goes on \\\na=1", "a=1"},
        {"a=1 # not a comment", "a=1 # not a comment"},
        {"#---\na=1", "a=1"},
    };
    CHECK(examples);
}

static void continuations_join_lines_without_their_indent(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"a=1,\\\n   2,\\\r\n\t3\nb=4", "a=1,2,3|b=4"},
        {"a=1\\\\\nb=2", "a=1\\|b=2"}, /* an escaped backslash continues nothing */
        {"a\\\n  b=1", "ab=1"},
        {"a=1\\\n# not a comment", "a=1# not a comment"},
        {"a=1\\", "a=1"},
        {"a\\\n=1", "a=1"},
    };
    CHECK(examples);
}

static void escapes_are_resolved(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"a=\\t\\n\\r\\f", "a=\t\n\r\f"},
        {"a=\\q\\#\\!", "a=q#!"},
        {"a=\\u00e4\\u20AC", "a=\xc3\xa4\xe2\x82\xac"},
        {"a=\\uD83D\\uDE00", "a=\xf0\x9f\x98\x80"},
        {"\\u0061=1", "a=1"},
    };
    CHECK(examples);
}

static void broken_escapes_are_refused_with_their_line(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"a=1\nb=\\u12", "!line 2: \\u must be followed by four hex digits"},
        {"a=\\uzzzz", "!line 1: \\u must be followed by four hex digits"},
        {"a=\\ud83d", "!line 1: half of a surrogate pair"},
        {"a=\\ud83d\\u0041", "!line 1: half of a surrogate pair"},
        {"a=\\udc00", "!line 1: half of a surrogate pair"},
        {"a=\\u0000", "!line 1: \\u0000 is not allowed"},
    };
    CHECK(examples);
    assert_string_equal(read_all("a=1\nb=\0c", 8), "!line 2: a NUL byte");
    assert_string_equal(read_all("a=\\\0", 4), "!line 1: a NUL byte");
}

static void text_that_is_not_utf8_is_latin1(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"a=\xe4", "a=\xc3\xa4"},
        {"a=\xc3\xa4", "a=\xc3\xa4"},
        {"\xef\xbb\xbf"
         "a=1",
         "a=1"},
    };
    CHECK(examples);
}

static void line_numbers_count_every_kind_of_line_end(void **state)
{
    (void)state;
    struct properties p;
    struct property property;
    properties_open(&p, BYTES("# c\r\n\ra=1\\\n 2\nb=3"));
    assert_int_equal(properties_next(&p, &property, NULL), ERR_OK);
    assert_int_equal(property.line, 3);
    assert_int_equal(properties_next(&p, &property, NULL), ERR_OK);
    assert_int_equal(property.line, 5);
    assert_int_equal(properties_next(&p, &property, NULL), ERR_END);
    properties_done(&p);
}

static const char *fake_env(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "HOST") == 0 ? "db" : strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

static void references_take_the_environment_then_the_default(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"${HOST}:5432", "db:5432"},
        {"${NONE:x}", "x"},
        {"${NONE:}", ""},
        {"${NONE:a:b}", "a:b"},
        {"${NONE:${HOST}/x}y", "db/xy"},
        {"${NONE:${ALSO:deep}}", "deep"},
        {"a${EMPTY:x}b", "ab"},
        {"$HOST ${", "$HOST ${"},
        {"${HOST", "${HOST"},
        {"${HOST}${HOST}", "dbdb"},
        {"}${HOST}", "}db"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        struct buf out;
        buf_init(&out, 1000);
        assert_int_equal(properties_expand(&out, bytes_str(examples[i].text), fake_env, NULL, NULL),
                         ERR_OK);
        assert_string_equal(buf_cstr(&out), examples[i].expected);
        buf_done(&out);
    }
}

static void reference_without_value_or_default_is_named(void **state)
{
    (void)state;
    struct buf out;
    struct why why;
    buf_init(&out, 1000);
    assert_int_equal(properties_expand(&out, BYTES("${NONE}"), fake_env, NULL, &why), ERR_NOTFOUND);
    assert_non_null(strstr(why.text, "${NONE}"));
    assert_int_equal(properties_expand(&out, BYTES("${:x}"), fake_env, NULL, &why), ERR_INVALID);
    char deep[100] = "";
    for (int i = 0; i < 12; i++) memcpy(deep + i * 4, "${A:", 5);
    memcpy(deep + 48, "}}}}}}}}}}}}", 13);
    assert_int_equal(properties_expand(&out, bytes_str(deep), fake_env, NULL, &why), ERR_TOOLARGE);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(separators_are_equals_colon_or_blanks),
        cmocka_unit_test(comments_and_blank_lines_are_nothing),
        cmocka_unit_test(continuations_join_lines_without_their_indent),
        cmocka_unit_test(escapes_are_resolved),
        cmocka_unit_test(broken_escapes_are_refused_with_their_line),
        cmocka_unit_test(text_that_is_not_utf8_is_latin1),
        cmocka_unit_test(line_numbers_count_every_kind_of_line_end),
        cmocka_unit_test(references_take_the_environment_then_the_default),
        cmocka_unit_test(reference_without_value_or_default_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
