/* Registration, accounts, passwords, keys and the first start, on a real catalog. */
#include "service/auth_bootstrap.h"
#include "service/auth_keys.h"
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

static struct auth_registration person(const char *username, const char *email, const char *org)
{
    return (struct auth_registration){
        .username = bytes_str(username),
        .email = bytes_str(email),
        .password = BYTES(PASSWORD),
        .organization = bytes_str(org),
    };
}

static enum err enroll(const struct auth_registration *given, struct refusal *refusal)
{
    struct auth_tokens t;
    *refusal = (struct refusal){.fields = 0};
    return auth_accounts_register(w.auth, given, &visitor, &w.arena, &t, refusal);
}

static enum err login(const char *name, const char *password)
{
    struct refusal refusal = {.fields = 0};
    struct auth_tokens t;
    return auth_service_login(w.auth, bytes_str(name), bytes_str(password), false, &visitor,
                              &w.arena, &t, &refusal);
}

static struct actor actor_of(const struct auth_tokens *t)
{
    struct principal p;
    assert_int_equal(service_world_ask(&w, t->access, &p), ERR_OK);
    return service_world_actor(&w, &p);
}

/* --- registration ----------------------------------------------------------------------------- */

static void what_is_taken_is_refused_in_any_case_and_nothing_is_left_behind(void **state)
{
    (void)state;
    struct refusal refusal;
    struct auth_registration first = person("ada", "ada@example.com", "Engines");
    assert_int_equal(enroll(&first, &refusal), ERR_OK);
    const struct auth_registration taken[] = {
        person("ADA", "other@example.com", "Other"),
        person("other", "ADA@example.com", "Other"),
        person("other", "other@example.com", "engines"),
    };
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        assert_int_equal(enroll(&taken[i], &refusal), ERR_EXISTS);
        assert_true(refusal.why.text[0] != '\0');
    }
    struct auth_registration other = person("other", "other@example.com", "Other");
    assert_int_equal(enroll(&other, &refusal), ERR_OK); /* nothing of the refused ones stayed */
}

struct field_case {
    const char *username, *email, *password;
    unsigned wrong;
};
static const struct field_case field_cases[] = {
    {"ab", "a@b.c", PASSWORD, 1},
    {"a b", "a@b.c", PASSWORD, 1},
    {"\xc3\xbcnal", "a@b.c", PASSWORD, 1},
    {"ada<script>", "a@b.c", PASSWORD, 1},
    {"eve@example.com", "a@b.c", PASSWORD, 1}, /* could be Eve's login */
    {"ada", "", PASSWORD, 1},
    {"ada", "a", PASSWORD, 1},
    {"ada", "@b.c", PASSWORD, 1},
    {"ada", "a@", PASSWORD, 1},
    {"ada", "a@b@c", PASSWORD, 1},
    {"ada", "a@.b", PASSWORD, 1},
    {"ada", "a b@c.d", PASSWORD, 1},
    {"ada", "a@b.c", "", 1},
    {"ada", "a@b.c", "eleven char", 1},
    {"ada", "a@b.c", "\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff\xfe\xff", 1},
    {"", "", "", 3},
};

static void every_wrong_field_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof field_cases / sizeof *field_cases; i++) {
        const struct field_case *f = &field_cases[i];
        struct auth_registration given = person(f->username, f->email, NULL);
        struct refusal refusal;
        given.password = bytes_str(f->password);
        enum err e = enroll(&given, &refusal);
        if (e != ERR_INVALID || refusal.fields != f->wrong)
            fail_msg("case %zu: %u", i, refusal.fields);
    }
    struct refusal refusal;
    struct auth_registration fine = person("eve@example.com", "Eve@example.com", NULL);
    fine.password = BYTES("twelve chars");
    assert_int_equal(enroll(&fine, &refusal), ERR_OK);
}

static void registration_keeps_to_its_switch_and_the_number_of_organizations(void **state)
{
    (void)state;
    struct refusal refusal;
    struct auth_limits limits = w.limits;
    struct auth_registration a = person("ada", "ada@example.com", NULL);
    struct auth_registration b = person("bob", "bob@example.com", NULL);
    limits.registration_enabled = false;
    auth_service_set_limits(w.auth, &limits);
    assert_int_equal(enroll(&a, &refusal), ERR_FORBIDDEN);
    limits.registration_enabled = true;
    auth_service_set_limits(w.auth, &limits);
    w.pilot.max[LIMIT_ORGANIZATIONS] = 1;
    assert_int_equal(enroll(&a, &refusal), ERR_OK);
    assert_int_equal(enroll(&b, &refusal), ERR_LIMIT);
    assert_string_equal(refusal.limit, "pilot.max-organizations");
    assert_int_equal(refusal.max, 1);
    assert_int_equal(refusal.used, 1);
}

static void the_command_line_adds_users_up_to_the_limit(void **state)
{
    (void)state;
    struct auth_tokens t = service_world_register(&w, "ada");
    struct refusal refusal = {.fields = 0};
    struct auth_registration b = person("bob", "bob@example.com", NULL);
    struct auth_registration c = person("cy1", "cy@example.com", NULL);
    const struct actor system = {.name = BYTES("system")};
    int64_t user = 0;
    w.pilot.max[LIMIT_USERS] = 2;
    assert_int_equal(
        auth_accounts_add_user(w.auth, t.org, &b, ROLE_VIEWER, &system, &user, &refusal), ERR_OK);
    assert_int_equal(login("bob", PASSWORD), ERR_OK);
    assert_int_equal(auth_accounts_add_user(w.auth, t.org, &c, ROLE_USER, &system, &user, &refusal),
                     ERR_LIMIT);
    assert_int_equal(auth_accounts_add_user(w.auth, 999, &c, ROLE_USER, &system, &user, &refusal),
                     ERR_NOTFOUND);
    assert_int_equal(login("cy1", PASSWORD), ERR_UNAUTHENTICATED);
}

static void a_user_of_another_organization_is_not_found(void **state)
{
    (void)state;
    struct auth_tokens a = service_world_register(&w, "ada"), b = service_world_register(&w, "bob");
    struct user u;
    struct organization o;
    assert_int_equal(auth_accounts_find(w.auth, a.org, a.user, &w.arena, &u, &o), ERR_OK);
    assert_true(bytes_is(o.name, "ada's Organization"));
    assert_int_equal(auth_accounts_find(w.auth, a.org, b.user, &w.arena, &u, &o), ERR_NOTFOUND);
    struct user *users = NULL;
    struct catalog_listing listing;
    const struct catalog_page page = {.size = 10};
    assert_int_equal(auth_accounts_list(w.auth, a.org, &page, &w.arena, &users, &listing), ERR_OK);
    assert_int_equal(listing.total, 1);
    assert_int_equal(users[0].id, a.user);
}

static void preferences_change_what_is_given_and_nothing_else(void **state)
{
    (void)state;
    struct auth_tokens t = service_world_register(&w, "ada");
    struct actor actor = actor_of(&t);
    struct refusal refusal = {.fields = 0};
    struct user u;
    struct organization o;
    struct auth_preferences given = {.theme = BYTES("dark")};
    assert_int_equal(auth_accounts_set_preferences(w.auth, &actor, &given, &refusal), ERR_OK);
    assert_int_equal(auth_accounts_find(w.auth, t.org, t.user, &w.arena, &u, &o), ERR_OK);
    assert_true(bytes_is(u.theme_preference, "dark"));
    assert_true(bytes_is(u.first_name, "Ada"));
    assert_int_equal(u.roles, ROLE_ORG_ADMIN);
    given = (struct auth_preferences){.theme = BYTES("<b>"), .last_name = BYTES("a\nb")};
    assert_int_equal(auth_accounts_set_preferences(w.auth, &actor, &given, &refusal), ERR_INVALID);
    assert_int_equal(refusal.fields, 2);
}

/* --- passwords -------------------------------------------------------------------------------- */

static void a_changed_password_ends_every_session_and_answers_a_fresh_one(void **state)
{
    (void)state;
    struct auth_tokens t = service_world_register(&w, "ada"), fresh;
    struct auth_tokens other = service_world_register(&w, "bob");
    struct actor actor = actor_of(&t);
    struct principal p;
    struct refusal refusal = {.fields = 0};
    const struct bytes next = BYTES("another horse battery");
    assert_int_equal(auth_accounts_change_password(w.auth, &actor, BYTES("wrong"), next, &w.arena,
                                                   &fresh, &refusal),
                     ERR_INVALID);
    assert_int_equal(service_world_ask(&w, t.access, &p), ERR_OK);
    refusal = (struct refusal){.fields = 0};
    assert_int_equal(auth_accounts_change_password(w.auth, &actor, BYTES(PASSWORD), next, &w.arena,
                                                   &fresh, &refusal),
                     ERR_OK);
    assert_int_equal(service_world_ask(&w, t.access, &p), ERR_UNAUTHENTICATED);
    assert_int_equal(
        auth_service_refresh(w.auth, bytes_str(t.refresh), &visitor, &w.arena, &t, &refusal),
        ERR_UNAUTHENTICATED);
    assert_int_equal(service_world_ask(&w, fresh.access, &p), ERR_OK);
    assert_int_equal(service_world_ask(&w, other.access, &p), ERR_OK);
    assert_int_equal(login("ada", PASSWORD), ERR_UNAUTHENTICATED);
    assert_int_equal(login("ada", "another horse battery"), ERR_OK);
    assert_int_equal(service_world_events(&w, fresh.org, EVENT_PASSWORD_CHANGED), 1);
    service_world_reopen(&w, NULL);
    assert_int_equal(service_world_ask(&w, fresh.access, &p), ERR_OK);
}

static void guessing_the_current_password_locks_like_a_login(void **state)
{
    (void)state;
    struct auth_tokens t = service_world_register(&w, "ada"), fresh;
    struct actor actor = actor_of(&t);
    const struct bytes next = BYTES("another horse battery");
    enum err e = ERR_OK;
    for (int i = 0; i < 6; i++) {
        struct refusal refusal = {.fields = 0};
        e = auth_accounts_change_password(w.auth, &actor, BYTES("guess"), next, &w.arena, &fresh,
                                          &refusal);
        assert_int_equal(e, i < 5 ? ERR_INVALID : ERR_RATE);
    }
    assert_int_equal(login("ada", PASSWORD), ERR_RATE);
}

static void an_operator_sets_a_password_without_the_old_one(void **state)
{
    (void)state;
    struct auth_tokens t = service_world_register(&w, "ada");
    struct principal p;
    struct refusal r = {.fields = 0};
    const struct actor system = {.name = BYTES("system")};
    const struct bytes fresh = BYTES("set by an operator");
    assert_int_equal(auth_accounts_set_password(w.auth, BYTES("nobody"), fresh, &system, &r),
                     ERR_NOTFOUND);
    assert_int_equal(auth_accounts_set_password(w.auth, BYTES("ADA"), fresh, &system, &r), ERR_OK);
    assert_int_equal(login("ada", "set by an operator"), ERR_OK);
    assert_int_equal(service_world_ask(&w, t.access, &p), ERR_UNAUTHENTICATED);
}

/* --- keys ------------------------------------------------------------------------------------- */

static enum err ask_key(const char *key, struct principal *ret)
{
    const struct auth_credentials given = {.x_api_key = bytes_str(key)};
    return auth_service_authenticate(w.auth, &given, ret);
}

static enum err make_key(const struct actor *actor, struct api_key *ret, char *key,
                         struct refusal *refusal)
{
    return auth_keys_create(w.auth, actor, BYTES("a key"), BYTES(""), 0, &w.arena, ret, key,
                            refusal);
}

static void a_key_opens_until_it_is_revoked(void **state)
{
    (void)state;
    struct auth_tokens t = service_world_register(&w, "ada"), b = service_world_register(&w, "bob");
    struct actor actor = actor_of(&t), stranger = actor_of(&b);
    struct api_key k, *keys = NULL;
    struct principal p;
    struct refusal refusal = {.fields = 0};
    char key[TOKENS_KEY_TEXT + 1];
    size_t n = 0;
    assert_int_equal(make_key(&actor, &k, key, &refusal), ERR_OK);
    assert_int_equal(ask_key(key, &p), ERR_OK);
    assert_int_equal(p.user, t.user);
    assert_true(p.by_key);
    assert_int_equal(auth_service_maintain(w.auth), ERR_OK);
    assert_int_equal(auth_keys_list(w.auth, &actor, &w.arena, &keys, &n), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(keys[0].last_used_ns, clock_wall_ns(&w.clock.clock));
    service_world_reopen(&w, NULL);
    assert_int_equal(ask_key(key, &p), ERR_OK);
    assert_int_equal(auth_keys_revoke(w.auth, &stranger, k.id, &refusal), ERR_NOTFOUND);
    assert_int_equal(auth_keys_revoke(w.auth, &actor, k.id, &refusal), ERR_OK);
    assert_int_equal(ask_key(key, &p), ERR_UNAUTHENTICATED);
    assert_int_equal(auth_keys_revoke(w.auth, &actor, k.id, &refusal), ERR_NOTFOUND);
}

static void rotation_lets_both_keys_in_until_the_grace_is_over(void **state)
{
    (void)state;
    struct auth_tokens t = service_world_register(&w, "ada");
    struct actor actor = actor_of(&t);
    struct api_key k, fresh;
    struct principal p;
    struct refusal refusal = {.fields = 0};
    char old_key[TOKENS_KEY_TEXT + 1], new_key[TOKENS_KEY_TEXT + 1];
    assert_int_equal(make_key(&actor, &k, old_key, &refusal), ERR_OK);
    assert_int_equal(
        auth_keys_rotate(w.auth, &actor, k.id, NS_PER_HOUR, &w.arena, &fresh, new_key, &refusal),
        ERR_OK);
    assert_int_equal(ask_key(old_key, &p), ERR_OK);
    assert_int_equal(ask_key(new_key, &p), ERR_OK);
    clock_fake_advance(&w.clock, NS_PER_HOUR);
    assert_int_equal(ask_key(old_key, &p), ERR_UNAUTHENTICATED);
    assert_int_equal(ask_key(new_key, &p), ERR_OK);
    assert_int_equal(auth_service_maintain(w.auth), ERR_OK);
    assert_int_equal(ask_key(new_key, &p), ERR_OK);
    assert_int_equal(auth_keys_rotate(w.auth, &actor, k.id, 0, &w.arena, &fresh, new_key, &refusal),
                     ERR_NOTFOUND); /* the ended one */
}

static void ten_keys_a_user_and_no_key_makes_keys(void **state)
{
    (void)state;
    struct auth_tokens t = service_world_register(&w, "ada");
    struct actor actor = actor_of(&t);
    struct api_key k;
    struct refusal refusal = {.fields = 0};
    char key[TOKENS_KEY_TEXT + 1];
    for (int i = 0; i < AUTH_KEYS_PER_USER; i++) {
        assert_int_equal(make_key(&actor, &k, key, &refusal), ERR_OK);
    }
    assert_int_equal(make_key(&actor, &k, key, &refusal), ERR_LIMIT);
    assert_int_equal(refusal.max, AUTH_KEYS_PER_USER);
    actor.by_key = true;
    assert_int_equal(make_key(&actor, &k, key, &refusal), ERR_FORBIDDEN);
    assert_int_equal(auth_keys_revoke(w.auth, &actor, k.id, &refusal), ERR_FORBIDDEN);
}

/* --- the first start -------------------------------------------------------------------------- */

static void the_first_start_makes_one_administrator(void **state)
{
    (void)state;
    struct auth_bootstrap b;
    struct why why;
    assert_int_equal(auth_bootstrap_run(w.auth, BYTES(""), BYTES(""), &b, &why), ERR_OK);
    assert_true(b.created && !b.password_is_short);
    assert_string_equal(b.username, "admin");
    assert_int_equal(strlen(b.password), AUTH_BOOTSTRAP_PASSWORD);
    assert_int_equal(login("admin", b.password), ERR_OK);
    assert_int_equal(auth_bootstrap_run(w.auth, BYTES(""), BYTES(""), &b, &why), ERR_OK);
    assert_false(b.created);
    assert_string_equal(b.password, "");
}

static void the_environment_names_the_administrator_even_with_a_short_password(void **state)
{
    (void)state;
    struct auth_bootstrap b;
    struct why why;
    assert_int_equal(auth_bootstrap_run(w.auth, BYTES("nobody"), BYTES("x"), &b, &why),
                     ERR_INVALID);
    assert_int_equal(
        auth_bootstrap_run(w.auth, BYTES("boss@example.com"), BYTES("short"), &b, &why), ERR_OK);
    assert_true(b.password_is_short);
    assert_string_equal(b.username, "boss");
    assert_string_equal(b.password, ""); /* it is known; it is not printed */
    assert_int_equal(login("boss", "short"), ERR_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_taken_is_refused_in_any_case_and_nothing_is_left_behind),
        TEST(every_wrong_field_is_named),
        TEST(registration_keeps_to_its_switch_and_the_number_of_organizations),
        TEST(the_command_line_adds_users_up_to_the_limit),
        TEST(a_user_of_another_organization_is_not_found),
        TEST(preferences_change_what_is_given_and_nothing_else),
        TEST(a_changed_password_ends_every_session_and_answers_a_fresh_one),
        TEST(guessing_the_current_password_locks_like_a_login),
        TEST(an_operator_sets_a_password_without_the_old_one),
        TEST(a_key_opens_until_it_is_revoked),
        TEST(rotation_lets_both_keys_in_until_the_grace_is_over),
        TEST(ten_keys_a_user_and_no_key_makes_keys),
        TEST(the_first_start_makes_one_administrator),
        TEST(the_environment_names_the_administrator_even_with_a_short_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
