/* A rule's states: by example, and against a model that looks back over all readings each time. */
#include "rules/rule_state.h"

#include "base/clock.h"
#include "base/rnd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { N = RULE_STEP_NONE, UP = RULE_STEP_RAISE, DOWN = RULE_STEP_RESOLVE };

struct shown {
    int64_t at_s;
    double value;
    int step;
};

static void play(const struct rule *rule, const struct shown *shown, size_t n)
{
    struct rule_state s = {RULE_IDLE, RULE_STATE_NEVER, RULE_STATE_NEVER};
    const struct rule_condition c = rule_state_condition(rule);
    for (size_t i = 0; i < n; i++) {
        int step = (int)rule_state_step(&s, &c, shown[i].at_s * NS_PER_S, shown[i].value);
        if (step != shown[i].step) fail_msg("reading %zu: step %d, not %d", i, step, shown[i].step);
    }
}
#define PLAY(rule, ...)                                                                            \
    play(&(rule), (const struct shown[]){__VA_ARGS__},                                             \
         sizeof((const struct shown[]){__VA_ARGS__}) / sizeof(struct shown))

static void each_operator_raises_and_resolves_at_its_edge(void **state)
{
    (void)state;
    struct rule r = {.op = RULE_GT, .threshold = 10};
    PLAY(r, {0, 10, N}, {1, 10.1, UP}, {2, 11, N}, {3, 10, DOWN}, {4, 9, N});
    r.op = RULE_GTE;
    PLAY(r, {0, 9.9, N}, {1, 10, UP}, {2, 9.9, DOWN});
    r.op = RULE_LT;
    PLAY(r, {0, 10, N}, {1, 9.9, UP}, {2, 10, DOWN});
    r.op = RULE_LTE;
    PLAY(r, {0, 10.1, N}, {1, 10, UP}, {2, 10.1, DOWN});
    r.op = RULE_EQ;
    PLAY(r, {0, 10.1, N}, {1, 10, UP}, {2, 10, N}, {3, 9, DOWN}, {4, 10, UP});
}

static void hold_time_counts_from_the_first_reading_that_holds_without_a_break(void **state)
{
    (void)state;
    struct rule r = {.op = RULE_GT, .threshold = 10, .for_ns = 10 * NS_PER_S};
    PLAY(r, {0, 11, N}, {9, 11, N}, {10, 11, UP}, {11, 11, N}, {12, 1, DOWN});
    PLAY(r, {0, 11, N}, {9, 10, N}, {10, 11, N}, {19, 11, N}, {25, 11, UP});
    PLAY(r, {0, 11, N}, {100, 11, UP}); /* nothing between says that it did not hold */
}

static void hysteresis_keeps_an_alert_until_the_clear_threshold(void **state)
{
    (void)state;
    struct rule r = {
        .op = RULE_GT, .threshold = 10, .has_clear_threshold = true, .clear_threshold = 5};
    PLAY(r, {0, 11, UP}, {1, 6, N}, {2, 5.1, N}, {3, 11, N}, {4, 5, DOWN}, {5, 6, N}, {6, 11, UP});
    r = (struct rule){
        .op = RULE_LTE, .threshold = 10, .has_clear_threshold = true, .clear_threshold = 15};
    PLAY(r, {0, 10, UP}, {1, 15, N}, {2, 15.1, DOWN}, {3, 12, N}, {4, 10, UP});
}

static void cooldown_counts_from_the_raising_and_what_holds_then_raises_when_it_ends(void **state)
{
    (void)state;
    struct rule r = {.op = RULE_GT, .threshold = 10, .cooldown_ns = 60 * NS_PER_S};
    PLAY(r, {0, 11, UP}, {1, 1, DOWN}, {2, 11, N}, {59, 11, N}, {60, 11, UP}, {61, 1, DOWN});
    PLAY(r, {0, 11, UP}, {200, 11, N}, {400, 11, N}, {401, 0, DOWN}, {402, 11, UP});
}

static void what_a_person_resolved_and_still_holds_raises_again_after_the_cooldown(void **state)
{
    (void)state;
    const struct rule r = {.op = RULE_GT,
                           .threshold = 10,
                           .has_clear_threshold = true,
                           .clear_threshold = 5,
                           .for_ns = 5 * NS_PER_S,
                           .cooldown_ns = 20 * NS_PER_S};
    const struct rule_condition c = rule_state_condition(&r);
    struct rule_state s = {RULE_IDLE, RULE_STATE_NEVER, RULE_STATE_NEVER};
    assert_int_equal(rule_state_step(&s, &c, 0, 11), N);
    assert_int_equal(rule_state_step(&s, &c, 5 * NS_PER_S, 11), UP);
    rule_state_resolved(&s);
    rule_state_resolved(&s); /* twice is once */
    assert_int_equal(rule_state_step(&s, &c, 24 * NS_PER_S, 11), N);
    assert_int_equal(rule_state_step(&s, &c, 25 * NS_PER_S, 11), UP);
    assert_int_equal(rule_state_step(&s, &c, 26 * NS_PER_S, 7), N);
    rule_state_resolved(&s); /* it does not hold: a new hold time has to pass */
    assert_int_equal(rule_state_step(&s, &c, 50 * NS_PER_S, 11), N);
    assert_int_equal(rule_state_step(&s, &c, 55 * NS_PER_S, 11), UP);
}

/* --- the model -------------------------------------------------------------------------------- */

enum { READINGS = 60 };

struct model {
    struct shown all[READINGS];
    size_t n;
    int64_t raised[READINGS];
    size_t alerts;
    bool open;
};

static bool holds(const struct rule *r, double v, double t)
{
    return r->op == RULE_GT    ? v > t
           : r->op == RULE_GTE ? v >= t
           : r->op == RULE_LT  ? v < t
           : r->op == RULE_LTE ? v <= t
                               : v == t;
}

static int model_step(struct model *m, const struct rule *r, int64_t at_s, double v)
{
    m->all[m->n++] = (struct shown){at_s, v, 0};
    double clear = r->has_clear_threshold ? r->clear_threshold : r->threshold;
    if (m->open) {
        m->open = holds(r, v, clear);
        return m->open ? N : DOWN;
    }
    size_t first = m->n;
    while (first && holds(r, m->all[first - 1].value, r->threshold)) first--;
    if (first == m->n || at_s - m->all[first].at_s < r->for_ns / NS_PER_S) return N;
    if (m->alerts && at_s - m->raised[m->alerts - 1] < r->cooldown_ns / NS_PER_S) return N;
    m->raised[m->alerts++] = at_s;
    m->open = true;
    return UP;
}

static struct rule random_rule(struct rnd *rnd)
{
    struct rule r = {.op = (enum rule_operator)rnd_below(rnd, RULE_OPERATORS),
                     .threshold = (double)rnd_below(rnd, 5)};
    if (rnd_below(rnd, 2)) r.for_ns = (int64_t)rnd_below(rnd, 6) * NS_PER_S;
    if (rnd_below(rnd, 2)) r.cooldown_ns = (int64_t)rnd_below(rnd, 15) * NS_PER_S;
    if (r.op != RULE_EQ && rnd_below(rnd, 2)) {
        double gap = (double)rnd_below(rnd, 4);
        r.has_clear_threshold = true;
        r.clear_threshold = r.op <= RULE_GTE ? r.threshold - gap : r.threshold + gap;
    }
    return r;
}

static void any_rule_does_what_looking_back_over_all_readings_says(void **state)
{
    (void)state;
    struct rnd rnd;
    const char *given = getenv("SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)seed);
    rnd_seed(&rnd, seed);
    int64_t quiet = 0;
    for (int round = 0; round < 100000; round++) {
        const struct rule r = random_rule(&rnd);
        const struct rule_condition c = rule_state_condition(&r);
        struct rule_state s = {RULE_IDLE, RULE_STATE_NEVER, RULE_STATE_NEVER};
        struct model m = {.n = 0};
        int64_t at_s = 0;
        for (int i = 0; i < READINGS; i++) {
            at_s += (int64_t)rnd_below(&rnd, 4);
            double v = (double)rnd_below(&rnd, 8) - 1;
            double above, below;
            const struct rule_state before = s;
            rule_state_quiet(&s, &c, &above, &below);
            int wanted = model_step(&m, &r, at_s, v);
            int step = (int)rule_state_step(&s, &c, at_s * NS_PER_S, v);
            bool same = step == N && s.phase == before.phase && s.since_ns == before.since_ns &&
                        s.raised_ns == before.raised_ns;
            if (v > above && v < below && !same) fail_msg("%g was said to be quiet", v);
            quiet += v > above && v < below;
            if (step != wanted)
                fail_msg("round %d, reading %d: step %d, not %d", round, i, step, wanted);
            if (rnd_below(&rnd, 20)) continue;
            rule_state_resolved(&s);
            m.open = false;
        }
    }
    assert_true(quiet > 100000 * READINGS / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operator_raises_and_resolves_at_its_edge),
        cmocka_unit_test(hold_time_counts_from_the_first_reading_that_holds_without_a_break),
        cmocka_unit_test(hysteresis_keeps_an_alert_until_the_clear_threshold),
        cmocka_unit_test(cooldown_counts_from_the_raising_and_what_holds_then_raises_when_it_ends),
        cmocka_unit_test(what_a_person_resolved_and_still_holds_raises_again_after_the_cooldown),
        cmocka_unit_test(any_rule_does_what_looking_back_over_all_readings_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
