/* The PostgreSQL store's own statements are timed by name, and explained when they are slow. The
 * threshold is a nanosecond here, so that each of them is. */
#include "base/bytes.h"
#include "postgres_maker.h"
#include "store/postgres/postgres_plan.h"
#include "store/sql_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HOUR(n) (INT64_C(1700002800) * NS_PER_S + (n)*NS_PER_HOUR)
enum { ORG = 1, DEVICE = 10, SERIES = 5, MANY = 1500 };

static struct postgres_maker m;
static struct telemetry *store;

static int set_up(void **state)
{
    (void)state;
    struct why why = {""};
    probe_set_threshold(PROBE_SQL, 1);
    assert_int_equal(m.maker.open(&m.maker, &store, &why), ERR_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store->ops->close(store);
    return 0;
}

static void write_records(size_t n)
{
    static struct record records[MANY];
    static struct point points[MANY];
    struct why why = {""};
    for (size_t i = 0; i < n; i++) {
        records[i] = (struct record){ORG, DEVICE, HOUR(0) + (int64_t)i * NS_PER_S, (uint32_t)i, 1};
        points[i] = (struct point){SERIES, (double)i};
    }
    const struct record_set set = {records, n, points, n};
    const struct record_set *sets[] = {&set};
    assert_int_equal(telemetry_write(store, sets, 1, &why), ERR_OK);
}

static void read_all(bool descending)
{
    const struct scan_range range = {ORG, DEVICE, SERIES, HOUR(0), HOUR(2), descending};
    struct scan_cursor *c;
    const struct sample *samples;
    const struct point *points;
    int64_t ts_ns;
    size_t n;
    assert_int_equal(telemetry_scan_open(store, &range, &c), ERR_OK);
    while (!telemetry_scan_next(c, &samples, &n)) continue;
    telemetry_scan_close(c);
    assert_int_equal(store->ops->records_open(store, &range, &c), ERR_OK);
    while (!store->ops->records_next(c, &ts_ns, &points, &n)) continue;
    store->ops->records_close(c);
}

static void sum_up(void)
{
    const struct scan_range range = {ORG, DEVICE, SERIES, HOUR(0), HOUR(2), false};
    const struct telemetry_hour hour = {
        ORG, DEVICE, SERIES, {.hour_ns = HOUR(-9), .count = 1, .first_ns = 1, .last_ns = 1}};
    struct series_total total = {DEVICE, SERIES, {.count = 0}};
    struct rollup rollups[4];
    uint64_t points;
    size_t n;
    assert_int_equal(telemetry_rollups(store, &range, rollups, 4, &n), ERR_OK);
    assert_int_equal(telemetry_totals(store, ORG, HOUR(0) + 1, HOUR(2) + 1, &total, 1), ERR_OK);
    assert_int_equal(telemetry_maintain(store), ERR_OK);
    assert_int_equal(telemetry_retain(store, ORG, HOUR(-2), HOUR(-20), &points), ERR_OK);
    assert_int_equal(store->ops->adopt(store, &hour, 1), ERR_OK);
    int64_t raw_ns, rollup_ns;
    assert_int_equal(store->ops->edges(store, ORG, &raw_ns, &rollup_ns), ERR_OK);
}

/* Of statements whose name begins like this: how often they ran, and the plan of one. */
static uint64_t look_up(const char *name, const char *word, char plan[SQL_PLAN_MAX])
{
    struct sql_statement *s;
    uint64_t runs = 0;
    plan[0] = 0;
    for (size_t i = 0; (s = sql_statement_at(i)); i++) {
        if (!bytes_starts(bytes_str(s->name), bytes_str(name)) || !strstr(s->text, word)) continue;
        runs += sql_statement_sum(s, 1).count;
        if (!plan[0]) (void)sql_statement_plan(s, plan);
    }
    return runs;
}

/* As if each had been asked for then; 0: never, so that the next run is explained. */
static void ask_for_plans(int64_t asked_ns)
{
    struct sql_statement *s;
    for (size_t i = 0; (s = sql_statement_at(i)); i++) atomic_store(&s->plan.asked_ns, asked_ns);
}

static void explain_all(void)
{
    size_t n;
    do {
        assert_int_equal(sql_plan_turn(m.db, 1, 100, &n), ERR_OK);
    } while (n);
}

static void each_is_timed_by_name_and_explained(void **state)
{
    (void)state;
    static const struct {
        const char *name, *word, *plan; /* of the statement, in its text, in its plan */
    } want[] = {
        {"postgres_write.bind_records", "INSERT INTO telemetry_records", "Insert on telemetry_re"},
        {"postgres_write.bind_stale", "INSERT INTO telemetry_stale", "Insert on telemetry_stale"},
        {"postgres_scan_open", "ORDER BY ts_ns", "Index Scan"},
        {"postgres_scan_open", "ORDER BY ts_ns DESC", "Index Scan Backward"},
        {"postgres_copy.postgres_records_open", "ORDER BY ts_ns", "telemetry_records"},
        {"postgres_hours.read_in", "FROM telemetry_hours", "telemetry_hours"},
        {"postgres_hours.read_in", "FROM telemetry_stale", "telemetry_stale"},
        {"postgres_hours.take_hours", "DELETE FROM telemetry_stale", "Delete on telemetry_stale"},
        {"postgres_hours.read_hours", "JOIN telemetry_records", "telemetry_records"},
        {"postgres_hours.put_sums", "DELETE FROM telemetry_hours", "Delete on telemetry_hours"},
        {"postgres_hours.put_sums", "INSERT INTO telemetry_hours", "Insert on telemetry_hours"},
        {"postgres_hours.put_newest", "INSERT INTO telemetry_latest", "Insert on telemetry_lat"},
        {"postgres_totals.add_hours", "JOIN telemetry_hours", "telemetry_hours"},
        {"postgres_totals.add_records", "JOIN telemetry_records", "telemetry_records"},
        {"postgres_retain.count_points", "FROM telemetry_hours", "telemetry_hours"},
        {"postgres_retain.set_cutoff", "telemetry_cutoffs", "Insert on telemetry_cutoffs"},
        {"postgres_retain.change", "DELETE FROM telemetry_stale", "Delete on telemetry_stale"},
        {"postgres_retain.in_pieces", "cleanup_old_hours", "Result"},
        {"postgres_retain.delete_records", "DELETE FROM telemetry_records", "Delete on tele"},
        {"postgres_memory.load", "telemetry_latest", "telemetry_latest"},
        {"postgres_store.read_sizes", "pg_total_relation_size", "cost="},
        {"postgres_store_read_cutoffs", "telemetry_cutoffs", "telemetry_cutoffs"},
        {"postgres_partitions", "telemetry_partitions", "cost="},
        {"postgres_copy", "INSERT INTO telemetry_hours", "Insert on telemetry_hours"},
    };
    char plan[SQL_PLAN_MAX];
    write_records(3);
    read_all(false);
    read_all(true);
    sum_up();
    assert_int_equal(telemetry_purge_device(store, ORG, DEVICE), ERR_OK);
    explain_all();
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        if (!look_up(want[i].name, want[i].word, plan))
            fail_msg("%s (%s) was not timed", want[i].name, want[i].word);
        if (!strstr(plan, want[i].plan)) fail_msg("%s (%s): %s", want[i].name, want[i].word, plan);
    }
}

/* Whatever the store asks for, also what the list above does not name. */
static void none_is_left_without_a_plan(void **state)
{
    (void)state;
    struct sql_statement *s;
    char plan[SQL_PLAN_MAX];
    for (size_t i = 0; (s = sql_statement_at(i)); i++) {
        if (!bytes_starts(bytes_str(s->name), bytes_str("postgres_"))) continue;
        if (!sql_statement_plan(s, plan) || !strstr(plan, "(cost="))
            fail_msg("%s: %s: %s", s->name, s->text, plan);
    }
}

static void long_arrays_are_cut_and_the_plan_says_so(void **state)
{
    (void)state;
    char plan[SQL_PLAN_MAX];
    ask_for_plans(0);
    write_records(POSTGRES_PLAN_ELEMENTS);
    explain_all();
    assert_true(look_up("postgres_write.bind_records", "INSERT", plan) > 0);
    assert_null(strstr(plan, "first"));
    assert_non_null(strstr(plan, "rows=1000 "));
    ask_for_plans(0);
    write_records(POSTGRES_PLAN_ELEMENTS + 1);
    explain_all();
    assert_true(look_up("postgres_write.bind_records", "INSERT", plan) > 0);
    assert_ptr_equal(strstr(plan, "with the first 1000 elements of its arrays\n"), plan);
    assert_non_null(strstr(plan, "Insert on telemetry_records"));
}

/* EXPLAIN of a write writes nothing: what was purged meanwhile does not come back. */
static void explaining_a_write_does_not_run_it(void **state)
{
    (void)state;
    const struct scan_range range = {ORG, DEVICE, SERIES, HOUR(0), HOUR(2), false};
    struct scan_cursor *c;
    const struct sample *samples;
    size_t n;
    ask_for_plans(0);
    write_records(3);
    ask_for_plans(probe_now()); /* of nothing that follows: the purge is not explained */
    assert_int_equal(telemetry_purge_device(store, ORG, DEVICE), ERR_OK);
    explain_all();
    assert_int_equal(telemetry_scan_open(store, &range, &c), ERR_OK);
    assert_int_equal(telemetry_scan_next(c, &samples, &n), ERR_END);
    telemetry_scan_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_timed_by_name_and_explained),
        cmocka_unit_test(none_is_left_without_a_plan),
        cmocka_unit_test(long_arrays_are_cut_and_the_plan_says_so),
        cmocka_unit_test(explaining_a_write_does_not_run_it),
    };
    if (!postgres_maker_start(&m, NULL)) return postgres_server_skip("slow statements");
    int failed = cmocka_run_group_tests_name("slow statements", tests, set_up, tear_down);
    postgres_maker_stop(&m);
    return failed;
}
