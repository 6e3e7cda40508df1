/* Tokens, keys and role names. */
#include "security/roles.h"
#include "security/tokens.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void device_tokens_are_lower_case_uuids(void **state)
{
    (void)state;
    struct rnd rnd;
    char a[TOKENS_DEVICE_TEXT + 1], b[TOKENS_DEVICE_TEXT + 1];
    rnd_seed(&rnd, 7);
    tokens_make_device(&rnd, a);
    tokens_make_device(&rnd, b);
    assert_string_not_equal(a, b);
    assert_true(tokens_is_device(bytes_str(a)));
    assert_true(tokens_is_device(BYTES("550e8400-e29b-41d4-a716-446655440000")));
    assert_false(tokens_is_device(BYTES("550E8400-E29B-41D4-A716-446655440000")));
    assert_false(tokens_is_device(BYTES("550e8400e29b41d4a716446655440000")));
    assert_false(tokens_is_device(BYTES("")));
    assert_false(tokens_is_key(bytes_str(a)));
}

static void keys_have_their_prefix_and_length(void **state)
{
    (void)state;
    struct rnd rnd;
    char key[TOKENS_KEY_TEXT + 1];
    rnd_seed(&rnd, 8);
    for (int i = 0; i < 100; i++) {
        tokens_make_key(&rnd, key);
        assert_int_equal(strlen(key), TOKENS_KEY_TEXT);
        assert_true(tokens_is_key(bytes_str(key)));
        assert_false(tokens_is_device(bytes_str(key)));
    }
    key[10] = '+';
    assert_false(tokens_is_key(bytes_str(key)));
    assert_false(tokens_is_key(bytes_of(key, TOKENS_KEY_TEXT - 1)));
    assert_false(tokens_is_key(BYTES("svx_0123456789012345678901234567890123456789012")));
}

static void display_shows_the_ends_only(void **state)
{
    (void)state;
    char text[TOKENS_DISPLAY_TEXT + 1];
    tokens_display(BYTES("550e8400-e29b-41d4-a716-446655440000"), text);
    assert_string_equal(text, "550e8400...0000");
}

/* BLAKE2b-256 of "abc", from an independent implementation (Python's hashlib). */
static void hash_is_blake2b_256(void **state)
{
    (void)state;
    static const uint8_t abc[TOKENS_HASH] = {0xbd, 0xdd, 0x81, 0x3c, 0x63, 0x42, 0x39, 0x72,
                                             0x31, 0x71, 0xef, 0x3f, 0xee, 0x98, 0x57, 0x9b,
                                             0x94, 0x96, 0x4e, 0x3b, 0xb1, 0xcb, 0x3e, 0x42,
                                             0x72, 0x62, 0xc8, 0xc0, 0x68, 0xd5, 0x23, 0x19};
    uint8_t hash[TOKENS_HASH], other[TOKENS_HASH];
    tokens_hash(BYTES("abc"), hash);
    assert_memory_equal(hash, abc, TOKENS_HASH);
    tokens_hash(BYTES("abd"), other);
    assert_true(tokens_hash_equal(hash, abc));
    assert_false(tokens_hash_equal(hash, other));
}

static void role_names_go_both_ways(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROLES_COUNT; i++) {
        assert_int_equal(roles_parse(bytes_str(roles_name(1u << i))), 1u << i);
    }
    assert_string_equal(roles_name(ROLE_ORG_ADMIN), "ROLE_ORG_ADMIN");
    assert_null(roles_name(0));
    assert_null(roles_name(ROLE_USER | ROLE_VIEWER));
    assert_int_equal(roles_parse(BYTES("ROLE_ROOT")), 0);
    assert_int_equal(roles_parse(BYTES("role_user")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_tokens_are_lower_case_uuids),
        cmocka_unit_test(keys_have_their_prefix_and_length),
        cmocka_unit_test(display_shows_the_ends_only),
        cmocka_unit_test(hash_is_blake2b_256),
        cmocka_unit_test(role_names_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
