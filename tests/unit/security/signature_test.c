/* Signatures of what we send. */
#include "security/signature.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* printf '1800000000.{"a":1}' | openssl dgst -sha256 -hmac 'whsec_test' */
static void the_vector_of_another_implementation_holds(void **state)
{
    char mac[SIGNATURE_HEX + 1];
    (void)state;
    signature_make(BYTES("whsec_test"), 1800000000, BYTES("{\"a\":1}"), mac);
    assert_string_equal(mac, "7de5e6bbc99c65ef0ddccacd4308ba03a5a12eb8859a0db070c5ca731c4fdc19");
}

static void time_body_and_secret_all_count(void **state)
{
    char mac[4][SIGNATURE_HEX + 1];
    (void)state;
    signature_make(BYTES("s"), 1, BYTES("b"), mac[0]);
    signature_make(BYTES("s"), 2, BYTES("b"), mac[1]);
    signature_make(BYTES("s"), 1, BYTES("c"), mac[2]);
    signature_make(BYTES("t"), 1, BYTES("b"), mac[3]);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++) assert_string_not_equal(mac[i], mac[j]);
}

static void secrets_are_long_and_differ(void **state)
{
    char a[SIGNATURE_SECRET_TEXT + 1], b[SIGNATURE_SECRET_TEXT + 1];
    (void)state;
    signature_make_secret(rnd_system(), a);
    signature_make_secret(rnd_system(), b);
    assert_int_equal(strlen(a), SIGNATURE_SECRET_TEXT);
    assert_memory_equal(a, "whsec_", 6);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vector_of_another_implementation_holds),
        cmocka_unit_test(time_body_and_secret_all_count),
        cmocka_unit_test(secrets_are_long_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
