/* Addresses and networks. */
#include "codec/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void texts_come_back_in_their_shortest_form(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"10.0.0.1", "10.0.0.1"},
        {"::1", "::1"},
        {"[2001:DB8:0:0::1]", "2001:db8::1"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address a;
        char text[ADDRESS_TEXT_MAX];
        assert_int_equal(address_parse(bytes_str(rows[i][0]), &a), ERR_OK);
        address_format(&a, text);
        assert_string_equal(text, rows[i][1]);
    }
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",           "1.2.3",     "1.2.3.4.5", "256.1.1.1", "01.2.3.4x",
        "1.2.3.4:80", "localhost", "[::1",      "::1]",      "fe80::1%lo",
        "unknown",    ":::",       " 1.2.3.4",  "1.2.3.4/8", "12345::1"};
    struct address a;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (address_parse(bytes_str(rows[i]), &a) != ERR_INVALID) fail_msg("%s", rows[i]);
    assert_int_equal(address_parse(bytes_of("1.2.3.4\0", 8), &a), ERR_INVALID);
}

static void a_network_contains_its_own_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        const char *network, *address;
        bool inside;
    } rows[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "::1", false},
        {"192.168.4.0/22", "192.168.7.255", true},
        {"192.168.4.0/22", "192.168.8.0", false},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"0.0.0.0/0", "8.8.8.8", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "8.8.8.8", true},
        {"fd00::/8", "fdff::1", true},
        {"fd00::/8", "fe00::1", false},
        {"10.0.0.0/8", "::ffff:10.1.1.1", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct network n;
        struct address a;
        assert_int_equal(address_net_parse(bytes_str(rows[i].network), &n), ERR_OK);
        assert_int_equal(address_parse(bytes_str(rows[i].address), &a), ERR_OK);
        if (address_net_contains(&n, &a) != rows[i].inside)
            fail_msg("%s in %s", rows[i].address, rows[i].network);
    }
}

static void a_wrong_network_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {"10.0.0.0/33", "10.0.0.1/8", "::/129", "10.0.0.0/",
                                       "10.0.0.0/x",  "/8",         "",       "fd00::1/8"};
    struct network n;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (address_net_parse(bytes_str(rows[i]), &n) != ERR_INVALID) fail_msg("%s", rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_come_back_in_their_shortest_form),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_network_contains_its_own_and_nothing_else),
        cmocka_unit_test(a_wrong_network_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
