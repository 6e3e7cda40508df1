/* The arithmetic of leases: nodes that lease of a bucket, which a simple model keeps. */
#include "pilot/rate_lease.h"

#include "base/rnd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define T0 (INT64_C(1000) * NS_PER_S)

static struct rate_lease lease;

static void answer(int64_t now_ns, int64_t granted, int64_t rest, int64_t wait_ns)
{
    const struct rate_answer a = {granted, rest, wait_ns};
    rate_lease_answered(&lease, now_ns, &a);
}

static int fresh(void **state)
{
    (void)state;
    lease = (struct rate_lease){.terms = {.size = 320, .step_ns = NS_PER_MS, .nodes = 2}};
    return 0;
}

static void what_was_granted_is_used_and_then_asked_for_again(void **state)
{
    (void)state;
    assert_int_equal(rate_lease_take(&lease, T0), RATE_ASK);
    lease.coming = 3;
    const struct rate_question q = rate_lease_ask(&lease, T0);
    assert_int_equal(q.want, 3);
    assert_int_equal(q.spent, 0);
    answer(T0, 3, 100, 0);
    for (int i = 0; i < 3; i++) assert_int_equal(rate_lease_take(&lease, T0 + i), RATE_TAKEN);
    assert_int_equal(rate_lease_take(&lease, T0 + 3), RATE_ASK);
    assert_int_equal(rate_lease_ask(&lease, T0 + 4).spent, 3);
    assert_int_equal(rate_lease_ask(&lease, T0 + 5).spent, 0); /* told once */
}

static void a_lease_ends_and_what_was_not_used_is_told(void **state)
{
    (void)state;
    answer(T0, 5, 0, NS_PER_S);
    assert_int_equal(rate_lease_take(&lease, T0 + RATE_LEASE_NS - 1), RATE_TAKEN);
    assert_int_equal(rate_lease_take(&lease, T0 + RATE_LEASE_NS), RATE_ASK);
    const struct rate_question q = rate_lease_ask(&lease, T0 + RATE_LEASE_NS);
    assert_int_equal(q.spent, 1);
    assert_int_equal(q.unused, 4);
}

static void who_is_idle_gives_back_and_who_is_not_keeps(void **state)
{
    (void)state;
    struct rate_question q = {0};
    answer(T0, 5, 10, 0);
    assert_int_equal(rate_lease_take(&lease, T0 + RATE_LEASE_IDLE_NS), RATE_TAKEN);
    assert_false(rate_lease_rest(&lease, T0 + 2 * RATE_LEASE_IDLE_NS - 1, &q));
    assert_true(rate_lease_rest(&lease, T0 + 2 * RATE_LEASE_IDLE_NS, &q));
    assert_int_equal(q.spent, 1);
    assert_int_equal(q.unused, 4);
    assert_int_equal(q.want, 0);
    assert_int_equal(rate_lease_take(&lease, T0 + 2 * RATE_LEASE_IDLE_NS), RATE_ASK);
    assert_false(rate_lease_rest(&lease, T0 + NS_PER_S, &q)); /* nothing is left */
}

static void an_empty_bucket_is_believed_until_it_gives_again_and_not_for_long(void **state)
{
    (void)state;
    answer(T0, 0, 0, 40 * NS_PER_MS);
    assert_int_equal(rate_lease_take(&lease, T0 + 40 * NS_PER_MS - 1), RATE_REFUSED);
    assert_int_equal(lease.next_ns, T0 + 40 * NS_PER_MS);
    assert_int_equal(rate_lease_take(&lease, T0 + 40 * NS_PER_MS), RATE_ASK);
    answer(T0, 0, 0, 40 * NS_PER_S);
    assert_int_equal(rate_lease_take(&lease, T0 + RATE_EMPTY_NS - 1), RATE_REFUSED);
    assert_int_equal(rate_lease_take(&lease, T0 + RATE_EMPTY_NS), RATE_ASK);
    assert_int_equal(lease.next_ns, T0 + 40 * NS_PER_S); /* what the client is told */
}

static void questions_grow_while_they_come_quickly_to_a_sixteenth_of_the_bucket(void **state)
{
    (void)state;
    int64_t now_ns = T0, want[8];
    for (int i = 0; i < 8; i++) want[i] = rate_lease_ask(&lease, now_ns += NS_PER_MS).want;
    static const int64_t grown[8] = {1, 2, 4, 8, 16, 20, 20, 20};
    for (int i = 0; i < 8; i++) assert_int_equal(want[i], grown[i]);
    assert_int_equal(rate_lease_ask(&lease, now_ns + 2 * RATE_LEASE_NS).want, 1);
    lease.terms.size = 1;
    assert_int_equal(rate_lease_ask(&lease, now_ns + 2 * RATE_LEASE_NS + 1).want, 1);
}

static void it_is_asked_for_more_before_somebody_has_to_wait(void **state)
{
    (void)state;
    lease.chunk = 16;
    answer(T0, 16, 100, 0);
    int before = 0;
    while (!rate_lease_is_low(&lease)) {
        assert_int_equal(rate_lease_take(&lease, T0), RATE_TAKEN);
        before++;
    }
    assert_int_equal(before, 13); /* a quarter is left */
    answer(T0, 0, 0, NS_PER_S);   /* but not of an empty one */
    assert_false(rate_lease_is_low(&lease));
}

/* The bucket as Redis keeps it, in tokens: refilled by one each step, but not beyond what is left
 * beside what is out on lease. */
struct bucket {
    int64_t level, size, out[3];
};

static struct rate_answer grant(struct bucket *b, int node, const struct rate_question *q)
{
    b->out[node] -= q->spent + q->unused;
    assert_true(b->out[node] >= 0);
    b->level += q->unused;
    int64_t granted = q->want < b->level ? q->want : b->level;
    b->level -= granted;
    b->out[node] += granted;
    return (struct rate_answer){granted, b->level, NS_PER_MS};
}

static void refill(struct bucket *b)
{
    if (b->level + b->out[0] + b->out[1] + b->out[2] < b->size) b->level++;
}

/* Until it is refused, `most` times at most; gives how often it was taken. */
static int64_t take_some(struct bucket *b, struct rate_lease *l, int node, unsigned most,
                         int64_t now_ns)
{
    int64_t taken = 0;
    for (unsigned k = 0; k < most; k++) {
        enum rate_verdict v = rate_lease_take(l, now_ns);
        if (v == RATE_ASK) {
            const struct rate_question q = rate_lease_ask(l, now_ns);
            const struct rate_answer a = grant(b, node, &q);
            rate_lease_answered(l, now_ns, &a);
            v = rate_lease_take(l, now_ns);
        }
        taken += v == RATE_TAKEN;
    }
    return taken;
}

static void give_back(struct bucket *b, struct rate_lease *l, int node, int64_t now_ns)
{
    struct rate_question q;
    if (!rate_lease_rest(l, now_ns, &q)) return;
    const struct rate_answer a = grant(b, node, &q);
    rate_lease_answered(l, now_ns, &a);
}

/* Three nodes that ask and rest as they like: in any stretch of time no more is used than the size
 * and what was refilled in it. */
static void nodes_together_never_use_more_than_the_bucket_gives(void **state)
{
    (void)state;
    struct rnd rnd;
    uint64_t seed = rnd_u64(rnd_system());
    printf("seed %llu\n", (unsigned long long)seed);
    rnd_seed(&rnd, seed);
    enum { STEPS = 4000, SIZE = 50, LOOK = 300 };
    static int64_t used[STEPS + 1]; /* up to then */
    struct bucket b = {.level = SIZE, .size = SIZE};
    struct rate_lease nodes[3];
    for (int i = 0; i < 3; i++)
        nodes[i] = (struct rate_lease){.terms = {.size = SIZE, .step_ns = NS_PER_MS, .nodes = 3}};
    for (int step = 0; step < STEPS; step++) {
        int64_t now_ns = T0 + step * NS_PER_MS;
        unsigned busy = step / 400 % 2 ? 0 : (unsigned)rnd_below(&rnd, 4); /* rests between */
        refill(&b);
        used[step + 1] = used[step];
        for (int i = 0; i < 3; i++) {
            used[step + 1] += take_some(&b, &nodes[i], i, busy * (unsigned)i, now_ns);
            give_back(&b, &nodes[i], i, now_ns);
        }
    }
    for (int from = 0; from < STEPS; from++)
        for (int to = from + 1; to <= STEPS && to < from + LOOK; to++)
            assert_true(used[to] - used[from] <= SIZE + to - from);
    assert_true(used[STEPS] > STEPS / 3); /* and it is used */
}

#define TEST(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_granted_is_used_and_then_asked_for_again),
        TEST(a_lease_ends_and_what_was_not_used_is_told),
        TEST(who_is_idle_gives_back_and_who_is_not_keeps),
        TEST(an_empty_bucket_is_believed_until_it_gives_again_and_not_for_long),
        TEST(questions_grow_while_they_come_quickly_to_a_sixteenth_of_the_bucket),
        TEST(it_is_asked_for_more_before_somebody_has_to_wait),
        TEST(nodes_together_never_use_more_than_the_bucket_gives),
    };
    return cmocka_run_group_tests_name("rate_lease", tests, NULL, NULL);
}
