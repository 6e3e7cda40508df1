/* Who the other nodes are and what of each was heard: what is missing is said, what comes twice is
 * known, who dies without a word is mourned once. */
#include "store/postgres/postgres_peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct postgres_peers peers;

static int set_up(void **state)
{
    (void)state;
    peers = (struct postgres_peers){.mourned_count = 0};
    postgres_peers_meet(&peers, 2, "b", 7);
    return 0;
}

static void pages_in_order_are_next_those_before_again_and_a_hole_is_a_gap_once(void **state)
{
    (void)state;
    assert_int_equal(postgres_peers_page(&peers, "b", 7), POSTGRES_PAGE_AGAIN);
    assert_int_equal(postgres_peers_page(&peers, "b", 8), POSTGRES_PAGE_NEXT);
    assert_int_equal(postgres_peers_page(&peers, "b", 8), POSTGRES_PAGE_AGAIN);
    assert_int_equal(postgres_peers_page(&peers, "b", 11), POSTGRES_PAGE_GAP);
    assert_int_equal(postgres_peers_page(&peers, "b", 12), POSTGRES_PAGE_NEXT);
    assert_int_equal(postgres_peers_page(&peers, "b", 10), POSTGRES_PAGE_AGAIN);
}

static void one_who_was_never_met_is_a_gap_and_then_in_order(void **state)
{
    (void)state;
    assert_int_equal(postgres_peers_page(&peers, "x", 5), POSTGRES_PAGE_GAP);
    assert_int_equal(postgres_peers_page(&peers, "x", 6), POSTGRES_PAGE_NEXT);
    assert_int_equal(postgres_peers_page(&peers, "b", 8), POSTGRES_PAGE_NEXT);
}

static void a_welcome_that_is_repeated_takes_nothing_back(void **state)
{
    (void)state;
    assert_int_equal(postgres_peers_page(&peers, "b", 8), POSTGRES_PAGE_NEXT);
    postgres_peers_meet(&peers, 2, "b", 7);
    assert_int_equal(postgres_peers_page(&peers, "b", 8), POSTGRES_PAGE_AGAIN);
    postgres_peers_meet(&peers, 2, "b", 9);
    assert_int_equal(postgres_peers_page(&peers, "b", 10), POSTGRES_PAGE_NEXT);
    assert_int_equal(peers.mourned_count, 0);
}

static void who_left_is_not_mourned_who_is_gone_or_was_replaced_is(void **state)
{
    (void)state;
    postgres_peers_meet(&peers, 3, "c", 0);
    postgres_peers_meet(&peers, 4, "d", 0);
    assert_true(postgres_peers_leave(&peers, "b", 7));
    postgres_peers_meet(&peers, 4, "e", 0); /* the same number, another process */
    postgres_peers_present(&peers, 1 << 3);
    assert_int_equal(peers.mourned_count, 2);
    assert_string_equal(peers.mourned[0], "d");
    assert_string_equal(peers.mourned[1], "c");
    postgres_peers_present(&peers, 1 << 3);
    assert_int_equal(peers.mourned_count, 2);
    assert_false(postgres_peers_know(&peers, 2) || postgres_peers_know(&peers, 3));
    assert_true(postgres_peers_know(&peers, 4) && postgres_peers_met(&peers, "e"));
    postgres_peers_forget(&peers, 0);
    assert_string_equal(peers.mourned[0], "c");
}

static void one_that_leaves_with_more_told_than_was_heard_is_a_gap(void **state)
{
    (void)state;
    assert_false(postgres_peers_leave(&peers, "b", 8));
    assert_true(postgres_peers_leave(&peers, "stranger", 0));
    assert_false(postgres_peers_leave(&peers, "stranger", 1));
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_in_order_are_next_those_before_again_and_a_hole_is_a_gap_once),
        TEST(one_who_was_never_met_is_a_gap_and_then_in_order),
        TEST(a_welcome_that_is_repeated_takes_nothing_back),
        TEST(who_left_is_not_mourned_who_is_gone_or_was_replaced_is),
        TEST(one_that_leaves_with_more_told_than_was_heard_is_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
