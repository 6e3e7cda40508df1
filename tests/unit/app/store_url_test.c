/* store.url: which store it names, and the Java platform's form of an address. */
#include "app/store_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void each_address_names_its_store(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        enum store_url_kind kind;
        const char *text;
    } rows[] = {
        {"", STORE_URL_EMBEDDED, ""},
        {"embedded:", STORE_URL_EMBEDDED, ""},
        {"embedded:/data/one", STORE_URL_EMBEDDED, "/data/one"},
        {"postgres://u:p@h:5/d?sslmode=require", STORE_URL_POSTGRES,
         "postgres://u:p@h:5/d?sslmode=require"},
        {"postgresql://h/d", STORE_URL_POSTGRES, "postgresql://h/d"},
        {"jdbc:postgresql://h:5432/d", STORE_URL_POSTGRES, "postgresql://h:5432/d"},
        {"jdbc:postgresql:d", STORE_URL_POSTGRES, "postgresql://localhost/d"},
        {"jdbc:postgresql://h/d?user=u&reWriteBatchedInserts=true&password=p", STORE_URL_POSTGRES,
         "postgresql://h/d?user=u&password=p"},
        {"jdbc:postgresql://h/d?ssl=true", STORE_URL_POSTGRES,
         "postgresql://h/d?sslmode=verify-full"},
        {"jdbc:postgresql://h/d?ssl", STORE_URL_POSTGRES, "postgresql://h/d?sslmode=verify-full"},
        {"jdbc:postgresql://h/d?ssl=false&currentSchema=sv", STORE_URL_POSTGRES,
         "postgresql://h/d?options=-csearch_path%3Dsv"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct store_url url;
        struct why why = {""};
        if (store_url_parse(&url, bytes_str(rows[i].given), &why))
            fail_msg("%s: %s", rows[i].given, why.text);
        assert_int_equal(url.kind, rows[i].kind);
        assert_string_equal(url.text, rows[i].text);
    }
}

static void what_is_no_address_is_refused_without_being_repeated(void **state)
{
    (void)state;
    static const char *const rows[] = {"mysql://u:secret@h/d", "secret", "postgres:secret",
                                       "jdbc:mysql://h/secret"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct store_url url;
        struct why why = {""};
        assert_int_equal(store_url_parse(&url, bytes_str(rows[i]), &why), ERR_INVALID);
        assert_null(strstr(why.text, "secret"));
        assert_non_null(strstr(why.text, "embedded:DIR"));
    }
}

static void length_ends_at_the_limit(void **state)
{
    (void)state;
    char text[sizeof((struct store_url *)0)->text + 32];
    struct store_url url;
    memset(text, 'x', sizeof text);
    memcpy(text, "postgres://", 11);
    assert_int_equal(store_url_parse(&url, bytes_of(text, sizeof url.text - 1), NULL), ERR_OK);
    assert_int_equal(store_url_parse(&url, bytes_of(text, sizeof url.text), NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_names_its_store),
        cmocka_unit_test(what_is_no_address_is_refused_without_being_repeated),
        cmocka_unit_test(length_ends_at_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
