/* Forgotten passwords, on a real catalog: how often a link is sent, and how long it is good. */
#include "service/auth_keys.h"
#include "service/auth_users.h"
#include "service/event_types.h"
#include "service_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct service_world w;
static const struct actor visitor = {.address = {"10.0.0.1", 8}, .request_id = {"r-1", 3}};

#define PASSWORD "correct horse battery"

static int open_world(void **state)
{
    (void)state;
    service_world_open(&w);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    service_world_close(&w);
    return 0;
}

static enum err login(const char *name, const char *password)
{
    struct refusal refusal = {.fields = 0};
    struct auth_tokens t;
    return auth_service_login(w.auth, bytes_str(name), bytes_str(password), false, &visitor,
                              &w.arena, &t, &refusal);
}

static int64_t count_of(const char *sql)
{
    struct sql_tx *tx;
    struct sql_cursor *c;
    struct sql_row row;
    assert_int_equal(sql_begin(w.db, SQL_READ, &tx), ERR_OK);
    assert_int_equal(sql_query(tx, sql, SQL_NO_ARGS, &c), ERR_OK);
    assert_int_equal(sql_next(c, &row), ERR_OK);
    int64_t n = row.columns[0].as.i;
    sql_finish(c);
    assert_int_equal(sql_end(tx, ERR_OK), ERR_OK);
    return n;
}

static void a_forgotten_password_is_reset_once_within_an_hour(void **state)
{
    (void)state;
    struct auth_tokens t = service_world_register(&w, "ada");
    struct principal p;
    struct refusal r = {.fields = 0};
    const struct bytes fresh = BYTES("a third horse battery");
    assert_int_equal(auth_accounts_forgot_password(w.auth, BYTES("nobody@x.y"), &visitor, &r),
                     ERR_OK);
    assert_int_equal(w.mails_sent, 0);
    /* the same write, for nobody */
    assert_int_equal(count_of("SELECT count(*) FROM password_resets"), 1);
    assert_int_equal(count_of("SELECT count(*) FROM password_resets WHERE user_id <> 0"), 0);
    assert_int_equal(auth_accounts_forgot_password(w.auth, BYTES("Ada@Example.com"), &visitor, &r),
                     ERR_OK);
    assert_int_equal(w.mails_sent, 1);
    struct bytes token = bytes_str(w.mailed_token);
    assert_int_equal(auth_accounts_reset_password(w.auth, token, BYTES("short"), &visitor, &r),
                     ERR_INVALID);
    r = (struct refusal){.fields = 0};
    assert_int_equal(auth_accounts_reset_password(w.auth, token, fresh, &visitor, &r), ERR_OK);
    assert_int_equal(service_world_ask(&w, t.access, &p), ERR_UNAUTHENTICATED);
    assert_int_equal(login("ada", "a third horse battery"), ERR_OK);
    assert_int_equal(auth_accounts_reset_password(w.auth, token, fresh, &visitor, &r), ERR_INVALID);
    assert_int_equal(service_world_events(&w, t.org, EVENT_PASSWORD_RESET), 1);
}

static void a_mailbox_gets_three_mails_an_hour_whoever_asks(void **state)
{
    (void)state;
    struct auth_tokens t = service_world_register(&w, "ada");
    const struct bytes mail = BYTES("ada@example.com"), fresh = BYTES("a third horse battery");
    struct refusal r = {.fields = 0};
    char last[64], address[32];
    for (int i = 0; i < 8; i++) {
        snprintf(address, sizeof address, "192.0.2.%d", i); /* each asks once */
        const struct actor other = {.name = BYTES("anonymous"), .address = bytes_str(address)};
        assert_int_equal(auth_accounts_forgot_password(w.auth, mail, &other, &r), ERR_OK);
        assert_int_equal(w.mails_sent,
                         i < AUTH_RESET_MAILS_PER_HOUR ? i + 1 : AUTH_RESET_MAILS_PER_HOUR);
        if (w.mails_sent == i + 1) memcpy(last, w.mailed_token, sizeof last);
    }
    assert_int_equal(service_world_events(&w, t.org, EVENT_PASSWORD_RESET_REQUESTED), 3);
    /* the row is written for the others, too */
    assert_int_equal(count_of("SELECT count(*) FROM password_resets"), 1 + 5);
    clock_fake_advance(&w.clock, NS_PER_HOUR - 1);
    const struct actor late = {.name = BYTES("anonymous"), .address = BYTES("192.0.2.90")};
    assert_int_equal(auth_accounts_reset_password(w.auth, bytes_str(last), fresh, &late, &r),
                     ERR_OK);
    clock_fake_advance(&w.clock, 1);
    assert_int_equal(auth_accounts_forgot_password(w.auth, mail, &late, &r), ERR_OK);
    assert_int_equal(w.mails_sent, AUTH_RESET_MAILS_PER_HOUR + 1);
}

static void a_reset_token_does_not_outlive_a_change_of_address(void **state)
{
    (void)state;
    struct auth_tokens t = service_world_register(&w, "ada");
    const struct bytes fresh = BYTES("a third horse battery");
    const struct auth_reach reach = {.org = t.org, .roles = ROLE_ORG_ADMIN};
    const struct auth_user_change change = {.email_set = true, .email = BYTES("new@example.com")};
    const struct auth_user_change name = {.first_name_set = true, .first_name = BYTES("Ada")};
    struct refusal r = {.fields = 0};
    struct organization o;
    struct user u;
    assert_int_equal(auth_accounts_forgot_password(w.auth, BYTES("ada@example.com"), &visitor, &r),
                     ERR_OK);
    assert_int_equal(
        auth_users_update(w.auth, &reach, t.user, &name, &visitor, &w.arena, &u, &o, &r), ERR_OK);
    assert_int_equal(count_of("SELECT count(*) FROM password_resets WHERE user_id <> 0"), 1);
    assert_int_equal(
        auth_users_update(w.auth, &reach, t.user, &change, &visitor, &w.arena, &u, &o, &r), ERR_OK);
    assert_int_equal(
        auth_accounts_reset_password(w.auth, bytes_str(w.mailed_token), fresh, &visitor, &r),
        ERR_INVALID);
    assert_int_equal(count_of("SELECT count(*) FROM password_resets WHERE user_id <> 0"), 0);
}

static void a_reset_token_ends_after_an_hour_and_with_the_next_one(void **state)
{
    (void)state;
    service_world_register(&w, "ada");
    struct refusal r = {.fields = 0};
    const struct bytes mail = BYTES("ada@example.com"), fresh = BYTES("a third horse battery");
    char first[64];
    assert_int_equal(auth_accounts_forgot_password(w.auth, mail, &visitor, &r), ERR_OK);
    memcpy(first, w.mailed_token, sizeof first);
    assert_int_equal(auth_accounts_forgot_password(w.auth, mail, &visitor, &r), ERR_OK);
    assert_int_equal(auth_accounts_reset_password(w.auth, bytes_str(first), fresh, &visitor, &r),
                     ERR_INVALID);
    r = (struct refusal){.fields = 0};
    clock_fake_advance(&w.clock, NS_PER_HOUR);
    assert_int_equal(
        auth_accounts_reset_password(w.auth, bytes_str(w.mailed_token), fresh, &visitor, &r),
        ERR_INVALID);
    assert_int_equal(auth_service_maintain(w.auth), ERR_OK);
    assert_int_equal(login("ada", PASSWORD), ERR_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_forgotten_password_is_reset_once_within_an_hour),
        TEST(a_mailbox_gets_three_mails_an_hour_whoever_asks),
        TEST(a_reset_token_does_not_outlive_a_change_of_address),
        TEST(a_reset_token_ends_after_an_hour_and_with_the_next_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
