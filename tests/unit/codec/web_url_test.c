/* URLs as people type them. */
#include "codec/web_url.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool is(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_str(text));
}

static void parts_are_taken_apart(void **state)
{
    struct web_url u;
    (void)state;
    assert_int_equal(web_url_parse(BYTES("https://hooks.example.org:8443/a/b?c=d"), &u, NULL),
                     ERR_OK);
    assert_true(u.secure);
    assert_true(is(u.host, "hooks.example.org"));
    assert_true(is(u.origin, "https://hooks.example.org:8443"));
    assert_true(is(u.rest, "/a/b?c=d"));
    assert_int_equal(web_url_parse(BYTES("HTTP://[2606:4700::1]:80?x"), &u, NULL), ERR_OK);
    assert_false(u.secure);
    assert_true(is(u.host, "2606:4700::1"));
    assert_true(is(u.origin, "HTTP://[2606:4700::1]:80"));
    assert_true(is(u.rest, "?x"));
    assert_int_equal(web_url_parse(BYTES("http://a"), &u, NULL), ERR_OK);
    assert_int_equal(u.rest.n, 0);
}

static void what_could_be_read_in_two_ways_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "http:",
        "http://",
        "https:///x",
        "ftp://a/",
        "file:///etc/passwd",
        "//a/b",
        "a.b/c",
        "http://user@a/",
        "http://user:secret@a/",
        "http://a@b@c/",
        "http://a\\@b/",
        "http://a b/",
        "http://a\tb",
        "http://a/\r\nX: y",
        "http://a/#f",
        "http://a:0/",
        "http://a:65536/",
        "http://a:/x:y",
        "http://a:8x/",
        "http://[::1/",
        "http://[::1]x/",
        "http://[::g]/",
        "http://[fe80::1%25eth0]/",
        "http://:80/",
        "http://a/\x7f",
        "http://\xc3\xa4.example/",
        "gopher://a/",
        "http://a/<b>",
        "http//a",
        " http://a/",
        "http://a/{b}",
    };
    struct web_url u;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct why why = {""};
        if (web_url_parse(bytes_str(bad[i]), &u, &why) != ERR_INVALID)
            fail_msg("taken: %s", bad[i]);
        assert_true(why.text[0]);
    }
}

static void length_is_limited_at_2048(void **state)
{
    char text[WEB_URL_MAX + 2];
    struct web_url u;
    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, "http://a/", 9);
    assert_int_equal(web_url_parse(bytes_of(text, WEB_URL_MAX), &u, NULL), ERR_OK);
    assert_int_equal(web_url_parse(bytes_of(text, WEB_URL_MAX + 1), &u, NULL), ERR_INVALID);
}

static bool inside(const char *text)
{
    struct web_url u;
    assert_int_equal(web_url_parse(bytes_str(text), &u, NULL), ERR_OK);
    return web_url_is_inside(&u);
}

static void hosts_that_say_inside_are_seen(void **state)
{
    (void)state;
    assert_true(inside("http://localhost/"));
    assert_true(inside("http://LocalHost.:80/"));
    assert_true(inside("http://a.localhost/"));
    assert_true(inside("http://127.0.0.1/"));
    assert_true(inside("http://[::1]:1/"));
    assert_true(inside("http://[::ffff:10.0.0.1]/"));
    assert_false(inside("http://notlocalhost/"));
    assert_false(inside("http://localhost.example.org/"));
    assert_false(inside("http://8.8.8.8/"));
    assert_false(inside("http://a/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_taken_apart),
        cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
        cmocka_unit_test(length_is_limited_at_2048),
        cmocka_unit_test(hosts_that_say_inside_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
