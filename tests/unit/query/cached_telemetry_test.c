/* Which hours come from the cache, and what a write does to them (query/cached_telemetry.h). */
#include "memory_store.h"
#include "query/cached_telemetry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NOON (INT64_C(1700000000) / 86400 * NS_PER_DAY + 12 * NS_PER_HOUR)

struct world {
    struct clock_fake clock;
    struct cache *cache;
    struct telemetry *store; /* the cached one */
};

static int set_up(void **state)
{
    static struct world w;
    struct cache_opts opts = {.max_bytes = 1 << 20, .clock = &w.clock.clock};
    for (int i = 0; i < CACHE_IDS; i++) opts.life_ns[i] = 600 * NS_PER_S;
    clock_fake_init(&w.clock, NOON);
    assert_int_equal(cache_new(&w.cache, &opts), ERR_OK);
    assert_int_equal(cached_telemetry_new(&w.store, memory_store_new(), w.cache, &w.clock.clock),
                     ERR_OK);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    w->store->ops->close(w->store);
    cache_free(w->cache);
    return 0;
}

static void put(struct world *w, int64_t org, int64_t series, int64_t ts_ns, double value)
{
    struct point p = {series, value};
    struct record r = {org, org * 10, ts_ns, 0, 1};
    struct record_set set = {&r, 1, &p, 1};
    const struct record_set *sets[] = {&set};
    struct why why;
    assert_int_equal(telemetry_write(w->store, sets, 1, &why), ERR_OK);
}

/* The sum of the hours in [from, to). */
static double sum(struct world *w, int64_t org, int64_t series, int64_t from_ns, int64_t to_ns)
{
    const struct scan_range range = {org, org * 10, series, from_ns, to_ns, false};
    struct rollup rows[64];
    size_t n = 0;
    double total = 0;
    assert_int_equal(telemetry_rollups(w->store, &range, rows, 64, &n), ERR_OK);
    for (size_t i = 0; i < n; i++) total += rows[i].sum;
    return total;
}

static struct cache_figures figures(struct world *w)
{
    struct cache_figures f;
    cache_read_figures(w->cache, CACHE_ANALYTICS, &f);
    return f;
}

static void ended_hours_are_summed_once(void **state)
{
    struct world *w = *state;
    put(w, 1, 1, NOON - 30 * NS_PER_HOUR, 1);
    put(w, 1, 1, NOON - 2 * NS_PER_HOUR, 2);
    for (int i = 0; i < 3; i++) assert_true(sum(w, 1, 1, NOON - 48 * NS_PER_HOUR, NOON) == 3);
    assert_int_equal(figures(w).misses, 3); /* three days, once */
    assert_int_equal(figures(w).hits, 6);
}

static void late_write_is_in_the_next_answer_and_other_days_stay(void **state)
{
    struct world *w = *state;
    put(w, 1, 1, NOON - 30 * NS_PER_HOUR, 1);
    (void)sum(w, 1, 1, NOON - 48 * NS_PER_HOUR, NOON);
    put(w, 1, 1, NOON - 3 * NS_PER_HOUR, 4);
    assert_true(sum(w, 1, 1, NOON - 48 * NS_PER_HOUR, NOON) == 5);
    assert_int_equal(figures(w).misses, 4);
    assert_int_equal(figures(w).hits, 2);
}

static void open_hour_is_never_cached(void **state)
{
    struct world *w = *state;
    (void)sum(w, 1, 1, NOON - NS_PER_HOUR, NOON + NS_PER_HOUR);
    for (int i = 1; i <= 5; i++) {
        put(w, 1, 1, NOON + i * NS_PER_S, 1);
        assert_true(sum(w, 1, 1, NOON - NS_PER_HOUR, NOON + NS_PER_HOUR) == i);
    }
    /* nor is the one that ended just now: another node's clock may be behind */
    clock_fake_advance(&w->clock, NS_PER_HOUR + 59 * NS_PER_S);
    uint64_t before = figures(w).misses + figures(w).hits;
    assert_true(sum(w, 1, 1, NOON, NOON + NS_PER_HOUR) == 5);
    assert_int_equal(figures(w).misses + figures(w).hits, before);
}

static void clock_that_steps_back_opens_no_hour_again(void **state)
{
    struct world *w = *state;
    (void)sum(w, 1, 1, NOON - 4 * NS_PER_HOUR, NOON);
    clock_fake_advance(&w->clock, -6 * NS_PER_HOUR);
    put(w, 1, 1, NOON - 2 * NS_PER_HOUR, 7);
    assert_true(sum(w, 1, 1, NOON - 4 * NS_PER_HOUR, NOON) == 7);
}

static void series_of_another_organisation_is_empty_also_when_it_is_warm(void **state)
{
    struct world *w = *state;
    put(w, 1, 1, NOON - 5 * NS_PER_HOUR, 3);
    assert_true(sum(w, 1, 1, NOON - 24 * NS_PER_HOUR, NOON) == 3);
    assert_true(sum(w, 2, 1, NOON - 24 * NS_PER_HOUR, NOON) == 0);
    assert_true(sum(w, 1, 1, NOON - 24 * NS_PER_HOUR, NOON) == 3);
}

static void cleared_cache_is_filled_again_with_the_same(void **state)
{
    struct world *w = *state;
    put(w, 1, 1, NOON - 5 * NS_PER_HOUR, 3);
    (void)sum(w, 1, 1, NOON - 24 * NS_PER_HOUR, NOON);
    assert_int_equal(cache_clear(w->cache, CACHE_ANALYTICS), 2);
    assert_int_equal(figures(w).tiers[CACHE_TIER_MEMORY].entries, 0);
    assert_true(sum(w, 1, 1, NOON - 24 * NS_PER_HOUR, NOON) == 3);
}

int main(void)
{
#define CLAIM(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(ended_hours_are_summed_once),
        CLAIM(late_write_is_in_the_next_answer_and_other_days_stay),
        CLAIM(open_hour_is_never_cached),
        CLAIM(clock_that_steps_back_opens_no_hour_again),
        CLAIM(series_of_another_organisation_is_empty_also_when_it_is_warm),
        CLAIM(cleared_cache_is_filled_again_with_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
