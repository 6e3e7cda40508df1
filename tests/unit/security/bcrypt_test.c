/* bcrypt texts of other programs. The vectors are those of its reference implementation
 * (crypt_blowfish, public domain). */
#include "security/bcrypt.h"

#include "security/password.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *plain, *stored;
} vectors[] = {
    {"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
    {"U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"},
    {"U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"},
    {"", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"},
};

static void known_texts_open_with_their_passwords(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct bytes stored = bytes_str(vectors[i].stored);
        assert_int_equal(bcrypt_verify(bytes_str(vectors[i].plain), stored), ERR_OK);
        assert_int_equal(bcrypt_verify(BYTES("U*"), stored), ERR_UNAUTHENTICATED);
    }
    /* y, as others write b */
    assert_int_equal(
        bcrypt_verify(BYTES("U*U"),
                      BYTES("$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")),
        ERR_OK);
}

static void what_is_no_bcrypt_text_opens_nothing(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "plain",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWW",
        "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$16$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", /* a minute of work */
        "$2a$xx$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyO\nW",
        "$1$abcdefgh$0123456789012345678901234567890123456789012345678",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(bcrypt_is(bytes_str(wrong[i])));
        assert_int_equal(bcrypt_verify(BYTES("U*U"), bytes_str(wrong[i])), ERR_UNAUTHENTICATED);
    }
    struct bytes nul = BYTES("U*U\0x");
    assert_int_equal(bcrypt_verify(nul, bytes_str(vectors[0].stored)), ERR_UNAUTHENTICATED);
}

static void the_gate_checks_both_kinds_and_calls_this_one_outdated(void **state)
{
    (void)state;
    const struct password_opts cheap = {.memory_bytes = 8192, .passes = 1};
    struct password_gate *g = NULL;
    struct bytes stored = bytes_str(vectors[0].stored);
    assert_int_equal(password_new(&g, &cheap), ERR_OK);
    assert_int_equal(password_verify(g, BYTES("U*U"), stored), ERR_OK);
    assert_int_equal(password_verify(g, BYTES("U*u"), stored), ERR_UNAUTHENTICATED);
    assert_true(password_is_outdated(g, stored));
    assert_int_equal(password_read_stats(g).done, 2); /* through the gate, like any other */
    password_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts_open_with_their_passwords),
        cmocka_unit_test(what_is_no_bcrypt_text_opens_nothing),
        cmocka_unit_test(the_gate_checks_both_kinds_and_calls_this_one_outdated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
