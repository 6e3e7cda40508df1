/* People administered by others, and invitations, on a real catalog with a clock that is moved by
 * hand: what only time brings about. */
#include "service/auth_invitations.h"
#include "service/auth_keys.h"
#include "service/cleanup_service.h"
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

struct boss {
    struct actor actor;
    struct auth_reach reach;
};

static struct boss boss_of(const char *name)
{
    struct principal p;
    struct auth_tokens t = service_world_register(&w, name);
    assert_int_equal(service_world_ask(&w, t.access, &p), ERR_OK);
    return (struct boss){service_world_actor(&w, &p), {.org = p.org, .roles = p.roles}};
}

static int64_t add(const struct boss *b, const char *name, unsigned roles)
{
    char email[64];
    struct refusal r = {.fields = 0};
    struct user u;
    struct organization o;
    snprintf(email, sizeof email, "%s@example.net", name);
    const struct auth_registration given = {.username = bytes_str(name),
                                            .email = bytes_str(email),
                                            .password = BYTES("correct horse battery")};
    assert_int_equal(auth_users_create(w.auth, &b->reach, b->reach.org, &given, roles, &b->actor,
                                       &w.arena, &u, &o, &r),
                     ERR_OK);
    return u.id;
}

static enum err remove_user(const struct boss *b, int64_t user)
{
    struct refusal r = {.fields = 0};
    return auth_users_delete(w.auth, &b->reach, user, &b->actor, &w.arena, &r);
}

static enum err restore(const struct boss *b, int64_t user)
{
    struct refusal r = {.fields = 0};
    struct user u;
    struct organization o;
    return auth_users_restore(w.auth, &b->reach, user, &b->actor, &w.arena, &u, &o, &r);
}

static size_t purge(void)
{
    size_t n = 99;
    assert_int_equal(auth_users_purge(w.auth, &n), ERR_OK);
    return n;
}

static enum err login(const char *name)
{
    struct refusal refusal = {.fields = 0};
    struct auth_tokens t;
    return auth_service_login(w.auth, bytes_str(name), BYTES("correct horse battery"), false,
                              &visitor, &w.arena, &t, &refusal);
}

static void seven_days_restore_and_one_moment_more_does_not(void **state)
{
    (void)state;
    struct boss b = boss_of("keeper");
    int64_t user = add(&b, "leaver", ROLE_USER);
    assert_int_equal(remove_user(&b, user), ERR_OK);
    clock_fake_advance(&w.clock, AUTH_RESTORABLE_NS);
    assert_int_equal(purge(), 0);
    assert_int_equal(restore(&b, user), ERR_OK);
    assert_int_equal(login("leaver"), ERR_OK);
    assert_int_equal(remove_user(&b, user), ERR_OK);
    clock_fake_advance(&w.clock, AUTH_RESTORABLE_NS + 1);
    assert_int_equal(restore(&b, user), ERR_NOTFOUND);
    assert_int_equal(purge(), 1);
    assert_int_equal(purge(), 0);
    assert_int_equal(service_world_events(&w, b.reach.org, EVENT_USER_DELETED), 2);
    assert_int_equal(service_world_events(&w, b.reach.org, EVENT_USER_RESTORED), 1);
    assert_int_equal(service_world_events(&w, b.reach.org, EVENT_USER_PURGED), 1);
}

static void a_deleted_user_stays_out_over_a_restart(void **state)
{
    (void)state;
    struct boss b = boss_of("restarter");
    int64_t user = add(&b, "outsider", ROLE_USER);
    char key[TOKENS_KEY_TEXT + 1];
    struct api_key k;
    struct refusal r = {.fields = 0};
    struct principal p;
    struct actor self = {.org = b.reach.org, .user = user};
    assert_int_equal(
        auth_keys_create(w.auth, &self, BYTES("k"), BYTES(""), 0, &w.arena, &k, key, &r), ERR_OK);
    assert_int_equal(auth_service_authenticate_token(w.auth, bytes_str(key), &p), ERR_OK);
    assert_int_equal(remove_user(&b, user), ERR_OK);
    assert_int_equal(auth_service_authenticate_token(w.auth, bytes_str(key), &p),
                     ERR_UNAUTHENTICATED);
    service_world_reopen(&w, NULL);
    assert_int_equal(auth_service_authenticate_token(w.auth, bytes_str(key), &p),
                     ERR_UNAUTHENTICATED);
    assert_int_equal(login("outsider"), ERR_UNAUTHENTICATED);
}

static void roles_that_are_taken_count_in_memory_and_over_a_restart(void **state)
{
    (void)state;
    struct boss b = boss_of("granter");
    int64_t user = add(&b, "climber", ROLE_ORG_ADMIN);
    struct refusal r = {.fields = 0};
    struct user u;
    struct organization o;
    struct auth_user_change change = {.roles_set = true, .roles = ROLE_VIEWER};
    assert_int_equal(
        auth_users_update(w.auth, &b.reach, user, &change, &b.actor, &w.arena, &u, &o, &r), ERR_OK);
    for (int round = 0; round < 2; round++) {
        struct auth_tokens t;
        struct principal p;
        assert_int_equal(auth_service_login(w.auth, BYTES("climber"),
                                            BYTES("correct horse battery"), false, &visitor,
                                            &w.arena, &t, &r),
                         ERR_OK);
        assert_int_equal(service_world_ask(&w, t.access, &p), ERR_OK);
        assert_int_equal(p.roles, ROLE_VIEWER);
        service_world_reopen(&w, NULL);
    }
}

/* --- invitations ------------------------------------------------------------------------------ */

static enum err invite(const struct boss *b, const char *email, struct auth_invitation_made *ret)
{
    struct refusal r = {.fields = 0};
    return auth_invitations_create(w.auth, &b->reach, bytes_str(email), 0, &b->actor, &w.arena, ret,
                                   &r);
}

static enum err look(const char *token)
{
    struct invitation i;
    struct organization o;
    struct refusal r = {.fields = 0};
    return auth_invitations_look(w.auth, bytes_str(token), &visitor, &w.arena, &i, &o, &r);
}

static void an_invitation_goes_by_mail_and_then_in_no_answer(void **state)
{
    (void)state;
    struct boss b = boss_of("writer");
    struct auth_invitation_made made;
    int before = w.mails_sent;
    assert_int_equal(invite(&b, "a@example.net", &made), ERR_OK);
    assert_true(made.sent && !made.token.p && !made.url.p);
    assert_int_equal(w.mails_sent, before + 1);
    assert_int_equal(look(w.mailed_token), ERR_OK);
    w.no_mail = true;
    service_world_reopen(&w, NULL);
    assert_int_equal(invite(&b, "b@example.net", &made), ERR_OK);
    assert_true(!made.sent && made.token.n == TOKENS_RANDOM_TEXT);
    char url[128];
    snprintf(url, sizeof url, "https://iot.example.org/accept-invitation?token=%.*s",
             (int)made.token.n, made.token.p);
    assert_string_equal(made.url.p, url);
    w.no_mail = false;
    service_world_reopen(&w, NULL);
}

static void a_token_ends_after_seven_days_and_the_address_can_be_invited_again(void **state)
{
    (void)state;
    struct boss b = boss_of("patient");
    struct auth_invitation_made made;
    assert_int_equal(invite(&b, "late@example.net", &made), ERR_OK);
    clock_fake_advance(&w.clock, AUTH_INVITATION_NS - 1);
    assert_int_equal(look(w.mailed_token), ERR_OK);
    assert_int_equal(invite(&b, "late@example.net", &made), ERR_EXISTS);
    clock_fake_advance(&w.clock, 1);
    assert_int_equal(look(w.mailed_token), ERR_INVALID);
    assert_int_equal(invite(&b, "late@example.net", &made), ERR_OK);
    assert_int_equal(look(w.mailed_token), ERR_OK);
}

static void clean_up(void)
{
    static const struct actor self = {.name = {"system", 6}};
    int64_t now_ns = clock_wall_ns(&w.clock.clock);
    const struct cleanup_ages ages = cleanup_service_ages(now_ns, NS_PER_DAY);
    struct cleanup_removed removed = {0};
    bool more = false;
    assert_int_equal(cleanup_service_run(w.db, now_ns, &ages, &self, &removed, &more), ERR_OK);
}

static void an_old_invitation_is_forgotten_after_a_month(void **state)
{
    (void)state;
    struct boss b = boss_of("archivist");
    struct auth_invitation_made made;
    struct catalog_page page = {.size = 10};
    struct catalog_listing listing;
    struct invitation *list = NULL;
    assert_int_equal(invite(&b, "old@example.net", &made), ERR_OK);
    clock_fake_advance(&w.clock, AUTH_INVITATION_NS + 30 * NS_PER_DAY - NS_PER_MINUTE);
    for (int kept = 1; kept >= 0; kept--) {
        clean_up();
        assert_int_equal(
            auth_invitations_list(w.auth, b.reach.org, &page, &w.arena, &list, &listing, NULL),
            ERR_OK);
        assert_int_equal(listing.total, kept);
        clock_fake_advance(&w.clock, NS_PER_HOUR);
    }
}

#define TEST(f) cmocka_unit_test(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(seven_days_restore_and_one_moment_more_does_not),
        TEST(a_deleted_user_stays_out_over_a_restart),
        TEST(roles_that_are_taken_count_in_memory_and_over_a_restart),
        TEST(an_invitation_goes_by_mail_and_then_in_no_answer),
        TEST(a_token_ends_after_seven_days_and_the_address_can_be_invited_again),
        TEST(an_old_invitation_is_forgotten_after_a_month),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
