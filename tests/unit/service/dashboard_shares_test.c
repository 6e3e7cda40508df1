/* Links to dashboards to the second: their ends, their tickets, and how long a lock lasts. */
#include "service/dashboard_shares.h"
#include "service/event_types.h"
#include "service_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct service_world w;
static struct dashboard_service dashboards;
static struct actor ada;
static const struct actor visitor = {.address = BYTES("10.9.9.9")};
static struct dashboard board;

static int open_world(void **state)
{
    (void)state;
    service_world_open(&w);
    dashboards = (struct dashboard_service){.db = w.db,
                                            .registry = w.registry,
                                            .auth = w.auth,
                                            .clock = &w.clock.clock,
                                            .rnd = rnd_system()};
    struct auth_tokens t = service_world_register(&w, "ada");
    struct principal p;
    assert_int_equal(service_world_ask(&w, t.access, &p), ERR_OK);
    ada = service_world_actor(&w, &p);
    struct refusal refusal = {.fields = 0};
    const struct dashboard_change given = {.name = {true, BYTES("Hall")}};
    assert_int_equal(dashboard_service_create(&dashboards, &ada, &given, &board, &refusal), ERR_OK);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    service_world_close(&w);
    return 0;
}

static int64_t now(void)
{
    return clock_wall_ns(&w.clock.clock);
}

static struct dashboard_share link_of(const char *password, int64_t expires_ns,
                                      char token[TOKENS_RANDOM_TEXT + 1])
{
    struct dashboard_share share;
    struct refusal refusal = {.fields = 0};
    const struct share_request given = {.password = bytes_str(password), .expires_ns = expires_ns};
    assert_int_equal(dashboard_shares_create(&dashboards, &ada, board.id, &given, &w.arena, &share,
                                             token, &refusal),
                     ERR_OK);
    return share;
}

static enum err view(const char *token, const char *ticket)
{
    struct dashboard d;
    struct dashboard_share share;
    struct refusal refusal = {.fields = 0};
    return dashboard_shares_view(&dashboards, bytes_str(token), bytes_str(ticket), &w.arena, &d,
                                 &share, &refusal);
}

static enum err open_with(const char *token, const char *password, const struct actor *actor,
                          struct share_ticket *ret)
{
    struct refusal refusal = {.fields = 0};
    return dashboard_shares_open(&dashboards, bytes_str(token), bytes_str(password), actor,
                                 &w.arena, ret, &refusal);
}

static void a_link_ends_at_its_end(void **state)
{
    (void)state;
    char token[TOKENS_RANDOM_TEXT + 1];
    link_of(NULL, now() + 100, token);
    assert_int_equal(view(token, ""), ERR_OK);
    clock_fake_advance(&w.clock, 99);
    assert_int_equal(view(token, ""), ERR_OK);
    clock_fake_advance(&w.clock, 1);
    assert_int_equal(view(token, ""), ERR_NOTFOUND);
}

static void a_ticket_lasts_twelve_hours_and_no_longer_than_its_link(void **state)
{
    (void)state;
    char token[TOKENS_RANDOM_TEXT + 1], brief[TOKENS_RANDOM_TEXT + 1];
    struct share_ticket long_one, short_one;
    link_of("open sesame", 0, token);
    link_of("open sesame", now() + NS_PER_HOUR, brief);
    assert_int_equal(open_with(token, "open sesame", &visitor, &long_one), ERR_OK);
    assert_int_equal(open_with(brief, "open sesame", &visitor, &short_one), ERR_OK);
    assert_true(short_one.expires_ns <= now() + NS_PER_HOUR);
    clock_fake_advance(&w.clock, 12 * NS_PER_HOUR - 2 * NS_PER_S);
    assert_int_equal(view(token, long_one.text), ERR_OK);
    assert_int_equal(view(brief, short_one.text), ERR_NOTFOUND);
    clock_fake_advance(&w.clock, 2 * NS_PER_S);
    assert_int_equal(view(token, long_one.text), ERR_UNAUTHENTICATED);
    assert_int_equal(view(token, ""), ERR_UNAUTHENTICATED);
}

static void a_ticket_opens_its_own_link_only(void **state)
{
    (void)state;
    char one[TOKENS_RANDOM_TEXT + 1], two[TOKENS_RANDOM_TEXT + 1];
    struct share_ticket ticket;
    link_of("open sesame", 0, one);
    link_of("open sesame", 0, two);
    assert_int_equal(open_with(one, "open sesame", &visitor, &ticket), ERR_OK);
    assert_int_equal(view(one, ticket.text), ERR_OK);
    assert_int_equal(view(two, ticket.text), ERR_UNAUTHENTICATED);
}

static void five_wrong_passwords_lock_that_address_for_half_an_hour(void **state)
{
    (void)state;
    char token[TOKENS_RANDOM_TEXT + 1];
    struct share_ticket ticket;
    struct dashboard_share share = link_of("open sesame", 0, token);
    const struct actor other = {.address = BYTES("10.8.8.8")};
    for (int i = 0; i < 5; i++)
        assert_int_equal(open_with(token, "open barley", &visitor, &ticket), ERR_UNAUTHENTICATED);
    assert_int_equal(open_with(token, "open sesame", &visitor, &ticket), ERR_RATE);
    assert_int_equal(open_with(token, "open sesame", &other, &ticket), ERR_OK);
    assert_int_equal(service_world_events(&w, ada.org, EVENT_DASHBOARD_SHARE_REFUSED), 5);
    clock_fake_advance(&w.clock, 30 * NS_PER_MINUTE);
    assert_int_equal(open_with(token, "open sesame", &visitor, &ticket), ERR_OK);
    assert_true(share.password_hash.n > 0);
}

static void a_revoked_link_shows_nothing_from_then_on(void **state)
{
    (void)state;
    char token[TOKENS_RANDOM_TEXT + 1];
    struct refusal refusal = {.fields = 0};
    struct dashboard_share share = link_of(NULL, 0, token);
    assert_int_equal(view(token, ""), ERR_OK);
    assert_int_equal(
        dashboard_shares_revoke(&dashboards, &ada, board.id, share.id, &w.arena, &refusal), ERR_OK);
    assert_int_equal(view(token, ""), ERR_NOTFOUND);
    assert_int_equal(
        dashboard_shares_revoke(&dashboards, &ada, board.id, share.id, &w.arena, &refusal),
        ERR_NOTFOUND);
    assert_int_equal(service_world_events(&w, ada.org, EVENT_DASHBOARD_SHARE_REVOKED), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_link_ends_at_its_end, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_ticket_lasts_twelve_hours_and_no_longer_than_its_link,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(a_ticket_opens_its_own_link_only, open_world, close_world),
        cmocka_unit_test_setup_teardown(five_wrong_passwords_lock_that_address_for_half_an_hour,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(a_revoked_link_shows_nothing_from_then_on, open_world,
                                        close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
