/* Tickets: good until their end, for their subject and secret only. */
#include "security/ticket.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct bytes secret = BYTES("0123456789abcdef0123456789abcdef and a password's hash");

static void a_ticket_is_good_until_its_end(void **state)
{
    (void)state;
    char t[TICKET_TEXT + 1];
    ticket_make(secret, 7, 1000, t);
    assert_int_equal(strlen(t), TICKET_TEXT);
    assert_true(ticket_check(bytes_str(t), secret, 7, 0));
    assert_true(ticket_check(bytes_str(t), secret, 7, 999));
    assert_false(ticket_check(bytes_str(t), secret, 7, 1000));
    assert_false(ticket_check(bytes_str(t), secret, 7, INT64_MAX));
}

static void it_belongs_to_one_subject_and_one_secret(void **state)
{
    (void)state;
    char t[TICKET_TEXT + 1];
    ticket_make(secret, 7, 1000, t);
    assert_false(ticket_check(bytes_str(t), secret, 8, 0));
    assert_false(ticket_check(bytes_str(t), bytes_of(secret.p, secret.n - 1), 7, 0));
    assert_false(ticket_check(bytes_str(t), bytes_of(secret.p + 1, secret.n - 1), 7, 0));
}

static void any_other_letter_and_any_other_length_is_refused(void **state)
{
    (void)state;
    char t[TICKET_TEXT + 2];
    ticket_make(secret, 7, INT64_MAX, t);
    for (size_t n = 0; n < TICKET_TEXT; n++)
        assert_false(ticket_check(bytes_of(t, n), secret, 7, 0));
    t[TICKET_TEXT] = 'A';
    assert_false(ticket_check(bytes_of(t, TICKET_TEXT + 1), secret, 7, 0));
    for (size_t i = 0; i < TICKET_TEXT; i++) {
        char good = t[i];
        for (const char *other = "AQgw_-9+/= "; *other; other++) {
            t[i] = *other;
            if (*other != good) assert_false(ticket_check(bytes_of(t, TICKET_TEXT), secret, 7, 0));
        }
        t[i] = good;
    }
    assert_true(ticket_check(bytes_of(t, TICKET_TEXT), secret, 7, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_is_good_until_its_end),
        cmocka_unit_test(it_belongs_to_one_subject_and_one_secret),
        cmocka_unit_test(any_other_letter_and_any_other_length_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
