/* Percent escapes, query pairs and path segments. */
#include "codec/url.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void decodes_what_is_valid_and_refuses_the_rest(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *plain, *query; /* NULL: refused */
    } rows[] = {
        {"", "", ""},
        {"abc", "abc", "abc"},
        {"a%20b", "a b", "a b"},
        {"a+b", "a+b", "a b"},
        {"%41%7a%C3%A9", "Az\xc3\xa9", "Az\xc3\xa9"},
        {"100%25", "100%", "100%"},
        {"%2", NULL, NULL},
        {"%", NULL, NULL},
        {"a%2", NULL, NULL},
        {"%g0", NULL, NULL},
        {"%0g", NULL, NULL},
        {"%00", NULL, NULL},
        {"%ff", NULL, NULL},
        {"%ed%a0%80", NULL, NULL},
    };
    struct arena a;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int query = 0; query < 2; query++) {
            const char *expected = query ? rows[i].query : rows[i].plain;
            struct bytes got = {"untouched", 9};
            enum err e = url_decode(&a, bytes_str(rows[i].raw), query, &got);
            if (e != (expected ? ERR_OK : ERR_INVALID))
                fail_msg("%s: %s", rows[i].raw, err_name(e));
            if (!bytes_is(got, expected ? expected : "untouched")) fail_msg("%s", rows[i].raw);
        }
    struct bytes got;
    assert_int_equal(url_decode(&a, bytes_of("%41", 2), false, &got),
                     ERR_INVALID); /* cut before the 1 */
    arena_done(&a);
}

/* Walks all pairs into "name=value;" so that a row can be compared at a glance. */
static void pairs_come_in_order_and_empty_ones_not_at_all(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},      {"a", "a=;"},        {"a=1&b=&c", "a=1;b=;c=;"},  {"&&a=1&", "a=1;"},
        {"=v", "=v;"}, {"a=b=c", "a=b=c;"}, {"a=%26&b=+", "a=%26;b=+;"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char seen[64] = "";
        size_t n = 0;
        struct bytes rest = bytes_str(rows[i][0]), name, value;
        while (url_query_next(&rest, &name, &value))
            n += (size_t)snprintf(seen + n, sizeof seen - n, "%.*s=%.*s;", (int)name.n, name.p,
                                  (int)value.n, value.p);
        assert_string_equal(seen, rows[i][1]);
    }
    struct bytes none = {NULL, 0}, name, value;
    assert_false(url_query_next(&none, &name, &value));
}

static void finds_the_first_pair_by_its_decoded_name(void **state)
{
    (void)state;
    struct arena a;
    struct bytes got;
    arena_init(&a, 1 << 20);
    struct bytes query = BYTES("%zz=0&x%2Dy=1+2&x-y=3&bad=%f&n");
    assert_int_equal(url_query_find(&a, query, "x-y", &got), ERR_OK);
    assert_true(bytes_is(got, "1 2"));
    assert_int_equal(url_query_find(&a, query, "n", &got), ERR_OK);
    assert_int_equal(got.n, 0);
    assert_int_equal(url_query_find(&a, query, "bad", &got), ERR_INVALID);
    assert_int_equal(url_query_find(&a, query, "x", &got), ERR_NOTFOUND);
    assert_int_equal(url_query_find(&a, bytes_of(NULL, 0), "x", &got), ERR_NOTFOUND);
    arena_done(&a);
}

static void segments_are_the_text_between_slashes(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"/", "[]"}, {"/a", "[a]"}, {"/a/b", "[a][b]"}, {"/a//b/", "[a][][b][]"},
        {"a", ""},   {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char seen[64] = "";
        size_t n = 0;
        struct bytes rest = bytes_str(rows[i][0]), segment;
        while (url_path_next(&rest, &segment))
            n += (size_t)snprintf(seen + n, sizeof seen - n, "[%.*s]", (int)segment.n, segment.p);
        assert_string_equal(seen, rows[i][1]);
    }
}

static void no_memory_is_told(void **state)
{
    (void)state;
    struct arena a;
    struct bytes got;
    arena_init(&a, 1 << 20);
    mem_fail_at(1);
    assert_int_equal(url_decode(&a, BYTES("%41"), false, &got), ERR_NOMEM);
    mem_fail_at(1);
    assert_int_equal(url_query_find(&a, BYTES("%41=1"), "A", &got), ERR_NOMEM);
    mem_fail_at(0);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_what_is_valid_and_refuses_the_rest),
        cmocka_unit_test(pairs_come_in_order_and_empty_ones_not_at_all),
        cmocka_unit_test(finds_the_first_pair_by_its_decoded_name),
        cmocka_unit_test(segments_are_the_text_between_slashes),
        cmocka_unit_test(no_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
