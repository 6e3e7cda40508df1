/* perf/probe.h: what is counted, what the time went into, and which are kept. */
#include "perf/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>

#define MS INT64_C(1000000)

static bool is_listed(const struct probe *p)
{
    for (const struct probe *q = probe_next(NULL); q; q = probe_next(q))
        if (q == p) return true;
    return false;
}

static void a_probe_is_listed_from_its_first_use_on(void **state)
{
    (void)state;
    static struct probe p = PROBE_INIT(PROBE_CACHE, "first_use");
    assert_false(is_listed(&p));
    probe_note_took(&p, 5, ERR_OK);
    probe_note_took(&p, 6, ERR_OK);
    assert_true(is_listed(&p));
    assert_int_equal(probe_count(&p), 2);
}

static void failures_are_not_the_callers_mistakes(void **state)
{
    (void)state;
    static struct probe p = PROBE_INIT(PROBE_STORE, "outcomes");
    struct probe_sample failed;
    probe_note_took(&p, 1, ERR_NOTFOUND);
    probe_note_took(&p, 1, ERR_INVALID);
    probe_note_took(&p, 1, ERR_END);
    assert_int_equal(probe_failures(&p), 0);
    assert_false(probe_read_failed(&p, &failed));
    probe_note_took(&p, 1, ERR_IO);
    assert_int_equal(probe_failures(&p), 1);
    assert_int_equal(atomic_load(&p.outcomes[ERR_NOTFOUND]), 1);
    assert_true(probe_read_failed(&p, &failed));
    assert_int_equal(failed.outcome, ERR_IO);
}

static void the_slowest_are_kept_longest_first(void **state)
{
    (void)state;
    static struct probe p = PROBE_INIT(PROBE_SQL, "slowest");
    struct probe_sample s[PROBE_SLOWEST];
    size_t n;
    for (int i = 1; i <= 100; i++) probe_note_took(&p, (i * 37 % 101) * MS, ERR_OK);
    probe_read_slowest(&p, s, &n);
    assert_int_equal(n, PROBE_SLOWEST);
    for (size_t i = 0; i < n; i++) assert_int_equal(s[i].took_ns, (100 - (int64_t)i) * MS);
}

static void a_threshold_of_its_own_counts_before_that_of_its_kind(void **state)
{
    (void)state;
    static struct probe p = PROBE_INIT(PROBE_TASK, "thresholds");
    probe_set_threshold(PROBE_TASK, 10 * MS);
    probe_note_took(&p, 10 * MS, ERR_OK); /* as long as it may take */
    probe_note_took(&p, 11 * MS, ERR_OK);
    assert_int_equal(atomic_load(&p.slow), 1);
    atomic_store(&p.threshold_ns, 20 * MS);
    probe_note_took(&p, 11 * MS, ERR_OK);
    assert_int_equal(atomic_load(&p.slow), 1);
}

static void who_asked_and_what_the_time_went_into_are_kept(void **state)
{
    (void)state;
    static struct probe service = PROBE_INIT(PROBE_SERVICE, "thing_list");
    static struct probe sql = PROBE_INIT(PROBE_SQL, "catalog_things");
    static struct probe cache = PROBE_INIT(PROBE_CACHE, "cache_look");
    struct probe_span outer, inner;
    struct probe_sample s[PROBE_SLOWEST];
    size_t n;
    probe_begin_for(&outer, &service, 7, BYTES("request-1"));
    probe_begin(&inner, &service); /* a service inside a service adds nothing of its own */
    probe_note_took(&sql, 3 * MS, ERR_OK);
    probe_note_took(&sql, 40 * MS, ERR_OK);
    probe_end(&inner, ERR_OK);
    probe_note_took(&cache, 2 * MS, ERR_OK);
    outer.begun_ns -= 50 * MS; /* as if it had taken that long */
    probe_end(&outer, ERR_TIMEOUT);
    probe_read_slowest(&service, s, &n);
    assert_int_equal(n, 2);
    assert_int_equal(s[0].org, 7);
    assert_string_equal(s[0].request, "request-1");
    assert_int_equal(s[0].outcome, ERR_TIMEOUT);
    assert_non_null(strstr(s[0].reason, "sql 43.0 ms in 2, longest catalog_things; "));
    assert_non_null(strstr(s[0].reason, "cache 2.0 ms in 1; rest "));
    probe_read_slowest(&sql, s, &n);
    assert_string_equal(s[0].request, "request-1"); /* P2 */
    assert_int_equal(s[0].org, 7);
}

static void nanoseconds_count_once_when_a_store_stands_over_another(void **state)
{
    (void)state;
    static struct probe over = PROBE_INIT(PROBE_STORE, "cached");
    static struct probe below = PROBE_INIT(PROBE_STORE, "store");
    static struct probe route = PROBE_INIT(PROBE_ROUTE, "route");
    struct probe_span request, outer;
    probe_begin_for(&request, &route, 1, BYTES(""));
    probe_begin(&outer, &over);
    probe_note_took(&below, 30 * MS, ERR_OK);
    outer.begun_ns -= 40 * MS;
    probe_end(&outer, ERR_OK);
    assert_in_range(request.inner_ns[PROBE_STORE], 40 * MS, 50 * MS);
    assert_int_equal(request.inner_count[PROBE_STORE], 2);
    probe_end(&request, ERR_OK);
}

static void parts_are_handed_over_once(void **state)
{
    (void)state;
    static struct probe sql = PROBE_INIT(PROBE_SQL, "handed");
    struct probe_span span, whole;
    int owner = 0, other = 0;
    memset(&whole, 0, sizeof whole);
    probe_enter(&span, &owner, 3, BYTES("r"));
    probe_note_took(&sql, 5 * MS, ERR_OK);
    probe_hand_over(&other, &whole); /* not this thread's */
    assert_int_equal(whole.inner_ns[PROBE_SQL], 0);
    probe_hand_over(&owner, &whole);
    probe_hand_over(&owner, &whole);
    probe_leave(&span);
    assert_int_equal(whole.inner_ns[PROBE_SQL], 5 * MS);
    assert_ptr_equal(whole.longest, &sql);
}

static void what_is_not_timed_counts_with_its_outcome(void **state)
{
    (void)state;
    static struct probe p = PROBE_INIT(PROBE_CACHE, "sampled");
    probe_note_took(&p, 10, ERR_OK);
    probe_note_untimed(&p, ERR_OK);
    probe_note_untimed(&p, ERR_IO);
    assert_int_equal(probe_count(&p), 3);
    assert_int_equal(probe_failures(&p), 1);
    assert_int_equal(probe_sum_ns(&p), 30); /* as long as what was timed */
}

enum { THREADS = 4, ROUNDS = 20000 };
static struct probe shared = PROBE_INIT(PROBE_SERVICE, "shared");

static void *hammer(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct probe_span s;
        probe_begin_for(&s, &shared, i, BYTES("r"));
        probe_end(&s, i % 10 ? ERR_OK : ERR_IO);
    }
    return NULL;
}

static void threads_lose_no_count(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct probe_sample s[PROBE_SLOWEST];
    size_t n;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, NULL), 0);
    for (int i = 0; i < 100; i++) probe_read_slowest(&shared, s, &n);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(probe_count(&shared), THREADS * ROUNDS);
    assert_int_equal(probe_failures(&shared), THREADS * ROUNDS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_probe_is_listed_from_its_first_use_on),
        cmocka_unit_test(failures_are_not_the_callers_mistakes),
        cmocka_unit_test(the_slowest_are_kept_longest_first),
        cmocka_unit_test(a_threshold_of_its_own_counts_before_that_of_its_kind),
        cmocka_unit_test(who_asked_and_what_the_time_went_into_are_kept),
        cmocka_unit_test(nanoseconds_count_once_when_a_store_stands_over_another),
        cmocka_unit_test(parts_are_handed_over_once),
        cmocka_unit_test(what_is_not_timed_counts_with_its_outcome),
        cmocka_unit_test(threads_lose_no_count),
    };
    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
