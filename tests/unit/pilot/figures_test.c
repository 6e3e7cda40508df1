/* pilot/process_figures.h, redis_figures.h, and the advice of slow_queries.h. */
#include "pilot/process_figures.h"
#include "pilot/redis_figures.h"
#include "pilot/slow_queries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void memory_is_within_its_limit(void **state)
{
    (void)state;
    struct process_memory m;
    process_figures_memory(&m);
    double ratio = process_figures_memory_ratio();
    assert_true(m.resident > (1 << 20) && m.resident <= m.peak);
    assert_true(m.peak <= process_figures_memory_limit());
    assert_true(ratio > 0 && ratio < 1);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    /* their allocators tell nothing of themselves */
    struct process_heap heap;
    process_figures_heap(&heap);
    assert_true(heap.in_use > 0);
#endif
}

static void threads_are_counted_by_their_pool(void **state)
{
    (void)state;
    struct process_pool pools[PROCESS_POOLS_MAX];
    size_t n;
    unsigned sum = 0, all = process_figures_pools(pools, &n);
    for (size_t i = 0; i < n; i++) sum += pools[i].threads;
    assert_true(all >= 1);
    assert_int_equal(sum, all);
    assert_true(process_figures_cpus() >= 1);
}

static void info_is_read_line_by_line(void **state)
{
    (void)state;
    struct redis_figures f;
    redis_figures_parse(BYTES("# Memory\r\nused_memory_human:1.02M\r\nmaxmemory_human:0B\r\n"
                              "connected_clients:3\r\ninstantaneous_ops_per_sec:17\r\n"
                              "keyspace_hits:90\r\nkeyspace_misses:10\r\n# Keyspace\r\n"
                              "db0:keys=1,expires=0,avg_ttl=0\r\ndb2:keys=12,expires=12"),
                        2, &f);
    assert_string_equal(f.used_memory, "1.02M");
    assert_string_equal(f.max_memory, "0B");
    assert_string_equal(f.keyspace, "keys=12,expires=12");
    assert_int_equal(f.clients, 3);
    assert_int_equal(f.operations_per_s, 17);
    assert_int_equal(f.hits, 90);
    assert_int_equal(f.misses, 10);
}

static void an_empty_or_foreign_info_leaves_words_and_numbers(void **state)
{
    (void)state;
    struct redis_figures f;
    redis_figures_parse(BYTES("connected_clients:many\nnothing\n:\n"), 0, &f);
    assert_string_equal(f.used_memory, "0B");
    assert_string_equal(f.keyspace, "");
    assert_int_equal(f.clients, 0);
}

static void advice_follows_the_plan(void **state)
{
    (void)state;
    assert_non_null(strstr(slow_queries_advice(NULL), "No plan yet"));
    assert_non_null(strstr(slow_queries_advice("Seq Scan on events"), "whole table"));
    assert_non_null(strstr(slow_queries_advice("SCAN events"), "whole table"));
    assert_non_null(strstr(
        slow_queries_advice("SEARCH t USING INDEX i\nUSE TEMP B-TREE FOR ORDER BY"), "sorts"));
    assert_non_null(strstr(slow_queries_advice("Index Scan using i on t"), "uses an index"));
    assert_non_null(strstr(slow_queries_advice("Result"), "waiting"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_within_its_limit),
        cmocka_unit_test(threads_are_counted_by_their_pool),
        cmocka_unit_test(info_is_read_line_by_line),
        cmocka_unit_test(an_empty_or_foreign_info_leaves_words_and_numbers),
        cmocka_unit_test(advice_follows_the_plan),
    };
    return cmocka_run_group_tests_name("figures", tests, NULL, NULL);
}
