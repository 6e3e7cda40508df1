/* Which addresses a user may have us call. */
#include "codec/address_public.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool is_public(const char *text)
{
    struct address a;
    if (address_parse(bytes_str(text), &a)) fail_msg("%s is no address", text);
    return address_public_is(&a);
}

static void addresses_of_the_inside_are_refused(void **state)
{
    static const char *const inside[] = {
        "127.0.0.1",
        "127.255.255.255",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.1.2.3",
        "::ffff:a9fe:a9fe",
        "::7f00:1",
        "3fff::1",
        "4000::1",
        "fec0::1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (is_public(inside[i])) fail_msg("%s counts as public", inside[i]);
}

static void addresses_beside_the_ranges_are_public(void **state)
{
    static const char *const outside[] = {
        "1.1.1.1",         "9.255.255.255",   "11.0.0.0",        "100.63.255.255",
        "100.128.0.0",     "126.255.255.255", "128.0.0.1",       "168.63.129.15",
        "168.63.129.17",   "169.253.255.255", "169.255.0.0",     "172.15.255.255",
        "172.32.0.0",      "192.167.255.255", "192.169.0.0",     "198.17.255.255",
        "198.20.0.0",      "223.255.255.255", "2606:4700::1111", "2a00:1450::1",
        "2001:4860::8888", "::ffff:8.8.8.8",
    };
    (void)state;
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        if (!is_public(outside[i])) fail_msg("%s does not count as public", outside[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_the_inside_are_refused),
        cmocka_unit_test(addresses_beside_the_ranges_are_public),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
