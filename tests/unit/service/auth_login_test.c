/* Logins on a real catalog: who gets in, who is thrown out, and what is written down of it. */
#include "service/auth_state.h"
#include "service/event_types.h"
#include "service_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct service_world w;
static const struct actor visitor = {.address = {"10.0.0.1", 8}, .request_id = {"r-1", 3}};

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

static enum err login_from(const char *address, const char *name, const char *password,
                           struct auth_tokens *ret, struct refusal *refusal)
{
    struct actor actor = {.address = bytes_str(address), .request_id = BYTES("r-2")};
    return auth_service_login(w.auth, bytes_str(name), bytes_str(password), false, &actor, &w.arena,
                              ret, refusal);
}

static enum err login(const char *name, const char *password, struct auth_tokens *ret)
{
    struct refusal refusal = {.fields = 0};
    return login_from("10.0.0.1", name, password, ret, &refusal);
}

static enum err refresh(const char *token, struct auth_tokens *ret)
{
    struct refusal refusal = {.fields = 0};
    return auth_service_refresh(w.auth, bytes_str(token), &visitor, &w.arena, ret, &refusal);
}

static void a_registered_user_logs_in_by_name_or_mail_in_any_case(void **state)
{
    (void)state;
    struct auth_tokens first = service_world_register(&w, "ada"), t;
    struct principal p;
    static const char *const names[] = {"ada", "ADA", "ada@example.com", "Ada@Example.COM"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(login(names[i], "correct horse battery", &t), ERR_OK);
        assert_int_equal(t.user, first.user);
        assert_int_equal(service_world_ask(&w, t.access, &p), ERR_OK);
        assert_int_equal(p.org, first.org);
        assert_int_equal(p.roles, ROLE_ORG_ADMIN);
        assert_int_equal(p.kind, PRINCIPAL_USER);
        assert_false(p.by_key || p.by_cookie);
    }
    assert_int_equal(service_world_events(&w, first.org, EVENT_LOGIN_SUCCEEDED), 4);
    assert_int_equal(service_world_events(&w, first.org, EVENT_USER_REGISTERED), 1);
}

static void wrong_password_and_unknown_user_get_the_same_answer(void **state)
{
    (void)state;
    struct auth_tokens tokens = service_world_register(&w, "ada");
    struct refusal known = {.fields = 0}, unknown = {.fields = 0};
    struct auth_tokens t;
    const enum err no = ERR_UNAUTHENTICATED;
    assert_int_equal(login_from("10.0.0.1", "ada", "wrong", &t, &known), no);
    assert_int_equal(login_from("10.0.0.1", "nobody", "wrong", &t, &unknown), no);
    assert_string_equal(known.why.text, unknown.why.text);
    assert_non_null(strstr(known.why.text, "Invalid"));
    /* written down by the housekeeping, not on the request's time */
    assert_int_equal(service_world_events(&w, tokens.org, EVENT_LOGIN_FAILED), 0);
    assert_int_equal(auth_service_maintain(w.auth), ERR_OK);
    assert_int_equal(service_world_events(&w, tokens.org, EVENT_LOGIN_FAILED), 1);
    assert_int_equal(auth_service_maintain(w.auth), ERR_OK);
    assert_int_equal(service_world_events(&w, tokens.org, EVENT_LOGIN_FAILED), 1);
}

static enum err begin_fails(struct sql_db *db, enum sql_mode mode, struct sql_tx **ret)
{
    (void)db;
    (void)mode;
    (void)ret;
    return ERR_NOSPACE;
}

static void failed_logins_wait_until_they_can_be_written(void **state)
{
    (void)state;
    static const struct sql_ops broken_ops = {.begin = begin_fails};
    struct sql_db broken = {&broken_ops};
    struct auth_tokens a = service_world_register(&w, "ada"), t;
    assert_int_equal(login("ada", "wrong", &t), ERR_UNAUTHENTICATED);
    assert_int_equal(login("nobody", "wrong", &t), ERR_UNAUTHENTICATED);
    assert_int_equal(auth_failures_write(w.auth->failures, &broken), ERR_NOSPACE);
    assert_int_equal(auth_failures_write(w.auth->failures, w.db), ERR_OK);
    assert_int_equal(service_world_events(&w, a.org, EVENT_LOGIN_FAILED), 1);
    assert_int_equal(auth_failures_dropped(w.auth->failures), 0);
}

static void five_wrong_passwords_lock_that_address_only_whether_the_user_exists_or_not(void **state)
{
    (void)state;
    service_world_register(&w, "ada");
    static const char *const names[] = {"ada", "nobody"};
    for (int i = 0; i < 2; i++) {
        struct refusal refusal = {.fields = 0};
        struct auth_tokens t;
        for (int n = 0; n < 5; n++) {
            enum err e = login_from("10.0.0.9", names[i], "wrong", &t, &refusal);
            assert_int_equal(e, ERR_UNAUTHENTICATED);
        }
        enum err e = login_from("10.0.0.9", names[i], "correct horse battery", &t, &refusal);
        assert_int_equal(e, ERR_RATE);
        assert_int_equal(refusal.retry_ns, 30 * NS_PER_MINUTE);
        assert_string_equal(refusal.limit, "login-lockout");
    }
    struct auth_tokens t;
    assert_int_equal(login("ada", "correct horse battery", &t), ERR_OK);
    clock_fake_advance(&w.clock, 30 * NS_PER_MINUTE);
    struct refusal refusal = {.fields = 0};
    assert_int_equal(login_from("10.0.0.9", "ada", "correct horse battery", &t, &refusal), ERR_OK);
}

static void refresh_rotates_and_an_old_token_ends_the_family(void **state)
{
    (void)state;
    struct auth_tokens a = service_world_register(&w, "ada"), b, c, other;
    struct principal p;
    const enum err no = ERR_UNAUTHENTICATED;
    assert_int_equal(login("ada", "correct horse battery", &other), ERR_OK);
    assert_int_equal(refresh(a.refresh, &b), ERR_OK);
    assert_string_not_equal(a.refresh, b.refresh);
    assert_int_equal(service_world_ask(&w, b.access, &p), ERR_OK);
    assert_int_equal(refresh(a.refresh, &c), no); /* the old one again */
    assert_int_equal(refresh(b.refresh, &c), no); /* so the new one is void, too */
    assert_int_equal(service_world_ask(&w, a.access, &p), no);
    assert_int_equal(service_world_ask(&w, b.access, &p), no);
    assert_false(auth_service_still_valid(w.auth, &(struct principal){.kind = PRINCIPAL_NONE}));
    assert_int_equal(service_world_events(&w, a.org, EVENT_SESSION_REUSED), 1);
    assert_int_equal(service_world_ask(&w, other.access, &p), ERR_OK); /* another login lives on */
    assert_true(auth_service_still_valid(w.auth, &p));
    service_world_reopen(&w, NULL);
    assert_int_equal(service_world_ask(&w, b.access, &p), no); /* also after a restart */
    assert_int_equal(service_world_ask(&w, other.access, &p), ERR_OK);
}

static void access_and_refresh_tokens_do_not_stand_in_for_each_other(void **state)
{
    (void)state;
    struct auth_tokens a = service_world_register(&w, "ada"), b;
    struct principal p;
    assert_int_equal(service_world_ask(&w, a.refresh, &p), ERR_UNAUTHENTICATED);
    assert_int_equal(refresh(a.access, &b), ERR_UNAUTHENTICATED);
    assert_int_equal(refresh("", &b), ERR_UNAUTHENTICATED);
    assert_int_equal(refresh("a.b.c", &b), ERR_UNAUTHENTICATED);
    assert_int_equal(refresh(a.refresh, &b), ERR_OK);
}

static void tokens_end_with_their_lifetimes(void **state)
{
    (void)state;
    struct auth_tokens a = service_world_register(&w, "ada"), b;
    struct principal p;
    clock_fake_advance(&w.clock, 8 * NS_PER_HOUR - NS_PER_S);
    assert_int_equal(service_world_ask(&w, a.access, &p), ERR_OK);
    clock_fake_advance(&w.clock, NS_PER_S);
    assert_int_equal(service_world_ask(&w, a.access, &p), ERR_UNAUTHENTICATED);
    assert_int_equal(refresh(a.refresh, &b), ERR_OK);
    clock_fake_advance(&w.clock, 7 * NS_PER_DAY);
    assert_int_equal(refresh(b.refresh, &a), ERR_UNAUTHENTICATED);
}

static void logout_ends_the_session_at_once_and_for_good(void **state)
{
    (void)state;
    struct auth_tokens a = service_world_register(&w, "ada"), b;
    struct principal p;
    assert_int_equal(service_world_ask(&w, a.access, &p), ERR_OK);
    struct actor actor = service_world_actor(&w, &p);
    assert_int_equal(auth_service_logout(w.auth, &actor), ERR_OK);
    assert_int_equal(service_world_ask(&w, a.access, &p), ERR_UNAUTHENTICATED);
    assert_int_equal(refresh(a.refresh, &b), ERR_UNAUTHENTICATED);
    assert_int_equal(auth_service_logout(w.auth, &actor), ERR_OK);
    service_world_reopen(&w, NULL);
    assert_int_equal(service_world_ask(&w, a.access, &p), ERR_UNAUTHENTICATED);
    clock_fake_advance(&w.clock, 8 * NS_PER_DAY); /* housekeeping forgets what has ended anyway */
    assert_int_equal(auth_service_maintain(w.auth), ERR_OK);
    assert_int_equal(service_world_ask(&w, a.access, &p), ERR_UNAUTHENTICATED);
}

static void the_cookie_reads_and_never_writes(void **state)
{
    (void)state;
    struct auth_tokens a = service_world_register(&w, "ada");
    struct principal p;
    char cookie[JWT_TEXT_MAX + 64];
    int n = snprintf(cookie, sizeof cookie, "theme=dark; " AUTH_COOKIE "=%s; x=y", a.access);
    struct auth_credentials given = {.cookie = bytes_of(cookie, (size_t)n), .method_is_read = true};
    assert_int_equal(auth_service_authenticate(w.auth, &given, &p), ERR_OK);
    assert_true(p.by_cookie);
    given.method_is_read = false;
    assert_int_equal(auth_service_authenticate(w.auth, &given, &p), ERR_UNAUTHENTICATED);
    n = snprintf(cookie, sizeof cookie, "not_" AUTH_COOKIE "=%s", a.access);
    given =
        (struct auth_credentials){.cookie = bytes_of(cookie, (size_t)n), .method_is_read = true};
    assert_int_equal(auth_service_authenticate(w.auth, &given, &p), ERR_UNAUTHENTICATED);
    n = snprintf(cookie, sizeof cookie, AUTH_COOKIE "=%s", a.refresh);
    given.cookie = bytes_of(cookie, (size_t)n);
    assert_int_equal(auth_service_authenticate(w.auth, &given, &p), ERR_UNAUTHENTICATED);
}

/* A header that is there decides, also when it is wrong and the cookie is right. */
static void the_first_credential_decides(void **state)
{
    (void)state;
    struct auth_tokens a = service_world_register(&w, "ada");
    struct principal p;
    char cookie[JWT_TEXT_MAX + 64], bearer[JWT_TEXT_MAX + 64];
    int n = snprintf(cookie, sizeof cookie, AUTH_COOKIE "=%s", a.access);
    int m = snprintf(bearer, sizeof bearer, "bEaReR   %s ", a.access);
    struct auth_credentials given = {.cookie = bytes_of(cookie, (size_t)n), .method_is_read = true};
    static const char *const bad[] = {"Bearer",      "Bearer ",  "Bearer x",     "Basic YTpi",
                                      "Token a.b.c", "Digest x", "Bearer a.b.c", "x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        given.authorization = bytes_str(bad[i]);
        assert_int_equal(auth_service_authenticate(w.auth, &given, &p), ERR_UNAUTHENTICATED);
    }
    given.authorization = bytes_of(bearer, (size_t)m);
    assert_int_equal(auth_service_authenticate(w.auth, &given, &p), ERR_OK);
    assert_false(p.by_cookie);
    given.authorization = bytes_of(NULL, 0);
    given.x_api_key = BYTES("nonsense");
    assert_int_equal(auth_service_authenticate(w.auth, &given, &p), ERR_UNAUTHENTICATED);
    given.x_api_key = bytes_of(NULL, 0);
    given.x_device_token = BYTES("550e8400-e29b-41d4-a716-446655440000");
    assert_int_equal(auth_service_authenticate(w.auth, &given, &p), ERR_UNAUTHENTICATED);
}

static void a_new_secret_keeps_logins_until_they_end(void **state)
{
    (void)state;
    struct auth_tokens a = service_world_register(&w, "ada"), b;
    struct principal p;
    service_world_reopen(&w, "a configured secret of more than 32 bytes");
    assert_int_equal(service_world_ask(&w, a.access, &p), ERR_OK); /* by the previous one */
    assert_int_equal(refresh(a.refresh, &b), ERR_OK);
    service_world_reopen(&w, "a configured secret of more than 32 bytes");
    assert_int_equal(service_world_ask(&w, a.access, &p), ERR_OK);
    clock_fake_advance(&w.clock, 7 * NS_PER_DAY);
    assert_int_equal(auth_service_maintain(w.auth), ERR_OK);
    assert_int_equal(auth_state_keys(w.auth).previous.n, 0);
    service_world_reopen(&w, "a configured secret of more than 32 bytes");
    assert_int_equal(auth_state_keys(w.auth).previous.n, 0);
}

static void rotation_while_running_logs_nobody_out_and_is_written_down(void **state)
{
    (void)state;
    struct auth_tokens a = service_world_register(&w, "ada"), b;
    struct principal p;
    struct why why;
    assert_int_equal(service_world_ask(&w, a.access, &p), ERR_OK);
    struct actor actor = service_world_actor(&w, &p);
    const enum err short_secret = auth_service_rotate_secret(w.auth, BYTES("short"), &actor, &why);
    assert_int_equal(short_secret, ERR_INVALID);
    assert_int_equal(auth_service_rotate_secret(w.auth, BYTES(""), &actor, &why), ERR_OK);
    assert_int_equal(service_world_ask(&w, a.access, &p), ERR_OK);
    assert_int_equal(login("ada", "correct horse battery", &b), ERR_OK);
    assert_int_equal(auth_service_rotate_secret(w.auth, BYTES(""), &actor, &why), ERR_OK);
    assert_int_equal(service_world_ask(&w, b.access, &p), ERR_OK);
    assert_int_equal(service_world_ask(&w, a.access, &p), ERR_UNAUTHENTICATED); /* two ago */
    assert_int_equal(service_world_events(&w, a.org, EVENT_JWT_SECRET_ROTATED), 2);
}

/* Imports leave accounts without a password; nothing opens them. */
static void an_account_without_a_password_refuses_every_password(void **state)
{
    (void)state;
    struct auth_tokens a = service_world_register(&w, "ada"), t;
    struct sql_tx *tx;
    assert_int_equal(sql_begin(w.db, SQL_WRITE, &tx), ERR_OK);
    enum err e = sql_exec(tx, "UPDATE users SET password_hash = '' WHERE id = $1",
                          SQL_ARGS(SQL_I(a.user)), NULL);
    assert_int_equal(sql_end(tx, e), ERR_OK);
    assert_int_equal(login("ada", "", &t), ERR_UNAUTHENTICATED);
    assert_int_equal(login("ada", "correct horse battery", &t), ERR_UNAUTHENTICATED);
}

static void a_disabled_user_is_out_everywhere_after_a_restart(void **state)
{
    (void)state;
    struct auth_tokens a = service_world_register(&w, "ada"), t;
    struct principal p;
    struct sql_tx *tx;
    assert_int_equal(sql_begin(w.db, SQL_WRITE, &tx), ERR_OK);
    enum err e =
        sql_exec(tx, "UPDATE users SET enabled = 0 WHERE id = $1", SQL_ARGS(SQL_I(a.user)), NULL);
    assert_int_equal(sql_end(tx, e), ERR_OK);
    service_world_reopen(&w, NULL);
    assert_int_equal(service_world_ask(&w, a.access, &p), ERR_UNAUTHENTICATED);
    assert_int_equal(login("ada", "correct horse battery", &t), ERR_UNAUTHENTICATED);
    assert_int_equal(refresh(a.refresh, &t), ERR_UNAUTHENTICATED);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_registered_user_logs_in_by_name_or_mail_in_any_case),
        TEST(wrong_password_and_unknown_user_get_the_same_answer),
        TEST(failed_logins_wait_until_they_can_be_written),
        TEST(five_wrong_passwords_lock_that_address_only_whether_the_user_exists_or_not),
        TEST(refresh_rotates_and_an_old_token_ends_the_family),
        TEST(access_and_refresh_tokens_do_not_stand_in_for_each_other),
        TEST(tokens_end_with_their_lifetimes),
        TEST(logout_ends_the_session_at_once_and_for_good),
        TEST(the_cookie_reads_and_never_writes),
        TEST(the_first_credential_decides),
        TEST(a_new_secret_keeps_logins_until_they_end),
        TEST(rotation_while_running_logs_nobody_out_and_is_written_down),
        TEST(an_account_without_a_password_refuses_every_password),
        TEST(a_disabled_user_is_out_everywhere_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
